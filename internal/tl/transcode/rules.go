package transcode

// The rules say what does not follow from the schemas. Keys that name a field
// are "definition.field" of the destination; those that name types are
// "source>destination". A rule works in both directions and in all layers where
// both sides exist.

// sameThing gives constructors and methods that take the place of one the
// destination lacks. A constructor is taken only if it is of the class that is
// asked for.
var sameThing = map[string][]string{
	"account.addNoPaidMessagesException":  {"account.toggleNoPaidMessagesException"},
	"channels.clickSponsoredMessage":      {"messages.clickSponsoredMessage"},
	"channels.createForumTopic":           {"messages.createForumTopic"},
	"channels.deleteTopicHistory":         {"messages.deleteTopicHistory"},
	"channels.editCreator":                {"messages.editChatCreator"},
	"channels.editForumTopic":             {"messages.editForumTopic"},
	"channels.getForumTopics":             {"messages.getForumTopics"},
	"channels.getForumTopicsByID":         {"messages.getForumTopicsByID"},
	"channels.getFutureCreatorAfterLeave": {"messages.getFutureChatCreatorAfterLeave"},
	"channels.getSponsoredMessages":       {"messages.getSponsoredMessages"},
	"channels.reorderPinnedForumTopics":   {"messages.reorderPinnedForumTopics"},
	"channels.reportSponsoredMessage":     {"messages.reportSponsoredMessage"},
	"channels.updatePinnedForumTopic":     {"messages.updatePinnedForumTopic"},
	"channels.viewSponsoredMessage":       {"messages.viewSponsoredMessage"},
	"payments.canPurchasePremium":         {"payments.canPurchaseStore"},
	"users.getIsPremiumRequiredToContact": {"users.getRequirementsToContact"},
	"emojiStatusUntil":                    {"emojiStatus"},
	"emojiStatusCollectible":              {"emojiStatus"},
	"inputChannel":                        {"inputPeerChannel"},
	"inputChannelEmpty":                   {"inputPeerEmpty"},
	"inputChannelFromMessage":             {"inputPeerChannelFromMessage"},
	"inputUser":                           {"inputPeerUser"},
	"inputUserEmpty":                      {"inputPeerEmpty"},
	"inputUserFromMessage":                {"inputPeerUserFromMessage"},
	"inputUserSelf":                       {"inputPeerSelf"},
	"inputPeerSelf":                       {"inputUserSelf"},
	"inputPeerUser":                       {"inputUser"},
	"inputPeerUserFromMessage":            {"inputUserFromMessage"},
	"messagePeerVote":                     {"messageUserVote"},
	"messagePeerVoteInputOption":          {"messageUserVoteInputOption"},
	"messagePeerVoteMultiple":             {"messageUserVoteMultiple"},
	"webViewResultUrl":                    {"simpleWebViewResultUrl", "appWebViewResultUrl"},
	"updatePinnedForumTopic":              {"updateChannelPinnedTopic"},
	"updatePinnedForumTopics":             {"updateChannelPinnedTopics"},
	"sendMessageRichMessageDraftAction":   {"sendMessageTypingAction"},
	"sendMessageTextDraftAction":          {"sendMessageTypingAction"},
	"starsTransactionPeerAPI":             {"starsTransactionPeerUnsupported"},
	"starsTransactionPeerAds":             {"starsTransactionPeerUnsupported"},
}

// methodsBefore gives the former names of methods whose answer an old client
// takes by the type that the old name had.
var methodsBefore = func() map[string][]string {
	before := map[string][]string{}
	for old, names := range sameThing {
		for _, name := range names {
			before[name] = append(before[name], old)
		}
	}
	return before
}()

// formerFields gives the field of the source that a field takes its value from
// if the source has none of the same name.
var formerFields = map[string]string{
	"auth.sentCodeTypeEmailCode.next_phone_login_date": "reset_pending_date",
	"channel.background_emoji_id":                      "color",
	"channels.toggleSignatures.signatures_enabled":     "enabled",
	"draftMessage.reply_to_msg_id":                     "reply_to",
	"inputInvoiceStarGift.peer":                        "user_id",
	"inputReplyToStory.peer":                           "user_id",
	"inputReplyToStory.user_id":                        "peer",
	"invoice.recurring_terms_url":                      "terms_url",
	"invoice.terms_url":                                "recurring_terms_url",
	"messageActionGiftCode.months":                     "days",
	"messageActionGiftPremium.months":                  "days",
	"messageActionRequestedPeer.peer":                  "peers",
	"messageActionRequestedPeer.peers":                 "peer",
	"messageActionSetChatTheme.emoticon":               "theme",
	"messageActionSetChatTheme.theme":                  "emoticon",
	"messageActionStarGiftUnique.resale_stars":         "resale_amount",
	"messageMediaDocument.alt_document":                "alt_documents",
	"messageReplyStoryHeader.peer":                     "user_id",
	"messageReplyStoryHeader.user_id":                  "peer",
	"messageUserVote.user_id":                          "peer",
	"messageUserVoteInputOption.user_id":               "peer",
	"messageUserVoteMultiple.user_id":                  "peer",
	"messages.createForumTopic.peer":                   "channel",
	"messages.deleteTopicHistory.peer":                 "channel",
	"messages.editChatCreator.peer":                    "channel",
	"messages.editForumTopic.peer":                     "channel",
	"messages.getForumTopics.peer":                     "channel",
	"messages.getForumTopicsByID.peer":                 "channel",
	"messages.getFutureChatCreatorAfterLeave.peer":     "channel",
	"messages.getSponsoredMessages.peer":               "channel",
	"messages.reorderPinnedForumTopics.peer":           "channel",
	"messages.sendBotRequestedPeer.requested_peers":    "requested_peer",
	"messages.sendScreenshotNotification.reply_to":     "reply_to_msg_id",
	"messages.setChatTheme.theme":                      "emoticon",
	"messages.updatePinnedForumTopic.peer":             "channel",
	"payments.checkedGiftCode.months":                  "days",
	"payments.convertStarGift.stargift":                "msg_id",
	"payments.getStarsRevenueWithdrawalUrl.amount":     "stars",
	"payments.saveStarGift.stargift":                   "msg_id",
	"payments.updateStarGiftPrice.resell_amount":       "resell_stars",
	"starGiftAttributeBackdrop.rarity_permille":        "rarity",
	"starGiftAttributeModel.rarity_permille":           "rarity",
	"starGiftAttributePattern.rarity_permille":         "rarity",
	"starGiftUnique.resell_stars":                      "resell_amount",
	"starsTransaction.amount":                          "stars",
	"starsTransaction.stars":                           "amount",
	"updateChannelPinnedTopic.channel_id":              "peer",
	"updateChannelPinnedTopics.channel_id":             "peer",
	"updateGroupCall.chat_id":                          "peer",
	"updateMessagePollVote.peer":                       "user_id",
	"updateMessagePollVote.user_id":                    "peer",
	"user.background_emoji_id":                         "color",
	"userFull.theme_emoticon":                          "theme",
}

// constants are the values of mandatory numbers that the source lacks, where 0
// would say something untrue. The limits are those the official server sent
// before it moved them into the app configuration.
var constants = map[string]int64{
	"config.pinned_dialogs_count_max":        5,
	"config.pinned_infolder_count_max":       100,
	"config.saved_gifs_limit":                200,
	"config.stickers_faved_limit":            5,
	"keyboardButtonRequestPeer.max_quantity": 1,
	"payments.getStarsTransactions.limit":    100,
}

// indispensable fields lose the object around them when they have no value.
var indispensable = map[string]bool{
	"help.promoData.peer":                           true,
	"inputReplyToMessage.reply_to_msg_id":           true,
	"messageActionSetChatTheme.emoticon":            true,
	"messageReplyHeader.reply_to_msg_id":            true,
	"messageReplyStoryHeader.user_id":               true,
	"messages.chatInviteJoinResultWebView.query_id": true,
	"updateChannelPinnedTopic.channel_id":           true,
	"updateChannelPinnedTopics.channel_id":          true,
	"updateGroupCall.chat_id":                       true,
	"updateGroupCallMessage.from_id":                true,
	"updateMessageExtendedMedia.extended_media":     true,
	"updateMessagePollVote.user_id":                 true,
}

// forgettable are fields of queries, keyed by "definition.field" of the source,
// that 227 has no place for and that change nothing.
var forgettable = map[string]bool{
	// The id of a sponsored message says where it was shown.
	"channels.clickSponsoredMessage.channel":  true,
	"channels.reportSponsoredMessage.channel": true,
	"channels.viewSponsoredMessage.channel":   true,
	"messages.clickSponsoredMessage.peer":     true,
	"messages.reportSponsoredMessage.peer":    true,
	"messages.viewSponsoredMessage.peer":      true,
	// The id of the message says who gave the gift.
	"payments.convertStarGift.user_id": true,
	"payments.saveStarGift.user_id":    true,
	// The files tell what a set consists of.
	"stickers.createStickerSet.animated": true,
	"stickers.createStickerSet.videos":   true,
	// There are no communities in 227, so no right to manage theirs.
	"chatAdminRights.manage_linked_peers":  true,
	"chatBannedRights.manage_linked_peers": true,
}

// parts gives the fields of an object that tell what a plainer type told.
var parts = map[string][]string{
	"ChatTheme>string":                            {"emoticon"},
	"GroupCallMessage>TextWithEntities":           {"message"},
	"InputReplyTo>int":                            {"reply_to_msg_id"},
	"Peer>long":                                   {"user_id"},
	"PeerColor>int":                               {"color"},
	"PeerColor>long":                              {"background_emoji_id"},
	"ReadParticipantDate>long":                    {"user_id"},
	"RecentStory>int":                             {"max_id"},
	"StarGiftAttributeRarity>int":                 {"permille"},
	"StarsAmount>long":                            {"amount"},
	"TextWithEntities>string":                     {"text"},
	"help.AppConfig>JSONValue":                    {"config"},
	"messages.ChatInviteJoinResult>Updates":       {"updates"},
	"messages.DialogFilters>Vector<DialogFilter>": {"filters"},
	"messages.InvitedUsers>Updates":               {"updates"},
	"messages.WebPage>WebPage":                    {"webpage"},
	"messages.WebPagePreview>MessageMedia":        {"media"},
}

// zeroElements are written for elements of a vector that have no such part,
// where the place of an element tells what it belongs to.
var zeroElements = map[string][]byte{
	"RecentStory>int": {0, 0, 0, 0},
}

// wrappers gives the field that holds what a plainer type told.
var wrappers = map[string]string{
	"int>InputReplyTo":        "inputReplyToMessage.reply_to_msg_id",
	"int>InputSavedStarGift":  "inputSavedStarGiftUser.msg_id",
	"long>Peer":               "peerUser.user_id",
	"long>StarsAmount":        "starsAmount.amount",
	"string>ChatTheme":        "chatTheme.emoticon",
	"string>InputChatTheme":   "inputChatTheme.emoticon",
	"string>TextWithEntities": "textWithEntities.text",
}

// chosen gives the constructors that were true when there was only a Bool.
var chosen = map[string]map[string]bool{
	"PaidReactionPrivacy>Bool":       {"paidReactionPrivacyAnonymous": true},
	"ReportResult>Bool":              {"reportResultReported": true},
	"RequirementToContact>Bool":      {"requirementToContactPremium": true},
	"Updates>Bool":                   {"updates": true, "updatesCombined": true, "updateShort": true},
	"stories.CanSendStoryCount>Bool": {"stories.canSendStoryCount": true},
}

// emptyOf gives the constructor that stands for nothing in classes with
// several.
var emptyOf = map[string]string{
	"ChatPhoto":        "chatPhotoEmpty",
	"InputPeer":        "inputPeerEmpty",
	"InputStickerSet":  "inputStickerSetEmpty",
	"StatsGraph":       "statsGraphError",
	"UserProfilePhoto": "userProfilePhotoEmpty",
}
