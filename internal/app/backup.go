package app

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"

	"github.com/chappe-im/chappe/internal/config"
	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/backup"
)

// keptFiles are what a backup holds beside the database: the keys, and the files people sent. Parts
// of files that are not whole yet lie elsewhere and are left out.
var keptFiles = []string{masterKeyFile, serverKeyFile, filesDir}

// Backup writes an encrypted copy of a server's data, which may go on running meanwhile.
func Backup(ctx context.Context, c config.Config, w io.Writer, to ...age.Recipient) error {
	db, err := store.Open(ctx, c.DB, c.Data, store.Options{})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(c.Data, filesDir), 0o700); err != nil {
		return errors.Join(err, db.Close())
	}
	return errors.Join(backup.Create(ctx, db, c.Data, keptFiles, w, to...), db.Close())
}

// Restore makes a data folder of a backup.
func Restore(ctx context.Context, c config.Config, r io.Reader, with ...age.Identity) error {
	return backup.Restore(ctx, r, c.DB, c.Data, with...)
}
