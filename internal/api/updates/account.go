package updates

import (
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/core/event"
)

// account is the update of something that happened to an account itself, nil for anything else, and
// whom it names.
func account(body any) (tg.UpdateClass, []int64) {
	switch b := body.(type) {
	case event.UserChanged:
		u := &tg.UpdateUserName{UserID: b.User, FirstName: b.FirstName, LastName: b.LastName}
		if b.Username != "" {
			u.Usernames = []tg.Username{{Editable: true, Active: true, Username: b.Username}}
		}
		return u, []int64{b.User}
	case event.Status:
		online, seen := int64(0), b.Until
		if b.Online {
			online, seen = b.Until, 0
		}
		return &tg.UpdateUserStatus{UserID: b.User, Status: encode.Status(online, seen)}, nil
	case event.NewAuthorization:
		u := &tg.UpdateNewAuthorization{Hash: b.Hash, Unconfirmed: b.Unconfirmed}
		if b.Unconfirmed {
			u.SetDate(int(b.Date))
			u.SetDevice(b.Device)
			u.SetLocation(b.Location)
		}
		return u, nil
	case event.LoginTokenAccepted:
		return &tg.UpdateLoginToken{}, nil
	}
	return nil, nil
}
