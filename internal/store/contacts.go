package store

// Contact is a line of an address book.
type Contact struct {
	Account, Contact int64
	// FirstName and LastName are as the owner of the book wrote them.
	FirstName, LastName, Note string
	// Added is in Unix seconds.
	Added int64
	// Mutual tells that the contact has the owner in its book, too.
	Mutual bool
}

const contactColumns = `c.account, c.contact, c.first_name, c.last_name, c.note, c.added,
	(SELECT COUNT(*) FROM contacts o WHERE o.account = c.contact AND o.contact = c.account)`

func (c *Contact) dest() []any {
	return []any{&c.Account, &c.Contact, &c.FirstName, &c.LastName, &c.Note, &c.Added, &c.Mutual}
}

// SaveContact adds a line or replaces it.
func (t *Tx) SaveContact(c Contact) error {
	_, err := t.Exec(`INSERT INTO contacts (account, contact, first_name, last_name, note, added) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account, contact) DO UPDATE SET first_name = excluded.first_name, last_name = excluded.last_name,
		note = excluded.note`, c.Account, c.Contact, c.FirstName, c.LastName, c.Note, c.Added)
	return err
}

// DeleteContact removes a line, and tells whether there was one.
func (t *Tx) DeleteContact(account, contact int64) (news bool, err error) {
	n, err := t.Exec(`DELETE FROM contacts WHERE account = $1 AND contact = $2`, account, contact)
	return n > 0, err
}

// Contact returns a line, or ErrNoRows.
func (t *Tx) Contact(account, contact int64) (c Contact, err error) {
	err = t.Row(`SELECT `+contactColumns+` FROM contacts c WHERE c.account = $1 AND c.contact = $2`, account, contact).Scan(c.dest()...)
	return c, err
}

// Contacts returns an address book.
func (t *Tx) Contacts(account int64) (out []Contact, err error) {
	rows, err := t.Query(`SELECT `+contactColumns+` FROM contacts c WHERE c.account = $1 ORDER BY c.contact`, account)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Contact
		if err := rows.Scan(c.dest()...); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// ContactOf returns up to limit accounts that have somebody in their address book.
func (t *Tx) ContactOf(contact int64, limit int) ([]int64, error) {
	return t.numbers(`SELECT account FROM contacts WHERE contact = $1 ORDER BY account LIMIT $2`, contact, limit)
}

// TalksWith returns up to limit people an account has conversations with, the latest first.
func (t *Tx) TalksWith(account int64, limit int) ([]int64, error) {
	return t.numbers(`SELECT peer FROM dialogs WHERE account = $1 AND peer > 0 AND top > 0 ORDER BY top DESC LIMIT $2`, account, limit)
}

// Block adds a peer to the blocklist, and tells whether that is news.
func (t *Tx) Block(account, peer, date int64) (news bool, err error) {
	n, err := t.Exec(`INSERT INTO blocked (account, peer, date) VALUES ($1, $2, $3) ON CONFLICT (account, peer) DO NOTHING`, account, peer, date)
	return n > 0, err
}

// Unblock removes a peer from the blocklist, and tells whether that is news.
func (t *Tx) Unblock(account, peer int64) (news bool, err error) {
	n, err := t.Exec(`DELETE FROM blocked WHERE account = $1 AND peer = $2`, account, peer)
	return n > 0, err
}

// Blocks tells whether an account has blocked a peer.
func (t *Tx) Blocks(account, peer int64) (bool, error) {
	var n int
	err := t.Row(`SELECT COUNT(*) FROM blocked WHERE account = $1 AND peer = $2`, account, peer).Scan(&n)
	return n > 0, err
}

// Blocked is a line of a blocklist.
type Blocked struct{ Peer, Date int64 }

// BlockedBy returns a part of a blocklist, the newest first, and how long all of it is.
func (t *Tx) BlockedBy(account int64, offset, limit int) (out []Blocked, total int, err error) {
	if err := t.Row(`SELECT COUNT(*) FROM blocked WHERE account = $1`, account).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := t.Query(`SELECT peer, date FROM blocked WHERE account = $1 ORDER BY date DESC, peer LIMIT $2 OFFSET $3`, account, limit, offset)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var b Blocked
		if err := rows.Scan(&b.Peer, &b.Date); err != nil {
			return nil, 0, err
		}
		out = append(out, b)
	}
	return out, total, rows.Err()
}

// numbers returns the only column of a query.
func (t *Tx) numbers(query string, args ...any) (out []int64, err error) {
	rows, err := t.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

// UsernamesFrom returns up to limit owners of a kind whose public name begins with a lower-case text.
func (t *Tx) UsernamesFrom(start string, kind, limit int) ([]int64, error) {
	return t.numbers(`SELECT owner FROM usernames WHERE name >= $1 AND name < $2 AND kind = $3 AND released = 0
		ORDER BY name LIMIT $4`, start, start+"\U0010FFFF", kind, limit)
}

// EraseContacts removes an account's address book and blocklist, and the account from others' books.
func (t *Tx) EraseContacts(account int64) error {
	for _, query := range []string{
		`DELETE FROM contacts WHERE account = $1 OR contact = $1`,
		`DELETE FROM blocked WHERE account = $1`,
	} {
		if _, err := t.Exec(query, account); err != nil {
			return err
		}
	}
	return nil
}
