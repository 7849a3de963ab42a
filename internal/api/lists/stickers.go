package lists

import (
	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// stickers are stickers, custom emoji and moving pictures.
//
// https://core.telegram.org/api/stickers
func stickers() []*rpc.Method {
	return []*rpc.Method{
		empty[tg.MessagesGetAllStickersRequest, tg.MessagesAllStickers](),
		empty[tg.MessagesGetMaskStickersRequest, tg.MessagesAllStickers](),
		empty[tg.MessagesGetEmojiStickersRequest, tg.MessagesAllStickers](),
		empty[tg.MessagesGetArchivedStickersRequest, tg.MessagesArchivedStickers](),
		empty[tg.MessagesGetFavedStickersRequest, tg.MessagesFavedStickers](),
		empty[tg.MessagesGetFeaturedStickersRequest, tg.MessagesFeaturedStickers](),
		empty[tg.MessagesGetFeaturedEmojiStickersRequest, tg.MessagesFeaturedStickers](),
		empty[tg.MessagesGetOldFeaturedStickersRequest, tg.MessagesFeaturedStickers](),
		empty[tg.MessagesGetRecentStickersRequest, tg.MessagesRecentStickers](),
		empty[tg.MessagesGetMyStickersRequest, tg.MessagesMyStickers](),
		empty[tg.MessagesGetStickersRequest, tg.MessagesStickers](),
		empty[tg.MessagesSearchStickersRequest, tg.MessagesFoundStickers](),
		empty[tg.MessagesSearchStickerSetsRequest, tg.MessagesFoundStickerSets](),
		empty[tg.MessagesSearchEmojiStickerSetsRequest, tg.MessagesFoundStickerSets](),
		empty[tg.MessagesSearchCustomEmojiRequest, tg.EmojiList](),
		empty[tg.MessagesGetCustomEmojiDocumentsRequest, tg.DocumentClassVector](),
		empty[tg.MessagesGetSavedGifsRequest, tg.MessagesSavedGifs](),
		empty[tg.MessagesGetEmojiGroupsRequest, tg.MessagesEmojiGroups](),
		empty[tg.MessagesGetEmojiStatusGroupsRequest, tg.MessagesEmojiGroups](),
		empty[tg.MessagesGetEmojiProfilePhotoGroupsRequest, tg.MessagesEmojiGroups](),
		empty[tg.MessagesGetEmojiStickerGroupsRequest, tg.MessagesEmojiGroups](),
		empty[tg.MessagesGetEmojiKeywordsLanguagesRequest, tg.EmojiLanguageVector](),
		// Client software has keywords begin at version 1.
		with(func(r *tg.MessagesGetEmojiKeywordsRequest) bin.Encoder {
			return &tg.EmojiKeywordsDifference{LangCode: r.LangCode, Version: 1}
		}),
		with(func(r *tg.MessagesGetEmojiKeywordsDifferenceRequest) bin.Encoder {
			return &tg.EmojiKeywordsDifference{LangCode: r.LangCode, FromVersion: r.FromVersion, Version: r.FromVersion}
		}),
		empty[tg.MessagesGetEmojiGameInfoRequest, tg.MessagesEmojiGameUnavailable](),
		empty[tg.AccountGetDefaultEmojiStatusesRequest, tg.AccountEmojiStatuses](),
		empty[tg.AccountGetRecentEmojiStatusesRequest, tg.AccountEmojiStatuses](),
		empty[tg.AccountGetCollectibleEmojiStatusesRequest, tg.AccountEmojiStatuses](),
		empty[tg.AccountGetChannelDefaultEmojiStatusesRequest, tg.AccountEmojiStatuses](),
		empty[tg.AccountGetChannelRestrictedStatusEmojisRequest, tg.EmojiList](),
		empty[tg.AccountGetDefaultBackgroundEmojisRequest, tg.EmojiList](),
		empty[tg.AccountGetDefaultProfilePhotoEmojisRequest, tg.EmojiList](),
		empty[tg.AccountGetDefaultGroupPhotoEmojisRequest, tg.EmojiList](),
	}
}
