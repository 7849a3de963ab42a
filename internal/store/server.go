package store

import "fmt"

// Mark returns the value the server keeps under a name; the first one given is kept for good.
func (t *Tx) Mark(name string, first []byte) (value []byte, err error) {
	if _, err := t.Exec(`INSERT INTO server (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, first); err != nil {
		return nil, fmt.Errorf("server mark: %w", err)
	}
	if err := t.Row(`SELECT value FROM server WHERE name = $1`, name).Scan(&value); err != nil {
		return nil, fmt.Errorf("server mark: %w", err)
	}
	return value, nil
}
