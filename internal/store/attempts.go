package store

import (
	"errors"
	"fmt"
	"time"
)

// Limit is how many attempts there may be within a window of time.
type Limit struct {
	Most   int
	Window time.Duration
}

// Attempt counts one more attempt at subject, if all limits allow it. If not, it counts nothing and
// says how long to wait until they will.
func (t *Tx) Attempt(subject string, now time.Time, limits ...Limit) (wait time.Duration, err error) {
	var at int64
	for _, l := range limits {
		err = t.Row(`SELECT at FROM attempts WHERE subject = $1 AND at > $2 ORDER BY at DESC LIMIT 1 OFFSET $3`,
			subject, now.Add(-l.Window).UnixMicro(), l.Most-1).Scan(&at)
		if err == nil {
			wait = max(wait, time.UnixMicro(at).Add(l.Window).Sub(now))
		} else if !errors.Is(err, ErrNoRows) {
			return 0, fmt.Errorf("attempts: %w", err)
		}
	}
	if wait > 0 {
		return wait, nil
	}
	for at = now.UnixMicro(); ; at++ {
		n, err := t.Exec(`INSERT INTO attempts (subject, at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, subject, at)
		if err != nil {
			return 0, fmt.Errorf("note attempt: %w", err)
		}
		if n > 0 {
			return 0, nil
		}
	}
}
