// Package bus tells that something happened, after it was committed.
//
// What it carries is a hint: whoever hears "account X is at pts N" may find everything in the
// store, and a hint that is lost costs delay, never data. On the node where it happened the event
// itself comes along, so that nobody has to look.
//
// Announce never blocks and never calls back into the announcer: it only appends to queues.
package bus

import "github.com/chappe-im/chappe/internal/core/event"

// Bus hands events to whoever listens on this node.
type Bus struct {
	listener func([]event.Event)
}

// New returns a bus that hands everything to listener, which must not block and may be called from
// many goroutines.
func New(listener func([]event.Event)) *Bus { return &Bus{listener: listener} }

// Announce tells of events after their commit, in the order of their pts.
func (b *Bus) Announce(events ...event.Event) {
	if len(events) > 0 {
		b.listener(events)
	}
}
