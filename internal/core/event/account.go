package event

// UserChanged says that somebody's names, public name or picture are others now. It goes to all
// sessions of that person.
//
// https://core.telegram.org/constructor/updateUserName
type UserChanged struct {
	User                          int64
	FirstName, LastName, Username string
}

// Status says that somebody is online until Until, or was last online at Until, in Unix seconds.
//
// https://core.telegram.org/constructor/updateUserStatus
type Status struct {
	User   int64
	Online bool
	Until  int64
}

// NewAuthorization says that somebody signed in to the account on another device, or (not
// Unconfirmed) that such a login was approved.
//
// https://core.telegram.org/constructor/updateNewAuthorization
type NewAuthorization struct {
	// Hash names the device as in the list of sessions.
	Hash        int64
	Unconfirmed bool
	// Date is in Unix seconds.
	Date int64
	// Device is a model and program, Location a truncated address or "".
	Device, Location string
}

// LoginTokenAccepted says that the login a device shows as a QR code was accepted, and it may fetch
// its account now. The device has no account yet: the event's Account is 0, and it goes to the
// device Key.
//
// https://core.telegram.org/constructor/updateLoginToken
type LoginTokenAccepted struct{ Key int64 }
