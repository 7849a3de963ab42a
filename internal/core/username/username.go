// Package username keeps the public names of people and channels: one list for both, so that an
// address leads to one thing only.
//
// A name has 5 to 32 letters, digits and underscores of the Latin alphabet, begins with a letter
// and is the same in capitals. Names that the server's own pages need are nobody's. Whoever gives a
// name up may take it back for a year; until then it still leads to them, and others cannot pass
// themselves off as its owner.
//
// The package imports store and fault.
//
// Specification: https://core.telegram.org/method/account.updateUsername.
package username

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/store"
)

// held is how long a name that was given up is kept for its last owner.
const held = 365 * 24 * time.Hour

// Reserved are the first segments of the server's own addresses, and names that would be taken for
// the server speaking.
var Reserved = []string{
	"app", "apiws", "join", "c", "s", "report", "static", "admin", "api", "bot", "file", "healthz", "metrics",
	"transparency", ".well-known", "favicon", "robots", "chappe", "support", "service", "abuse", "security",
	"moderator", "settings", "contact", "imprint", "privacy", "terms", "login", "logout", "signup", "telegram",
}

var shape = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]*(_[a-zA-Z0-9]+)*$`)

// Valid tells whether a name may be a public name; it fails with USERNAME_INVALID.
func Valid(name string) error {
	if len(name) < 5 || len(name) > 32 || !shape.MatchString(name) || slices.Contains(Reserved, strings.ToLower(name)) {
		return fault.UsernameInvalid
	}
	return nil
}

// Owner is who has a public name.
type Owner struct {
	// Kind is store.OfAccount or store.OfChannel.
	Kind int
	ID   int64
}

// Free tells whether an owner may have a name. It fails with USERNAME_INVALID or
// USERNAME_OCCUPIED.
//
// https://core.telegram.org/method/account.checkUsername
func Free(tx *store.Tx, o Owner, name string, now time.Time) error {
	if err := Valid(name); err != nil {
		return err
	}
	u, err := tx.Username(strings.ToLower(name))
	if errors.Is(err, store.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	own := u.Kind == o.Kind && u.Owner == o.ID
	if own || u.Released > 0 && u.Released < now.Add(-held).Unix() {
		return nil
	}
	return fault.UsernameOccupied
}

// Set gives an owner a name in place of the one it has, or none (""). It fails with
// USERNAME_INVALID and USERNAME_OCCUPIED.
func Set(tx *store.Tx, o Owner, name string, now time.Time) error {
	if name != "" {
		if err := Valid(name); err != nil {
			return err
		}
	}
	if err := tx.ReleaseUsernames(o.Kind, o.ID, now.Unix()); err != nil || name == "" {
		return err
	}
	err := tx.TakeUsername(strings.ToLower(name), o.Kind, o.ID, now.Add(-held).Unix())
	if errors.Is(err, store.ErrCollision) {
		return fault.UsernameOccupied
	}
	return err
}

// Resolve finds who has a name, or had it last. It fails with USERNAME_INVALID if it cannot be one
// and USERNAME_NOT_OCCUPIED if nobody has. inUse is false for a name that was given up.
//
// https://core.telegram.org/method/contacts.resolveUsername
func Resolve(tx *store.Tx, name string) (o Owner, inUse bool, err error) {
	if Valid(name) != nil {
		return o, false, fault.UsernameInvalid
	}
	u, err := tx.Username(strings.ToLower(name))
	if errors.Is(err, store.ErrNoRows) {
		return o, false, fault.UsernameNotOccupied
	}
	return Owner{u.Kind, u.Owner}, u.Released == 0, err
}
