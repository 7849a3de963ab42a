package help

import (
	"context"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/message"
	"github.com/chappe-im/chappe/internal/rpc"
)

// getConfig tells a client where the server is and what it allows. It answers as the data centre
// that the client came to: one that is told another number asks again at once, for ever.
//
// https://core.telegram.org/method/help.getConfig
func (d Deps) getConfig(ctx context.Context, c *rpc.Caller, _ *tg.HelpGetConfigRequest) (bin.Encoder, error) {
	now := d.Now()
	config := limits()
	config.Date, config.Expires = int(now.Unix()), int(now.Add(time.Hour).Unix())
	config.ThisDC, config.WebfileDCID = c.DC, c.DC
	config.DCOptions = options(c.DC, d.Addresses.List(ctx, now))
	config.DCTxtDomainName = d.Addresses.host
	config.MeURLPrefix = d.URL + "/"
	return config, nil
}

// limits are the figures of a config. What this server has nothing of yet (calls, stickers, push
// notifications, groups) has the figure that clients know from elsewhere.
//
// https://core.telegram.org/constructor/config
func limits() *tg.Config {
	return &tg.Config{
		ChatSizeMax:      200,
		MegagroupSizeMax: 200_000,

		MessageLengthMax:  message.MaxText,
		CaptionLengthMax:  captionLength,
		ForwardedCountMax: 100,
		EditTimeLimit:     48 * 60 * 60,

		// Anybody may delete any message of a private chat for both sides, at any time.
		RevokePmInbox:     true,
		RevokeTimeLimit:   math.MaxInt32,
		RevokePmTimeLimit: math.MaxInt32,

		// Who says so counts as online for five minutes; clients repeat it well before.
		OnlineUpdatePeriodMs:    210_000,
		OfflineBlurTimeoutMs:    5_000,
		OfflineIdleTimeoutMs:    30_000,
		OnlineCloudTimeoutMs:    300_000,
		NotifyCloudDelayMs:      30_000,
		NotifyDefaultDelayMs:    1_500,
		PushChatPeriodMs:        60_000,
		PushChatLimit:           2,
		RatingEDecay:            2_419_200,
		StickersRecentLimit:     200,
		CallReceiveTimeoutMs:    20_000,
		CallRingTimeoutMs:       90_000,
		CallConnectTimeoutMs:    30_000,
		CallPacketTimeoutMs:     10_000,
		ChannelsReadMediaPeriod: 604_800,
	}
}

// options lead from every data centre to this server. None is for media only, so clients take the
// same for media.
//
// https://core.telegram.org/constructor/dcOption
func options(dc int, addresses []netip.AddrPort) []tg.DCOption {
	numbers := []int{1, 2, 3, 4, 5} // those that client software comes with
	if !slices.Contains(numbers, dc) {
		numbers = append(numbers, dc)
	}
	list := make([]tg.DCOption, 0, len(numbers)*len(addresses))
	for _, id := range numbers {
		for _, a := range addresses {
			list = append(list, tg.DCOption{
				ID: id, IPAddress: a.Addr().String(), Port: int(a.Port()), Ipv6: a.Addr().Is6(), ThisPortOnly: true,
			})
		}
	}
	return list
}

// getNearestDC answers that every data centre is the nearest. The country preselects a prefix when
// signing in: that of the numbers which this server gives.
//
// https://core.telegram.org/method/help.getNearestDc
func (d Deps) getNearestDC(_ context.Context, c *rpc.Caller, _ *tg.HelpGetNearestDCRequest) (bin.Encoder, error) {
	return &tg.NearestDC{Country: anonymous, ThisDC: c.DC, NearestDC: c.DC}, nil
}
