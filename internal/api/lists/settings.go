package lists

import (
	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// settings are those that have one value for everybody.
//
// https://core.telegram.org/methods#working-with-the-user-account
func settings() []*rpc.Method {
	return []*rpc.Method{
		with(privacy),
		with(notifications),
		with(func(*tg.AccountGetReactionsNotifySettingsRequest) bin.Encoder {
			return &tg.ReactionsNotifySettings{Sound: &tg.NotificationSoundDefault{}, ShowPreviews: true}
		}),
		// True is silence: nobody is told that a contact signed up.
		empty[tg.AccountGetContactSignUpNotificationRequest, tg.BoolTrue](),
		empty[tg.AccountGetAutoSaveSettingsRequest, tg.AccountAutoSaveSettings](),
		empty[tg.AccountGetContentSettingsRequest, tg.AccountContentSettings](),
		empty[tg.AccountGetGlobalPrivacySettingsRequest, tg.GlobalPrivacySettings](),
		empty[tg.AccountGetWebBrowserSettingsRequest, tg.AccountWebBrowserSettings](),
		empty[tg.MessagesGetDefaultHistoryTTLRequest, tg.DefaultHistoryTTL](),
	}
}

// privacy returns who may see or do something. A number is seen by those who are in its owner's
// address book (core/user); what everybody has is open to everybody; what nobody has, to nobody.
//
// https://core.telegram.org/method/account.getPrivacy
func privacy(r *tg.AccountGetPrivacyRequest) bin.Encoder {
	var rule tg.PrivacyRuleClass
	switch r.Key.(type) {
	case *tg.InputPrivacyKeyPhoneNumber:
		rule = &tg.PrivacyValueAllowContacts{}
	case *tg.InputPrivacyKeyAddedByPhone, *tg.InputPrivacyKeyStatusTimestamp, *tg.InputPrivacyKeyAbout,
		*tg.InputPrivacyKeyForwards, *tg.InputPrivacyKeyNoPaidMessages:
		rule = &tg.PrivacyValueAllowAll{}
	default:
		rule = &tg.PrivacyValueDisallowAll{}
	}
	return &tg.AccountPrivacyRules{Rules: []tg.PrivacyRuleClass{rule}}
}

// notifications returns how a client should tell of messages: of all, with a sound; a single chat
// has nothing of its own.
//
// https://core.telegram.org/method/account.getNotifySettings
func notifications(r *tg.AccountGetNotifySettingsRequest) bin.Encoder {
	answer := &tg.PeerNotifySettings{}
	switch r.Peer.(type) {
	case *tg.InputNotifyUsers, *tg.InputNotifyChats, *tg.InputNotifyBroadcasts:
		answer.SetShowPreviews(true)
		answer.SetSilent(false)
		answer.SetMuteUntil(0)
		answer.SetIosSound(&tg.NotificationSoundDefault{})
		answer.SetAndroidSound(&tg.NotificationSoundDefault{})
		answer.SetOtherSound(&tg.NotificationSoundDefault{})
	}
	return answer
}
