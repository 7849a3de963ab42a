// Package blob keeps the bytes of files, by their content: a blob's name is its SHA-256, so that
// what many people send lies there once, and what lies there never changes.
//
// There are two stores: [Folder], and [Bucket] for what speaks S3. Neither knows who needs a blob;
// package core/file counts that in the database.
//
// The package imports nothing of the project.
package blob

import (
	"context"
	"encoding/hex"
)

// Sum is the SHA-256 of a blob.
type Sum [32]byte

// String is the sum in hexadecimal.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// name is where a blob lies below the root of a store: ab/cdef….
func (s Sum) name() string { return s.String()[:2] + "/" + s.String()[2:] }

// Store keeps blobs. Its methods may be called concurrently, Delete not together with Put of the
// same blob.
type Store interface {
	// Put takes the file at path away and keeps it under its sum, which the caller knows to be
	// right. When it returns the blob is on disk, whatever happens to the machine. A blob that is
	// there already stays.
	Put(ctx context.Context, sum Sum, path string) error
	// ReadAt fills p from offset on. It reads fewer bytes only at the end of the blob, with io.EOF.
	// For a blob that is not there the error is fs.ErrNotExist.
	ReadAt(ctx context.Context, sum Sum, p []byte, offset int64) (int, error)
	// Delete removes a blob; one that is not there is no error.
	Delete(ctx context.Context, sum Sum) error
}
