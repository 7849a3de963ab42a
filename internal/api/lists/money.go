package lists

import (
	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// money is what costs money elsewhere: stars, gifts, subscriptions.
//
// https://core.telegram.org/api/stars
func money() []*rpc.Method {
	return []*rpc.Method{
		with(func(*tg.PaymentsGetStarsStatusRequest) bin.Encoder { return noStars() }),
		with(func(*tg.PaymentsGetStarsTransactionsRequest) bin.Encoder { return noStars() }),
		with(func(*tg.PaymentsGetStarsSubscriptionsRequest) bin.Encoder { return noStars() }),
		empty[tg.PaymentsGetStarsTopupOptionsRequest, tg.StarsTopupOptionVector](),
		empty[tg.PaymentsGetStarsGiftOptionsRequest, tg.StarsGiftOptionVector](),
		empty[tg.PaymentsGetStarsGiveawayOptionsRequest, tg.StarsGiveawayOptionVector](),
		empty[tg.PaymentsGetPremiumGiftCodeOptionsRequest, tg.PremiumGiftCodeOptionVector](),
		empty[tg.PaymentsGetStarGiftsRequest, tg.PaymentsStarGifts](),
		empty[tg.PaymentsGetSavedStarGiftsRequest, tg.PaymentsSavedStarGifts](),
		empty[tg.PaymentsGetStarGiftCollectionsRequest, tg.PaymentsStarGiftCollections](),
		empty[tg.PaymentsGetStarGiftActiveAuctionsRequest, tg.PaymentsStarGiftActiveAuctions](),
		empty[tg.PaymentsGetSavedInfoRequest, tg.PaymentsSavedInfo](),
	}
}

func noStars() bin.Encoder { return &tg.PaymentsStarsStatus{Balance: &tg.StarsAmount{}} }
