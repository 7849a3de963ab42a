package lists

import (
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// reactions are those to messages, and the effects that messages are sent with.
//
// https://core.telegram.org/api/reactions
func reactions(now func() time.Time) []*rpc.Method {
	return []*rpc.Method{
		empty[tg.MessagesGetAvailableReactionsRequest, tg.MessagesAvailableReactions](),
		empty[tg.MessagesGetAvailableEffectsRequest, tg.MessagesAvailableEffects](),
		empty[tg.MessagesGetTopReactionsRequest, tg.MessagesReactions](),
		empty[tg.MessagesGetRecentReactionsRequest, tg.MessagesReactions](),
		empty[tg.MessagesGetDefaultTagReactionsRequest, tg.MessagesReactions](),
		empty[tg.MessagesGetSavedReactionTagsRequest, tg.MessagesSavedReactionTags](),
		empty[tg.MessagesGetUnreadReactionsRequest, tg.MessagesMessages](),
		with(func(*tg.MessagesGetMessagesReactionsRequest) bin.Encoder { return nothing(now) }),
		with(func(*tg.MessagesGetPaidReactionPrivacyRequest) bin.Encoder { return nothing(now) }),
	}
}
