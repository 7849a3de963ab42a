package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder is a Store in a folder of a local disk. Files that Put takes must lie on the same disk.
type Folder struct{ root string }

// NewFolder makes the folder if it is missing.
func NewFolder(root string) (*Folder, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("folder of blobs: %w", err)
	}
	if err := syncDir(filepath.Dir(root)); err != nil {
		return nil, fmt.Errorf("folder of blobs: %w", err)
	}
	return &Folder{root}, nil
}

func (f *Folder) path(sum Sum) string { return filepath.Join(f.root, filepath.FromSlash(sum.name())) }

// Put is that of Store.
func (f *Folder) Put(_ context.Context, sum Sum, path string) error {
	if err := f.put(f.path(sum), path); err != nil {
		return fmt.Errorf("put blob %s: %w", sum, err)
	}
	return nil
}

// put syncs the file, gives it its name, and syncs that. A file that is there already has the same
// content, and is replaced by it: so nothing depends on how it came there.
func (f *Folder) put(target, path string) error {
	if err := syncFile(path); err != nil {
		return err
	}
	dir := filepath.Dir(target)
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		if err := syncDir(f.root); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	if err := os.Rename(path, target); err != nil {
		return err
	}
	return syncDir(dir)
}

// ReadAt is that of Store.
func (f *Folder) ReadAt(_ context.Context, sum Sum, p []byte, offset int64) (int, error) {
	file, err := os.Open(f.path(sum))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return file.ReadAt(p, offset)
}

// Delete is that of Store.
func (f *Folder) Delete(_ context.Context, sum Sum) error {
	if err := os.Remove(f.path(sum)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
