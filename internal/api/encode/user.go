package encode

import (
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/user"
)

// User is a person as somebody sees them.
//
// https://core.telegram.org/constructor/user
func User(v user.View) tg.UserClass {
	u := &tg.User{
		ID: v.ID, Self: v.Self, Contact: v.Contact, MutualContact: v.Mutual, Deleted: v.Deleted,
		FirstName: v.FirstName, LastName: v.LastName, Username: v.Username, Phone: v.Phone,
		Verified: v.System, Support: v.System,
	}
	u.SetAccessHash(v.AccessHash)
	if !v.Deleted && !v.System {
		u.SetStatus(Status(v.Online, v.Seen))
	}
	return u
}

// Users are people as somebody sees them.
func Users(views []user.View) []tg.UserClass {
	out := make([]tg.UserClass, len(views))
	for i, v := range views {
		out[i] = User(v)
	}
	return out
}

// Status is somebody's presence.
//
// https://core.telegram.org/type/UserStatus
func Status(online, seen int64) tg.UserStatusClass {
	switch {
	case online != 0:
		return &tg.UserStatusOnline{Expires: int(online)}
	case seen != 0:
		return &tg.UserStatusOffline{WasOnline: int(seen)}
	}
	return &tg.UserStatusEmpty{} // hidden from who looks
}

// Settings are what to offer at the top of a chat with somebody.
//
// https://core.telegram.org/api/action-bar
func Settings(v user.View) tg.PeerSettings {
	stranger := !v.Self && !v.Contact && !v.Deleted && !v.System
	return tg.PeerSettings{AddContact: stranger, BlockContact: stranger}
}
