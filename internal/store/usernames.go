package store

import "fmt"

// Kinds of owners of public names.
const (
	OfAccount = 1
	OfChannel = 2
)

// Username is a public name, lower case, and whose it is. Released is when its owner gave it up,
// in Unix seconds, 0 if it is in use.
type Username struct {
	Name     string
	Kind     int
	Owner    int64
	Released int64
}

// Username returns what is known of a lower-case name; ErrNoRows if nothing is.
func (t *Tx) Username(name string) (Username, error) {
	u := Username{Name: name}
	err := t.Row(`SELECT kind, owner, released FROM usernames WHERE name = $1`, name).
		Scan(&u.Kind, &u.Owner, &u.Released)
	if err != nil {
		return Username{}, fmt.Errorf("username: %w", err)
	}
	return u, nil
}

// TakeUsername gives a lower-case name to an owner; ErrCollision if it is in use, or was given up
// by somebody else after heldSince.
func (t *Tx) TakeUsername(name string, kind int, owner, heldSince int64) error {
	n, err := t.Exec(`INSERT INTO usernames (name, kind, owner, released) VALUES ($1, $2, $3, 0)
		ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, owner = excluded.owner, released = 0
		WHERE usernames.released > 0 AND (usernames.released < $4
			OR (usernames.kind = excluded.kind AND usernames.owner = excluded.owner))`, name, kind, owner, heldSince)
	if err != nil {
		return fmt.Errorf("take username: %w", err)
	}
	if n == 0 {
		return ErrCollision
	}
	return nil
}

// ReleaseUsernames gives up the names an owner uses.
func (t *Tx) ReleaseUsernames(kind int, owner, now int64) error {
	_, err := t.Exec(`UPDATE usernames SET released = $3 WHERE kind = $1 AND owner = $2 AND released = 0`,
		kind, owner, now)
	if err != nil {
		return fmt.Errorf("release usernames: %w", err)
	}
	return nil
}
