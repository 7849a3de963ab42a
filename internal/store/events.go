package store

// Event is something other than a new message that happened to an account and that its devices have
// to learn.
type Event struct {
	Account    int64
	Pts, Count int
	// Date is in Unix seconds.
	Date int64
	// Kind names what Data, JSON, holds.
	Kind, Data string
}

// AddEvent records an event.
func (t *Tx) AddEvent(e Event) error {
	_, err := t.Exec(`INSERT INTO events (account, pts, count, date, kind, data) VALUES ($1, $2, $3, $4, $5, $6)`,
		e.Account, e.Pts, e.Count, e.Date, e.Kind, e.Data)
	return err
}

// EventsAfter returns up to limit events after pts, oldest first.
func (t *Tx) EventsAfter(account int64, pts, limit int) ([]Event, error) {
	return t.events(`SELECT account, pts, count, date, kind, data FROM events WHERE account = $1 AND pts > $2
		ORDER BY pts LIMIT $3`, account, pts, limit)
}

// EventsLike returns the events of a kind after pts whose data begins with a text that has no
// wildcards, oldest first.
func (t *Tx) EventsLike(account int64, pts int, kind, start string) ([]Event, error) {
	return t.events(`SELECT account, pts, count, date, kind, data FROM events WHERE account = $1 AND pts > $2
		AND kind = $3 AND data LIKE $4 ORDER BY pts`, account, pts, kind, start+"%")
}

func (t *Tx) events(query string, args ...any) (out []Event, err error) {
	rows, err := t.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e Event
		if err := rows.Scan(&e.Account, &e.Pts, &e.Count, &e.Date, &e.Kind, &e.Data); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// Pts returns an account's pts.
func (t *Tx) Pts(account int64) (pts int, err error) {
	err = t.Row(`SELECT pts FROM accounts WHERE id = $1`, account).Scan(&pts)
	return pts, err
}
