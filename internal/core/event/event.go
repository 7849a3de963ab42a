// Package event holds what can happen to an account, as plain structs: what core tells about after
// a commit, what the store keeps for devices that were away, and what api turns into updates.
//
// Lasting events have a pts and are recorded; passing ones (somebody types) are not. What is in an
// event is never changed after it was announced: many sessions read it at once.
//
// https://core.telegram.org/api/updates
package event

// Event is one thing that happened to one account.
type Event struct {
	// Account is whose sessions learn of it.
	Account int64
	// Pts is the account's pts after the event, and Count by how much it rose; both 0 for passing
	// events.
	Pts, Count int
	// Date is in Unix seconds.
	Date int64
	// Origin is the MTProto session whose own answer already tells of the event, 0 for none.
	Origin int64
	// Body is one of the structs of this package.
	Body any
}
