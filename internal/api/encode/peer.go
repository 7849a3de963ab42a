package encode

import (
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/peer"
)

// Peer is one end of a conversation.
func Peer(p peer.ID) tg.PeerClass {
	if id, ok := p.Channel(); ok {
		return &tg.PeerChannel{ChannelID: id}
	}
	if id, ok := p.Group(); ok {
		return &tg.PeerChat{ChatID: id}
	}
	return &tg.PeerUser{UserID: int64(p)}
}
