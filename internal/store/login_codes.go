package store

import "fmt"

// LoginCode is a login code under way, named by a number and the phone_code_hash that
// auth.sendCode answered.
type LoginCode struct {
	Phone, Hash string
	// MAC is what a tried code is held against, Sealed what can be told to the operator.
	MAC, Sealed      []byte
	Created, Expires int64
	// Tries counts the wrong ones; Way is how the code was delivered last.
	Tries, Way int
	// Verified says that the right code was given and only the sign-up is missing.
	Verified bool
}

// SaveLoginCode writes a code as it is now.
func (t *Tx) SaveLoginCode(c LoginCode) error {
	_, err := t.Exec(`INSERT INTO login_codes (phone, hash, mac, sealed, created, expires, tries, way, verified)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (phone, hash) DO UPDATE SET mac = excluded.mac, sealed = excluded.sealed,
			expires = excluded.expires, tries = excluded.tries, way = excluded.way, verified = excluded.verified`,
		c.Phone, c.Hash, c.MAC, c.Sealed, c.Created, c.Expires, c.Tries, c.Way, bit(c.Verified))
	if err != nil {
		return fmt.Errorf("save login code: %w", err)
	}
	return nil
}

const loginCodeColumns = `phone, hash, mac, sealed, created, expires, tries, way, verified`

func scanLoginCode(row Row) (c LoginCode, err error) {
	err = row.Scan(&c.Phone, &c.Hash, &c.MAC, &c.Sealed, &c.Created, &c.Expires, &c.Tries, &c.Way, &c.Verified)
	if err != nil {
		return LoginCode{}, fmt.Errorf("login code: %w", err)
	}
	return c, nil
}

// LoginCode returns a code, one that ran out too; ErrNoRows if there is none.
func (t *Tx) LoginCode(phone, hash string) (LoginCode, error) {
	return scanLoginCode(t.Row(`SELECT `+loginCodeColumns+` FROM login_codes
		WHERE phone = $1 AND hash = $2`, phone, hash))
}

// LatestLoginCode returns the newest code of a number that may still be tried; ErrNoRows if none.
func (t *Tx) LatestLoginCode(phone string, now int64) (LoginCode, error) {
	return scanLoginCode(t.Row(`SELECT `+loginCodeColumns+` FROM login_codes
		WHERE phone = $1 AND expires > $2 AND verified = 0 ORDER BY created DESC, hash LIMIT 1`, phone, now))
}

// DeleteLoginCode ends a code.
func (t *Tx) DeleteLoginCode(phone, hash string) error {
	if _, err := t.Exec(`DELETE FROM login_codes WHERE phone = $1 AND hash = $2`, phone, hash); err != nil {
		return fmt.Errorf("delete login code: %w", err)
	}
	return nil
}

// DeleteLoginCodes ends every code of a number.
func (t *Tx) DeleteLoginCodes(phone string) error {
	if _, err := t.Exec(`DELETE FROM login_codes WHERE phone = $1`, phone); err != nil {
		return fmt.Errorf("delete login codes: %w", err)
	}
	return nil
}

// LoginToken is a QR login under way: the device Key shows it, Account accepted it (0 nobody yet).
//
// https://core.telegram.org/api/qr-login
type LoginToken struct {
	Key     int64
	MAC     []byte
	Expires int64
	Account int64
}

// SaveLoginToken writes the one token of a device.
func (t *Tx) SaveLoginToken(k LoginToken) error {
	_, err := t.Exec(`INSERT INTO login_tokens (key, mac, expires, account) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET mac = excluded.mac, expires = excluded.expires, account = excluded.account`,
		k.Key, k.MAC, k.Expires, k.Account)
	if err != nil {
		return fmt.Errorf("save login token: %w", err)
	}
	return nil
}

// LoginToken returns the token of a device; ErrNoRows if none.
func (t *Tx) LoginToken(key int64) (LoginToken, error) {
	return scanLoginToken(t.Row(`SELECT key, mac, expires, account FROM login_tokens WHERE key = $1`, key))
}

// LoginTokenByMAC returns a token by its hash; ErrNoRows if none.
func (t *Tx) LoginTokenByMAC(mac []byte) (LoginToken, error) {
	return scanLoginToken(t.Row(`SELECT key, mac, expires, account FROM login_tokens WHERE mac = $1`, mac))
}

func scanLoginToken(row Row) (k LoginToken, err error) {
	if err = row.Scan(&k.Key, &k.MAC, &k.Expires, &k.Account); err != nil {
		return LoginToken{}, fmt.Errorf("login token: %w", err)
	}
	return k, nil
}

// DeleteLoginToken ends the token of a device.
func (t *Tx) DeleteLoginToken(key int64) error {
	if _, err := t.Exec(`DELETE FROM login_tokens WHERE key = $1`, key); err != nil {
		return fmt.Errorf("delete login token: %w", err)
	}
	return nil
}

// SaveExport keeps the hash of a login that the device parent hands to another key.
func (t *Tx) SaveExport(account int64, mac []byte, parent, expires int64) error {
	_, err := t.Exec(`INSERT INTO exports (account, mac, parent, expires) VALUES ($1, $2, $3, $4)`,
		account, mac, parent, expires)
	if err != nil {
		return fmt.Errorf("save export: %w", err)
	}
	return nil
}

// TakeExport ends an exported login and returns the device that handed it out; ErrNoRows if there
// is none, or if it ran out.
func (t *Tx) TakeExport(account int64, mac []byte, now int64) (parent int64, err error) {
	err = t.Row(`DELETE FROM exports WHERE account = $1 AND mac = $2 AND expires > $3 RETURNING parent`,
		account, mac, now).Scan(&parent)
	if err != nil {
		return 0, fmt.Errorf("take export: %w", err)
	}
	return parent, nil
}

// SweepLogins forgets what ran out: codes, tokens, exports, numbers handed out, invites and the
// attempts before the given time in microseconds.
func (t *Tx) SweepLogins(now, attempts int64) error {
	for _, query := range []string{
		`DELETE FROM login_codes WHERE expires < $1`,
		`DELETE FROM login_tokens WHERE expires < $1`,
		`DELETE FROM exports WHERE expires < $1`,
		`DELETE FROM numbers WHERE account = 0 AND expires > 0 AND expires < $1`,
		`DELETE FROM invites WHERE uses = 0 OR (expires > 0 AND expires < $1)`,
	} {
		if _, err := t.Exec(query, now); err != nil {
			return fmt.Errorf("sweep logins: %w", err)
		}
	}
	if _, err := t.Exec(`DELETE FROM attempts WHERE at < $1`, attempts); err != nil {
		return fmt.Errorf("sweep attempts: %w", err)
	}
	return nil
}
