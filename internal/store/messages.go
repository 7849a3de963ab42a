package store

import (
	"errors"
	"strconv"
	"strings"
)

// Flags of a message.
const (
	MessageOut = 1 << iota
	MessageSilent
	MessageNoForwards
	MessageService
)

// Message is one person's copy of a message.
type Message struct {
	Account int64
	// ID is the account's pts when the message came.
	ID   int
	Peer int64
	// Twin is the id of the other person's copy, 0 if there is none.
	Twin   int
	Sender int64
	// Date and Edited are in Unix seconds; Edited is 0 if it was not.
	Date, Edited int64
	Flags        int64
	Body         string
	// Extra is JSON, "" for none.
	Extra string
	// Random is the sender's random_id, 0 in other copies.
	Random int64
}

const messageColumns = "account, id, peer, twin, sender, date, edited, flags, body, extra, random"

func (m *Message) dest() []any {
	return []any{&m.Account, &m.ID, &m.Peer, &m.Twin, &m.Sender, &m.Date, &m.Edited, &m.Flags, &m.Body, &m.Extra, &m.Random}
}

// Delivery is what has to be known before a message is sent.
type Delivery struct {
	// Sent is the id of the message sent with the same random_id before, 0 if there was none.
	Sent int
	// Deleted tells that the receiver has no account any more; Blocked that the receiver blocked the
	// sender, Blocks that the sender blocked the receiver.
	Deleted, Blocked, Blocks bool
	// Met tells that one of the two has a conversation with the other.
	Met bool
}

// Delivery looks up what decides over a message from one account to another. ErrNoRows says that
// there is no such receiver.
func (t *Tx) Delivery(from, to, random int64) (d Delivery, err error) {
	var deleted, blocked, blocks, met int64
	err = t.Row(`SELECT deleted,
		(SELECT COUNT(*) FROM blocked b WHERE b.account = $1 AND b.peer = $2),
		(SELECT COUNT(*) FROM blocked b WHERE b.account = $2 AND b.peer = $1),
		COALESCE((SELECT m.id FROM messages m WHERE m.account = $2 AND m.random = $3 AND m.random <> 0), 0),
		COALESCE((SELECT 1 FROM dialogs o WHERE o.account = $2 AND o.peer = $1),
			(SELECT 1 FROM dialogs o WHERE o.account = $1 AND o.peer = $2), 0)
		FROM accounts WHERE id = $1`, to, from, random).Scan(&deleted, &blocked, &blocks, &d.Sent, &met)
	d.Deleted, d.Blocked, d.Blocks, d.Met = deleted != 0, blocked != 0, blocks != 0, met != 0
	return d, err
}

// Replied tells whether there is a message to an account from a peer, in the copies of either.
func (t *Tx) Replied(account, peer int64) (bool, error) {
	var n int
	err := t.Row(`SELECT COALESCE(
		(SELECT 1 FROM messages WHERE account = $1 AND peer = $2 AND (flags & 1) = 0 ORDER BY id DESC LIMIT 1),
		(SELECT 1 FROM messages WHERE account = $2 AND peer = $1 AND (flags & 1) = 1 AND twin <> 0 ORDER BY id DESC LIMIT 1), 0)`,
		account, peer).Scan(&n)
	return n > 0, err
}

// AdvancePts raises an account's pts by n and returns the new one.
func (t *Tx) AdvancePts(account int64, n int) (pts int, err error) {
	err = t.Row(`UPDATE accounts SET pts = pts + $2 WHERE id = $1 RETURNING pts`, account, n).Scan(&pts)
	return pts, err
}

// AdvancePtsOfTwo raises the pts of two accounts by one and returns the new ones.
func (t *Tx) AdvancePtsOfTwo(a, b int64) (ptsA, ptsB int, err error) {
	rows, err := t.Query(`UPDATE accounts SET pts = pts + 1 WHERE id IN ($1, $2) RETURNING id, pts`, a, b)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var pts int
		if err := rows.Scan(&id, &pts); err != nil {
			return 0, 0, err
		}
		if id == a {
			ptsA = pts
		} else {
			ptsB = pts
		}
	}
	if err := rows.Err(); err != nil {
		return 0, 0, err
	}
	if ptsA == 0 || ptsB == 0 {
		return 0, 0, ErrNoRows
	}
	return ptsA, ptsB, nil
}

// AddMessage stores one copy of a message.
func (t *Tx) AddMessage(m *Message) error {
	_, err := t.Exec(`INSERT INTO messages (`+messageColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		m.Account, m.ID, m.Peer, m.Twin, m.Sender, m.Date, m.Edited, m.Flags, m.Body, m.Extra, m.Random)
	return err
}

// AddTwins stores the two copies of a message, which have date, sender, body and flags in common but
// for the direction.
func (t *Tx) AddTwins(out, in *Message) error {
	_, err := t.Exec(`INSERT INTO messages (`+messageColumns+`) VALUES
		($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10),
		($3, $4, $1, $2, $5, $6, 0, $11, $8, $12, 0)`,
		out.Account, out.ID, in.Account, in.ID, out.Sender, out.Date, out.Flags, out.Body, out.Extra, out.Random,
		in.Flags, in.Extra)
	return err
}

// Message returns one message, or ErrNoRows.
func (t *Tx) Message(account int64, id int) (m Message, err error) {
	err = t.Row(`SELECT `+messageColumns+` FROM messages WHERE account = $1 AND id = $2`, account, id).Scan(m.dest()...)
	return m, err
}

// Messages returns those of the ids that exist, in the order of their ids.
func (t *Tx) Messages(account int64, ids []int) ([]Message, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return t.messages(`SELECT `+messageColumns+` FROM messages WHERE account = $1 AND id IN (`+idList(ids)+`) ORDER BY id`, account)
}

// idList is a list of numbers in SQL: numbers of ours, not text of anybody's.
func idList[N ~int | ~int64](ids []N) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(int64(id), 10))
	}
	return b.String()
}

// MessagesAfter returns up to limit messages that came after pts, oldest first.
func (t *Tx) MessagesAfter(account int64, pts, limit int) ([]Message, error) {
	return t.messages(`SELECT `+messageColumns+` FROM messages WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`,
		account, pts, limit)
}

// Page is a part of a history: up to Limit messages with MinID < id < MaxID, from MaxID downwards,
// or upwards from MinID, without the first Skip of them.
type Page struct {
	MinID, MaxID int
	Skip, Limit  int
	Upwards      bool
}

// History returns a page of a conversation, newest first in either direction.
func (t *Tx) History(account, peer int64, p Page) ([]Message, error) {
	if !p.Upwards {
		return t.messages(`SELECT `+messageColumns+` FROM messages WHERE account = $1 AND peer = $2 AND id > $3 AND id < $4
			ORDER BY id DESC LIMIT $5 OFFSET $6`, account, peer, p.MinID, p.MaxID, p.Limit, p.Skip)
	}
	return t.messages(`SELECT `+messageColumns+` FROM (SELECT * FROM messages WHERE account = $1 AND peer = $2 AND id > $3 AND id < $4
		ORDER BY id LIMIT $5 OFFSET $6) page ORDER BY id DESC`, account, peer, p.MinID, p.MaxID, p.Limit, p.Skip)
}

// LastBefore returns the id of an account's newest message dated before date, in one conversation or
// (peer 0) in all, 0 if there is none.
func (t *Tx) LastBefore(account, peer, date int64) (id int, err error) {
	query, args := `SELECT id FROM messages WHERE account = $1 AND date < $2 ORDER BY id DESC LIMIT 1`, []any{account, date}
	if peer != 0 {
		query, args = `SELECT id FROM messages WHERE account = $1 AND peer = $3 AND date < $2 ORDER BY id DESC LIMIT 1`, append(args, peer)
	}
	if err = t.Row(query, args...).Scan(&id); errors.Is(err, ErrNoRows) {
		err = nil
	}
	return id, err
}

// CountMessages returns how many messages a conversation has with MinID < id < MaxID.
func (t *Tx) CountMessages(account, peer int64, minID, maxID int) (n int, err error) {
	err = t.Row(`SELECT COUNT(*) FROM messages WHERE account = $1 AND peer = $2 AND id > $3 AND id < $4`,
		account, peer, minID, maxID).Scan(&n)
	return n, err
}

// EditMessage replaces what a message says.
func (t *Tx) EditMessage(account int64, id int, body, extra string, edited int64) error {
	_, err := t.Exec(`UPDATE messages SET body = $3, extra = $4, edited = $5 WHERE account = $1 AND id = $2`,
		account, id, body, extra, edited)
	return err
}

// DeleteMessages removes messages and returns the ids of those that were there.
func (t *Tx) DeleteMessages(account int64, ids []int) (gone []int, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := t.Query(`DELETE FROM messages WHERE account = $1 AND id IN (`+idList(ids)+`) RETURNING id`, account)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		gone = append(gone, id)
	}
	return gone, rows.Err()
}

func (t *Tx) messages(query string, args ...any) ([]Message, error) {
	rows, err := t.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Message
	for rows.Next() {
		var m Message
		if err := rows.Scan(m.dest()...); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

// EraseMessages removes all messages, dialogs and events of an account.
func (t *Tx) EraseMessages(account int64) error {
	for _, query := range []string{
		`DELETE FROM messages WHERE account = $1`,
		`DELETE FROM dialogs WHERE account = $1`,
		`DELETE FROM events WHERE account = $1`,
	} {
		if _, err := t.Exec(query, account); err != nil {
			return err
		}
	}
	return nil
}
