package lists

import (
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// about is what the server would tell of itself and its operator. Clients ask before they sign in.
//
// https://core.telegram.org/methods#working-with-the-config
func about(now func() time.Time) []*rpc.Method {
	anyone := rpc.For(rpc.Anyone)
	tomorrow := func() int { return int(now().Add(24 * time.Hour).Unix()) }
	return []*rpc.Method{
		empty[tg.HelpGetAppUpdateRequest, tg.HelpNoAppUpdate](anyone),
		empty[tg.HelpGetCDNConfigRequest, tg.CDNConfig](anyone),
		empty[tg.HelpGetDeepLinkInfoRequest, tg.HelpDeepLinkInfoEmpty](anyone),
		empty[tg.HelpGetPeerColorsRequest, tg.HelpPeerColors](anyone),
		empty[tg.HelpGetPeerProfileColorsRequest, tg.HelpPeerColors](anyone),
		empty[tg.HelpGetRecentMeURLsRequest, tg.HelpRecentMeURLs](anyone),
		empty[tg.HelpGetTimezonesListRequest, tg.HelpTimezonesList](anyone),
		with(func(*tg.HelpGetPromoDataRequest) bin.Encoder {
			return &tg.HelpPromoDataEmpty{Expires: tomorrow()}
		}, anyone),
		with(func(*tg.HelpGetTermsOfServiceUpdateRequest) bin.Encoder {
			return &tg.HelpTermsOfServiceUpdateEmpty{Expires: tomorrow()}
		}, anyone),
	}
}
