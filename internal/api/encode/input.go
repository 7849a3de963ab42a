package encode

import (
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/core/user"
)

// Reader reads the peers a client names, and holds their access hashes against the viewer's.
type Reader struct{ Users *user.Service }

// Peer reads an input peer: PEER_ID_INVALID if the client cannot have met it.
//
// https://core.telegram.org/api/peers#access-hash
func (r Reader) Peer(viewer int64, in tg.InputPeerClass) (peer.ID, error) {
	switch p := in.(type) {
	case *tg.InputPeerSelf:
		return peer.User(viewer), nil
	case *tg.InputPeerUser:
		return r.known(viewer, p.UserID, p.AccessHash)
	}
	return 0, fault.PeerIDInvalid
}

// User reads an input user: USER_ID_INVALID if the client cannot have met them.
func (r Reader) User(viewer int64, in tg.InputUserClass) (int64, error) {
	switch u := in.(type) {
	case *tg.InputUserSelf:
		return viewer, nil
	case *tg.InputUser:
		id, err := r.known(viewer, u.UserID, u.AccessHash)
		if err != nil {
			return 0, fault.UserIDInvalid
		}
		return int64(id), nil
	}
	return 0, fault.UserIDInvalid
}

// known accepts oneself and the service account without a hash, as official servers do.
func (r Reader) known(viewer, id, hash int64) (peer.ID, error) {
	if id != viewer && id != peer.System && hash != r.Users.AccessHash(viewer, id) {
		return 0, fault.PeerIDInvalid
	}
	return peer.User(id), nil
}
