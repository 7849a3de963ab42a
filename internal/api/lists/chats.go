package lists

import (
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// chats are groups, channels, and what a list of conversations and a conversation would hold beside
// messages.
func chats(now func() time.Time) []*rpc.Method {
	return []*rpc.Method{
		empty[tg.ChannelsGetAdminedPublicChannelsRequest, tg.MessagesChats](),
		empty[tg.ChannelsGetChannelRecommendationsRequest, tg.MessagesChats](),
		empty[tg.ChannelsGetGroupsForDiscussionRequest, tg.MessagesChats](),
		empty[tg.ChannelsGetLeftChannelsRequest, tg.MessagesChats](),
		empty[tg.ChannelsGetInactiveChannelsRequest, tg.MessagesInactiveChats](),
		empty[tg.MessagesGetCommonChatsRequest, tg.MessagesChats](),
		empty[tg.MessagesGetDialogFiltersRequest, tg.MessagesDialogFilters](),
		empty[tg.MessagesGetSuggestedDialogFiltersRequest, tg.DialogFilterSuggestedVector](),
		empty[tg.MessagesGetPinnedSavedDialogsRequest, tg.MessagesSavedDialogs](),
		empty[tg.MessagesGetAttachMenuBotsRequest, tg.AttachMenuBots](),
		empty[tg.MessagesGetSponsoredMessagesRequest, tg.MessagesSponsoredMessagesEmpty](),
		empty[tg.MessagesGetQuickRepliesRequest, tg.MessagesQuickReplies](),
		empty[tg.MessagesGetScheduledHistoryRequest, tg.MessagesMessages](),
		empty[tg.MessagesGetRecentLocationsRequest, tg.MessagesMessages](),
		empty[tg.MessagesGetUnreadMentionsRequest, tg.MessagesMessages](),
		empty[tg.MessagesGetUnreadPollVotesRequest, tg.MessagesMessages](),
		with(func(*tg.MessagesGetAllDraftsRequest) bin.Encoder { return nothing(now) }),
		with(func(*tg.AccountGetNotifyExceptionsRequest) bin.Encoder { return nothing(now) }),
	}
}

// nothing is what answers with updates when nothing is to be told.
func nothing(now func() time.Time) bin.Encoder { return &tg.Updates{Date: int(now().Unix())} }
