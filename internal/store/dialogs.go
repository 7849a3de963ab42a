package store

// Dialog is a conversation as its owner sees it.
type Dialog struct {
	Account, Peer int64
	// Top is the id of the newest message, 0 if there is none.
	Top int
	// ReadIn is up to where the owner has read, ReadOut up to where the other side has.
	ReadIn, ReadOut int
	Unread          int
	// Marked tells that the owner marked it as unread.
	Marked bool
}

const dialogColumns = "account, peer, top, read_in, read_out, unread, marked"

func (d *Dialog) dest() []any {
	return []any{&d.Account, &d.Peer, &d.Top, &d.ReadIn, &d.ReadOut, &d.Unread, &d.Marked}
}

// Grow notes a new message in its dialog, which it makes if need be; unread is how many it adds.
func (t *Tx) Grow(account, peer int64, id, unread int) error {
	_, err := t.Exec(`INSERT INTO dialogs (account, peer, top, unread) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, peer) DO UPDATE SET top = excluded.top, unread = dialogs.unread + excluded.unread`,
		account, peer, id, unread)
	return err
}

// GrowTwins notes a new message in the dialogs of both people; it is unread for the receiver.
func (t *Tx) GrowTwins(from int64, fromID int, to int64, toID int) error {
	_, err := t.Exec(`INSERT INTO dialogs (account, peer, top, unread) VALUES ($1, $3, $2, 0), ($3, $1, $4, 1)
		ON CONFLICT (account, peer) DO UPDATE SET top = excluded.top, unread = dialogs.unread + excluded.unread`,
		from, fromID, to, toID)
	return err
}

// Dialog returns a conversation, or ErrNoRows.
func (t *Tx) Dialog(account, peer int64) (d Dialog, err error) {
	err = t.Row(`SELECT `+dialogColumns+` FROM dialogs WHERE account = $1 AND peer = $2`, account, peer).Scan(d.dest()...)
	return d, err
}

// Dialogs returns up to limit conversations with a newest message below top, the newest first.
func (t *Tx) Dialogs(account int64, top, limit int) (out []Dialog, err error) {
	rows, err := t.Query(`SELECT `+dialogColumns+` FROM dialogs WHERE account = $1 AND top < $2 AND top > 0
		ORDER BY top DESC LIMIT $3`, account, top, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d Dialog
		if err := rows.Scan(d.dest()...); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// CountDialogs returns how many conversations an account has.
func (t *Tx) CountDialogs(account int64) (n int, err error) {
	err = t.Row(`SELECT COUNT(*) FROM dialogs WHERE account = $1 AND top > 0`, account).Scan(&n)
	return n, err
}

// ReadInbox notes up to where the owner has read; the unread messages left are counted. What one
// keeps for oneself (the peer is the account) is never unread.
func (t *Tx) ReadInbox(account, peer int64, upTo int) (unread int, err error) {
	err = t.Row(`UPDATE dialogs SET read_in = $3, marked = 0, unread = (SELECT COUNT(*) FROM messages m
		WHERE m.account = $1 AND m.peer = $2 AND m.id > $3 AND (m.flags & 1) = 0 AND m.peer <> m.account)
		WHERE account = $1 AND peer = $2 RETURNING unread`, account, peer, upTo).Scan(&unread)
	return unread, err
}

// ReadOutbox notes up to where the other side has read, and tells whether that is news.
func (t *Tx) ReadOutbox(account, peer int64, upTo int) (news bool, err error) {
	n, err := t.Exec(`UPDATE dialogs SET read_out = $3 WHERE account = $1 AND peer = $2 AND read_out < $3`, account, peer, upTo)
	return n > 0, err
}

// LastIncoming returns the id of the newest incoming message with from < id <= upTo, and the id that
// the newest of them that has a twin has for its sender; 0 if there is none.
func (t *Tx) LastIncoming(account, peer int64, from, upTo int) (id, twin int, err error) {
	err = t.Row(`SELECT COALESCE(MAX(id), 0), COALESCE(MAX(twin), 0) FROM messages WHERE account = $1 AND peer = $2
		AND id > $3 AND id <= $4 AND (flags & 1) = 0 AND peer <> account`, account, peer, from, upTo).Scan(&id, &twin)
	return id, twin, err
}

// Recount makes a dialog true again after messages went; one without messages is removed unless
// keep is set.
func (t *Tx) Recount(account, peer int64, keep bool) error {
	if _, err := t.Exec(`UPDATE dialogs SET
		top = COALESCE((SELECT MAX(m.id) FROM messages m WHERE m.account = $1 AND m.peer = $2), 0),
		unread = (SELECT COUNT(*) FROM messages m WHERE m.account = $1 AND m.peer = $2 AND m.id > dialogs.read_in
			AND (m.flags & 1) = 0 AND m.peer <> m.account)
		WHERE account = $1 AND peer = $2`, account, peer); err != nil {
		return err
	}
	if keep {
		return nil
	}
	_, err := t.Exec(`DELETE FROM dialogs WHERE account = $1 AND peer = $2 AND top = 0`, account, peer)
	return err
}

// MarkDialog sets or lifts the mark of an unread conversation, and tells whether that is news.
func (t *Tx) MarkDialog(account, peer int64, marked bool) (news bool, err error) {
	flag := 0
	if marked {
		flag = 1
	}
	n, err := t.Exec(`UPDATE dialogs SET marked = $3 WHERE account = $1 AND peer = $2 AND marked <> $3`, account, peer, flag)
	return n > 0, err
}

// MarkedDialogs returns whom the conversations are with that are marked as unread.
func (t *Tx) MarkedDialogs(account int64) ([]int64, error) {
	return t.numbers(`SELECT peer FROM dialogs WHERE account = $1 AND marked <> 0 ORDER BY peer`, account)
}
