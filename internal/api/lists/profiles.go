package lists

import (
	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// profiles are what people would have on their pages and in their settings.
func profiles() []*rpc.Method {
	return []*rpc.Method{
		empty[tg.PhotosGetUserPhotosRequest, tg.PhotosPhotos](),
		empty[tg.UsersGetSavedMusicRequest, tg.UsersSavedMusic](),
		empty[tg.AccountGetSavedMusicIDsRequest, tg.AccountSavedMusicIDs](),
		empty[tg.AccountGetSavedRingtonesRequest, tg.AccountSavedRingtones](),
		empty[tg.AccountGetWallPapersRequest, tg.AccountWallPapers](),
		empty[tg.AccountGetThemesRequest, tg.AccountThemes](),
		empty[tg.AccountGetChatThemesRequest, tg.AccountThemes](),
		empty[tg.AccountGetUniqueGiftChatThemesRequest, tg.AccountChatThemes](),
		empty[tg.AccountGetPasskeysRequest, tg.AccountPasskeys](),
		empty[tg.AccountGetWebAuthorizationsRequest, tg.AccountWebAuthorizations](),
		empty[tg.AccountGetConnectedBotsRequest, tg.AccountConnectedBots](),
		empty[tg.AicomposeGetTonesRequest, tg.AicomposeTones](),
		empty[tg.BotsGetAdminedBotsRequest, tg.UserClassVector](),
		empty[tg.ContactsGetBirthdaysRequest, tg.ContactsContactBirthdays](),
		empty[tg.ContactsGetTopPeersRequest, tg.ContactsTopPeers](),
		empty[tg.ContactsGetSponsoredPeersRequest, tg.ContactsSponsoredPeersEmpty](),
		with(requirements),
	}
}

// requirements says what has to be done before writing to people: nothing.
//
// https://core.telegram.org/method/users.getRequirementsToContact
func requirements(r *tg.UsersGetRequirementsToContactRequest) bin.Encoder {
	answer := &tg.RequirementToContactClassVector{}
	for range r.ID {
		answer.Elems = append(answer.Elems, &tg.RequirementToContactEmpty{})
	}
	return answer
}
