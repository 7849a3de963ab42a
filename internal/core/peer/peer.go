// Package peer names the ends of a conversation: people, basic groups and channels, as one number.
//
// https://core.telegram.org/api/bots/ids gives the same arithmetic for bots.
package peer

// ID is one end of a conversation: a user's id as it is, a basic group's negated, a channel's
// negated and 10^12 below.
type ID int64

const channelBase = 1_000_000_000_000

// System is the service user that delivers login codes and notices.
const System = 777000

// User is the peer of a user id.
func User(id int64) ID { return ID(id) }

// Group is the peer of a basic group's id.
func Group(id int64) ID { return ID(-id) }

// Channel is the peer of a channel's or supergroup's id.
func Channel(id int64) ID { return ID(-channelBase - id) }

// User returns the user's id if the peer is a user.
func (p ID) User() (int64, bool) { return int64(p), p > 0 }

// Group returns the basic group's id if the peer is one.
func (p ID) Group() (int64, bool) { return -int64(p), p < 0 && p > -channelBase }

// Channel returns the channel's id if the peer is one.
func (p ID) Channel() (int64, bool) { return -channelBase - int64(p), p < -channelBase }
