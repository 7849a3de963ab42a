package store

import (
	"errors"
	"fmt"
	"time"
)

// Attempt counts one more attempt at subject, if there were fewer than most within the window that
// ends now. If not, it counts nothing and says how long to wait until there will be.
func (t *Tx) Attempt(subject string, most int, window time.Duration, now time.Time) (wait time.Duration, err error) {
	var at int64
	err = t.Row(`SELECT at FROM attempts WHERE subject = $1 AND at > $2 ORDER BY at DESC LIMIT 1 OFFSET $3`,
		subject, now.Add(-window).UnixMicro(), most-1).Scan(&at)
	if err == nil {
		return time.UnixMicro(at).Add(window).Sub(now), nil
	}
	if !errors.Is(err, ErrNoRows) {
		return 0, fmt.Errorf("attempts: %w", err)
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
