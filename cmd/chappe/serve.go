package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/chappe-im/chappe/internal/app"
	"github.com/chappe-im/chappe/internal/config"
)

type serveCmd struct {
	config.Config `embed:""`
}

func (c *serveCmd) Run(ctx context.Context) error {
	if err := c.Check(); err != nil {
		return usageError{err}
	}
	return app.Serve(ctx, c.Config, os.Stdout, newLog(c.Log, os.Stderr))
}

// newLog makes the log that the settings ask for.
func newLog(c config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

type keyCmd struct{ dataFlag }

func (c *keyCmd) Run() error {
	pem, err := app.PublicKey(c.Data)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(pem)
	return err
}

// storeFlags say where a server keeps its data.
type storeFlags struct {
	dataFlag
	DB string `name:"db" env:"CHAPPE_DB" default:"sqlite" placeholder:"sqlite|postgres://…" help:"Database of the server."`
}

func (f storeFlags) config() (config.Config, error) {
	c := config.Default()
	c.Data, c.DB = f.Data, f.DB
	return c, c.Check()
}

type backupCmd struct {
	storeFlags
	To             []string `name:"to" placeholder:"AGE-KEY" xor:"secret" required:"" help:"Public key (age1…) whose owner can restore; may be given several times."`
	PassphraseFile string   `name:"passphrase-file" placeholder:"FILE" xor:"secret" required:"" help:"File whose first line is the passphrase to restore with."`
	File           string   `arg:"" help:"File to write, which must not exist; '-' is standard output."`
}

func (c *backupCmd) Run(ctx context.Context) error {
	settings, err := c.config()
	if err != nil {
		return usageError{err}
	}
	recipients, err := c.recipients()
	if err != nil {
		return err
	}
	write := func(w io.Writer) error { return app.Backup(ctx, settings, w, recipients...) }
	if c.File == "-" {
		return write(os.Stdout)
	}
	return writeNew(c.File, write)
}

func (c *backupCmd) recipients() ([]age.Recipient, error) {
	if c.PassphraseFile != "" {
		phrase, err := firstLine(c.PassphraseFile)
		if err != nil {
			return nil, err
		}
		r, err := age.NewScryptRecipient(phrase)
		if err != nil {
			return nil, fmt.Errorf("reading the passphrase: %w", err)
		}
		return []age.Recipient{r}, nil
	}
	list, err := age.ParseRecipients(strings.NewReader(strings.Join(c.To, "\n")))
	if err != nil {
		return nil, usageError{fmt.Errorf("--to: %w", err)}
	}
	return list, nil
}

type restoreCmd struct {
	storeFlags
	IdentityFile   string `name:"identity-file" placeholder:"FILE" xor:"secret" required:"" help:"File with the age key (AGE-SECRET-KEY-1…) the backup was made for."`
	PassphraseFile string `name:"passphrase-file" placeholder:"FILE" xor:"secret" required:"" help:"File whose first line is the backup's passphrase."`
	File           string `arg:"" help:"Backup to read; '-' is standard input. The data folder must be absent or empty."`
}

func (c *restoreCmd) Run(ctx context.Context) error {
	settings, err := c.config()
	if err != nil {
		return usageError{err}
	}
	identities, err := c.identities()
	if err != nil {
		return err
	}
	if c.File == "-" {
		return app.Restore(ctx, settings, os.Stdin, identities...)
	}
	f, err := os.Open(filepath.Clean(c.File))
	if err != nil {
		return fmt.Errorf("opening the backup: %w", err)
	}
	return errors.Join(app.Restore(ctx, settings, f, identities...), f.Close())
}

func (c *restoreCmd) identities() ([]age.Identity, error) {
	if c.PassphraseFile != "" {
		phrase, err := firstLine(c.PassphraseFile)
		if err != nil {
			return nil, err
		}
		id, err := age.NewScryptIdentity(phrase)
		if err != nil {
			return nil, fmt.Errorf("reading the passphrase: %w", err)
		}
		return []age.Identity{id}, nil
	}
	f, err := os.Open(filepath.Clean(c.IdentityFile))
	if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	list, err := age.ParseIdentities(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	return list, nil
}

// firstLine returns the first line of a small file.
func firstLine(path string) (string, error) {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return "", fmt.Errorf("reading the passphrase: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

// writeNew writes a file that nobody else may read. It appears under its name only when it is
// whole and on disk.
func writeNew(path string, write func(io.Writer) error) error {
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s exists already; nothing is overwritten", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".backup-")
	if err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), path)
}
