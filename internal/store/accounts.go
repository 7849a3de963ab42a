package store

import "fmt"

// Account is one person.
//
// https://core.telegram.org/constructor/user
type Account struct {
	ID int64
	// Phone is the number's digits, "" if the account has none (any more).
	Phone               string
	FirstName, LastName string
	About               string
	// Username is the public name as its owner writes it, "" if none.
	Username string
	// Created, Deleted and Seen (last online) are in Unix seconds, 0 for never.
	Created, Deleted, Seen int64
	Pts                    int
	// TTLDays of inactivity end the account, SessionDays a session.
	TTLDays, SessionDays int
}

const accountColumns = `id, phone, first_name, last_name, about, username, created, deleted, seen, pts,
	ttl_days, session_days`

func scanAccount(row interface{ Scan(...any) error }) (a Account, err error) {
	err = row.Scan(&a.ID, &a.Phone, &a.FirstName, &a.LastName, &a.About, &a.Username, &a.Created, &a.Deleted,
		&a.Seen, &a.Pts, &a.TTLDays, &a.SessionDays)
	return a, err
}

// Account returns an account by id, a deleted one too; ErrNoRows if there never was one.
func (t *Tx) Account(id int64) (Account, error) {
	a, err := scanAccount(t.Row(`SELECT `+accountColumns+` FROM accounts WHERE id = $1`, id))
	if err != nil {
		return Account{}, fmt.Errorf("account: %w", err)
	}
	return a, nil
}

// CreateAccount inserts an account with pts 1; ErrCollision if the id is taken.
func (t *Tx) CreateAccount(a Account) error {
	n, err := t.Exec(`INSERT INTO accounts (id, phone, first_name, last_name, created, seen)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING`,
		a.ID, a.Phone, a.FirstName, a.LastName, a.Created, a.Seen)
	if err != nil {
		return fmt.Errorf("create account: %w", err)
	}
	if n == 0 {
		return ErrCollision
	}
	return nil
}

// SaveProfile writes the fields of an account that its owner sets: names, about, username, TTLDays
// and SessionDays.
func (t *Tx) SaveProfile(a Account) error {
	_, err := t.Exec(`UPDATE accounts SET first_name = $2, last_name = $3, about = $4, username = $5,
		ttl_days = $6, session_days = $7 WHERE id = $1`,
		a.ID, a.FirstName, a.LastName, a.About, a.Username, a.TTLDays, a.SessionDays)
	if err != nil {
		return fmt.Errorf("save profile: %w", err)
	}
	return nil
}

// SetSeen notes when an account was last online; the date never goes back.
func (t *Tx) SetSeen(account, at int64) error {
	if _, err := t.Exec(`UPDATE accounts SET seen = $2 WHERE id = $1 AND seen < $2`, account, at); err != nil {
		return fmt.Errorf("set seen: %w", err)
	}
	return nil
}

// EraseAccount empties the row of an account and deletes its number, names' claims, password,
// addresses and logins under way. Its devices and whatever other tables hold are the caller's.
func (t *Tx) EraseAccount(account, now int64) error {
	for _, query := range []string{
		`DELETE FROM numbers WHERE account = $1`,
		`DELETE FROM passwords WHERE account = $1`,
		`DELETE FROM emails WHERE account = $1`,
		`DELETE FROM exports WHERE account = $1`,
		`UPDATE login_tokens SET account = 0 WHERE account = $1`,
	} {
		if _, err := t.Exec(query, account); err != nil {
			return fmt.Errorf("erase account: %w", err)
		}
	}
	_, err := t.Exec(`UPDATE accounts SET phone = '', first_name = '', last_name = '', about = '', username = '',
		seen = 0, deleted = $2 WHERE id = $1`, account, now)
	if err != nil {
		return fmt.Errorf("erase account: %w", err)
	}
	return nil
}

// IdleAccounts returns at most limit accounts that were neither online nor used on any device for
// longer than they allow.
func (t *Tx) IdleAccounts(now int64, limit int) ([]int64, error) {
	return t.ids(`SELECT id FROM accounts WHERE deleted = 0 AND phone <> '' AND seen + 86400 * ttl_days < $1
		AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.account = accounts.id
			AND d.active + 86400 * accounts.ttl_days >= $1)
		ORDER BY id LIMIT $2`, now, limit)
}
