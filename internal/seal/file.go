package seal

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// fileSize is the size of a key file: the key in hexadecimal and a newline.
const fileSize = 2*len(masterKey{}) + 1

// Open reads the master key in the file at path. A missing file is created with
// a new random key, mode 0600, synced to disk together with its directory
// before Open returns; when two processes do so at once, one key wins and both
// get it. A file that its group or others may read, and one that is not a key,
// are refused.
func Open(path string) (*Box, error) {
	box, err := read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return box, err
	}
	if err := create(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create master key: %w", err)
	}
	return read(path)
}

func read(path string) (*Box, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open master key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open master key: %s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("open master key: %s has mode %04o and is open to others than its owner: chmod 600 it", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("open master key: %w", err)
	}
	box := new(Box)
	if len(text) != fileSize || text[fileSize-1] != '\n' {
		return nil, fmt.Errorf("open master key: %s is not a master key: %d bytes instead of %d", path, len(text), fileSize)
	}
	if _, err := hex.Decode(box.master[:], text[:fileSize-1]); err != nil {
		return nil, fmt.Errorf("open master key: %s is not a master key: not hexadecimal", path)
	}
	return box, nil
}

// create puts a new key at path, whole or not at all, and never replaces one.
func create(path string) (err error) {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, ".master-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	var key masterKey
	rand.Read(key[:]) // crypto/rand.Read never fails
	_, err = file.WriteString(hex.EncodeToString(key[:]) + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
