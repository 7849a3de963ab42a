package app

import (
	"context"
	"errors"
	"io"

	"filippo.io/age"

	"github.com/chappe-im/chappe/internal/config"
	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/backup"
)

// keptFiles are what a backup holds beside the database.
var keptFiles = []string{masterKeyFile, serverKeyFile}

// Backup writes an encrypted copy of a server's data, which may go on running meanwhile.
func Backup(ctx context.Context, c config.Config, w io.Writer, to ...age.Recipient) error {
	db, err := store.Open(ctx, c.DB, c.Data, store.Options{})
	if err != nil {
		return err
	}
	return errors.Join(backup.Create(ctx, db, c.Data, keptFiles, w, to...), db.Close())
}

// Restore makes a data folder of a backup.
func Restore(ctx context.Context, c config.Config, r io.Reader, with ...age.Identity) error {
	return backup.Restore(ctx, r, c.DB, c.Data, with...)
}
