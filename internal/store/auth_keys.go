package store

import (
	"errors"
	"fmt"
)

// ErrCollision says that an id is taken: the caller draws another one.
var ErrCollision = errors.New("id is taken")

// AuthKey is an authorization key at rest.
//
// https://core.telegram.org/mtproto/auth_key
type AuthKey struct {
	ID int64
	// Sealed is the key under the master key.
	Sealed []byte
	// Created and Expires are in Unix seconds; Expires is 0 for a permanent key.
	Created, Expires int64
	// Perm is the permanent key that a temporary key is bound to, 0 if none.
	Perm int64
}

// SaveAuthKey keeps a new key; ErrCollision if there is one of that id.
func (t *Tx) SaveAuthKey(id int64, sealed []byte, created, expires int64) error {
	n, err := t.Exec(`INSERT INTO auth_keys (id, sealed, created, expires) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO NOTHING`, id, sealed, created, expires)
	if err != nil {
		return fmt.Errorf("save auth key: %w", err)
	}
	if n == 0 {
		return ErrCollision
	}
	return nil
}

// AuthKey returns a key by id; ErrNoRows if there is none.
func (t *Tx) AuthKey(id int64) (AuthKey, error) {
	k := AuthKey{ID: id}
	err := t.Row(`SELECT sealed, created, expires, perm FROM auth_keys WHERE id = $1`, id).
		Scan(&k.Sealed, &k.Created, &k.Expires, &k.Perm)
	if err != nil {
		return AuthKey{}, fmt.Errorf("auth key: %w", err)
	}
	return k, nil
}

// BindAuthKey binds a temporary key to a permanent one.
func (t *Tx) BindAuthKey(temp, perm int64) error {
	if _, err := t.Exec(`UPDATE auth_keys SET perm = $1 WHERE id = $2 AND expires <> 0`, perm, temp); err != nil {
		return fmt.Errorf("bind auth key: %w", err)
	}
	return nil
}

// TempAuthKeys returns the ids of the temporary keys bound to perm.
func (t *Tx) TempAuthKeys(perm int64) ([]int64, error) {
	return t.ids(`SELECT id FROM auth_keys WHERE perm = $1 AND expires <> 0 AND perm <> 0`, perm)
}

// DeleteAuthKey forgets a key, the temporary keys bound to it and the device it stood for. It is
// no error if there is none; 0 is the id of none.
func (t *Tx) DeleteAuthKey(id int64) error {
	if id == 0 {
		return nil
	}
	for _, query := range []string{
		`DELETE FROM auth_keys WHERE id = $1 OR perm = $1`,
		`DELETE FROM devices WHERE key = $1`,
		`DELETE FROM login_tokens WHERE key = $1`,
	} {
		if _, err := t.Exec(query, id); err != nil {
			return fmt.Errorf("delete auth key: %w", err)
		}
	}
	return nil
}

// SweepAuthKeys forgets temporary keys that ran out before now, and logins that were begun before
// idle and never ended.
func (t *Tx) SweepAuthKeys(now, idle int64) error {
	if _, err := t.Exec(`DELETE FROM devices WHERE account = 0 AND active < $1`, idle); err != nil {
		return fmt.Errorf("sweep logins: %w", err)
	}
	if _, err := t.Exec(`DELETE FROM auth_keys WHERE expires > 0 AND expires < $1`, now); err != nil {
		return fmt.Errorf("sweep temporary keys: %w", err)
	}
	return nil
}

// IdleAuthKeys returns at most limit permanent keys made before the given time that no device uses
// and no temporary key is bound to. It looks at all keys: use it in Read.
func (t *Tx) IdleAuthKeys(before int64, limit int) ([]int64, error) {
	return t.ids(`SELECT id FROM auth_keys WHERE expires = 0 AND created < $1
		AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.key = auth_keys.id)
		AND NOT EXISTS (SELECT 1 FROM auth_keys k WHERE k.perm = auth_keys.id)
		ORDER BY id LIMIT $2`, before, limit)
}

// DeleteIdleAuthKey forgets a permanent key if there is still no device that uses it.
func (t *Tx) DeleteIdleAuthKey(id int64) error {
	_, err := t.Exec(`DELETE FROM auth_keys WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM devices WHERE key = $1)`, id)
	if err != nil {
		return fmt.Errorf("delete idle key: %w", err)
	}
	return nil
}

// ids collects a column of ids.
func (t *Tx) ids(query string, args ...any) ([]int64, error) {
	rows, err := t.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("list ids: %w", err)
	}
	defer rows.Close()
	var list []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("list ids: %w", err)
		}
		list = append(list, id)
	}
	return list, rows.Err()
}

// bit is a truth value as columns hold it.
func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
