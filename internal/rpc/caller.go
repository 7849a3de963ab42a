package rpc

import "net/netip"

// Caller is who calls a method: a device, known by its permanent authorization key, and the
// account that is signed in on it.
type Caller struct {
	// Key is the id of the device's permanent authorization key; 0 while a temporary key is
	// unbound.
	Key int64
	// TempKey is the id of the temporary key the query came under, 0 if it came under the
	// permanent one.
	TempKey int64
	// Session is the MTProto session id.
	Session int64
	// Message is the msg_id of the query.
	Message int64
	// Account is the signed-in account, 0 if none.
	Account int64
	// Layer is the API layer the client speaks.
	Layer int
	// DC is the data centre the client believes it is connected to (1 if it did not say),
	// without the test and media marks.
	DC int
	// IP is the client's address.
	IP netip.Addr
	// App is what the client said about itself in initConnection.
	App App
}

// App is what a client says about itself.
//
// https://core.telegram.org/method/initConnection
type App struct {
	ID             int
	DeviceModel    string
	SystemVersion  string
	AppVersion     string
	SystemLangCode string
	LangPack       string
	LangCode       string
}
