package store

import (
	"errors"
	"fmt"
)

// Number is a phone number that is of an account (Account) or was handed out and waits for its
// sign-up until Expires, in Unix seconds. Code is the sealed first login code of the latter.
type Number struct {
	Phone   string
	Account int64
	Code    []byte
	Expires int64
}

// Number returns what is known of a number; ErrNoRows if nothing is.
func (t *Tx) Number(phone string) (Number, error) {
	n := Number{Phone: phone}
	err := t.Row(`SELECT account, code, expires FROM numbers WHERE phone = $1`, phone).
		Scan(&n.Account, &n.Code, &n.Expires)
	if err != nil {
		return Number{}, fmt.Errorf("number: %w", err)
	}
	return n, nil
}

// ReserveNumber keeps a number for whoever it was handed to; ErrCollision if it is taken. One that
// ran out before now is free.
func (t *Tx) ReserveNumber(n Number, now int64) error {
	affected, err := t.Exec(`INSERT INTO numbers (phone, account, code, expires) VALUES ($1, 0, $2, $3)
		ON CONFLICT (phone) DO UPDATE SET code = excluded.code, expires = excluded.expires
		WHERE numbers.account = 0 AND numbers.expires < $4`, n.Phone, n.Code, n.Expires, now)
	if err != nil {
		return fmt.Errorf("reserve number: %w", err)
	}
	if affected == 0 {
		return ErrCollision
	}
	return nil
}

// ClaimNumber gives a number to an account; ErrCollision if it is another's.
func (t *Tx) ClaimNumber(phone string, account int64) error {
	n, err := t.Exec(`INSERT INTO numbers (phone, account, code, expires) VALUES ($1, $2, $3, 0)
		ON CONFLICT (phone) DO UPDATE SET account = excluded.account, code = excluded.code, expires = 0
		WHERE numbers.account = 0`, phone, account, []byte{})
	if err != nil {
		return fmt.Errorf("claim number: %w", err)
	}
	if n == 0 {
		return ErrCollision
	}
	return nil
}

// Invite is a link to a number. Uses is how many numbers are left in it, Expires 0 is never.
type Invite struct {
	MAC              []byte
	Created, Expires int64
	Uses             int
}

// SaveInvite keeps a new invite.
func (t *Tx) SaveInvite(i Invite) error {
	_, err := t.Exec(`INSERT INTO invites (mac, created, expires, uses) VALUES ($1, $2, $3, $4)`,
		i.MAC, i.Created, i.Expires, i.Uses)
	if err != nil {
		return fmt.Errorf("save invite: %w", err)
	}
	return nil
}

// Invite tells whether an invite is good for another number.
func (t *Tx) Invite(mac []byte, now int64) (bool, error) {
	var uses int
	err := t.Row(`SELECT uses FROM invites WHERE mac = $1 AND (expires = 0 OR expires > $2)`, mac, now).Scan(&uses)
	if errors.Is(err, ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("invite: %w", err)
	}
	return uses > 0, nil
}

// UseInvite takes one number out of an invite, and tells whether there was one.
func (t *Tx) UseInvite(mac []byte, now int64) (bool, error) {
	n, err := t.Exec(`UPDATE invites SET uses = uses - 1
		WHERE mac = $1 AND uses > 0 AND (expires = 0 OR expires > $2)`, mac, now)
	if err != nil {
		return false, fmt.Errorf("use invite: %w", err)
	}
	return n > 0, nil
}
