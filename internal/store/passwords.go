package store

import (
	"errors"
	"fmt"
)

// Password is the second factor of an account.
//
// https://core.telegram.org/api/srp
type Password struct {
	Account int64
	// Sealed holds verifier, salts and hint.
	Sealed []byte
	// Changed is when it was set, Failed when it was last wrong, Reset when it goes because its owner
	// forgot it (0 if nobody asked), in Unix seconds.
	Changed, Failed, Reset int64
	// Fails counts wrong tries since the last right one.
	Fails int
}

// Password returns the second factor of an account; ErrNoRows if it has none.
func (t *Tx) Password(account int64) (Password, error) {
	p := Password{Account: account}
	err := t.Row(`SELECT sealed, changed, failed, reset, fails FROM passwords WHERE account = $1`, account).
		Scan(&p.Sealed, &p.Changed, &p.Failed, &p.Reset, &p.Fails)
	if err != nil {
		return Password{}, fmt.Errorf("password: %w", err)
	}
	return p, nil
}

// HasPassword tells whether an account has a second factor.
func (t *Tx) HasPassword(account int64) (bool, error) {
	_, err := t.Password(account)
	if errors.Is(err, ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// SavePassword writes the second factor of an account as it is now.
func (t *Tx) SavePassword(p Password) error {
	_, err := t.Exec(`INSERT INTO passwords (account, sealed, changed, failed, reset, fails)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account) DO UPDATE SET sealed = excluded.sealed, changed = excluded.changed,
			failed = excluded.failed, reset = excluded.reset, fails = excluded.fails`,
		p.Account, p.Sealed, p.Changed, p.Failed, p.Reset, p.Fails)
	if err != nil {
		return fmt.Errorf("save password: %w", err)
	}
	return nil
}

// DeletePassword takes the second factor of an account away.
func (t *Tx) DeletePassword(account int64) error {
	if _, err := t.Exec(`DELETE FROM passwords WHERE account = $1`, account); err != nil {
		return fmt.Errorf("delete password: %w", err)
	}
	return nil
}

// Purposes of e-mail addresses.
const (
	ForLogin    = 1
	ForPassword = 2
)

// Email is an address of an account for one purpose: Proven, or waiting for the code whose hash is
// MAC. Once proven, an address may have a code under way again, to recover a password with.
type Email struct {
	Account int64
	Purpose int
	Proven  bool
	// Address is sealed.
	Address []byte
	MAC     []byte
	Expires int64
	Tries   int
}

// Email returns an address; ErrNoRows if there is none.
func (t *Tx) Email(account int64, purpose int, proven bool) (Email, error) {
	e := Email{Account: account, Purpose: purpose, Proven: proven}
	err := t.Row(`SELECT address, mac, expires, tries FROM emails
		WHERE account = $1 AND purpose = $2 AND proven = $3`, account, purpose, bit(proven)).
		Scan(&e.Address, &e.MAC, &e.Expires, &e.Tries)
	if err != nil {
		return Email{}, fmt.Errorf("email: %w", err)
	}
	return e, nil
}

// SaveEmail writes an address as it is now.
func (t *Tx) SaveEmail(e Email) error {
	_, err := t.Exec(`INSERT INTO emails (account, purpose, proven, address, mac, expires, tries)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (account, purpose, proven) DO UPDATE SET address = excluded.address, mac = excluded.mac,
			expires = excluded.expires, tries = excluded.tries`,
		e.Account, e.Purpose, bit(e.Proven), e.Address, e.MAC, e.Expires, e.Tries)
	if err != nil {
		return fmt.Errorf("save email: %w", err)
	}
	return nil
}

// DeleteEmail takes an address of an account away.
func (t *Tx) DeleteEmail(account int64, purpose int, proven bool) error {
	_, err := t.Exec(`DELETE FROM emails WHERE account = $1 AND purpose = $2 AND proven = $3`,
		account, purpose, bit(proven))
	if err != nil {
		return fmt.Errorf("delete email: %w", err)
	}
	return nil
}
