package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/chappe-im/chappe/internal/blob"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/store"
)

// MaxRead is how many bytes one read may ask for, and the border that no read may cross.
const MaxRead = 1 << 20

// Location names one piece of a file.
type Location struct {
	Handle
	Kind Kind
	// Size is the type of the size of a picture, "" for a document itself.
	Size string
}

// Range is a part of a piece, in bytes.
type Range struct {
	Offset int64
	Limit  int
	// Precise allows smaller steps, for players that seek.
	Precise bool
}

// Part is what was read.
type Part struct {
	// Mime is the type of the piece.
	Mime string
	Data []byte
}

// Read reads a part of a file into buffer, which has room for Limit bytes. Behind the end there are
// no bytes, and that is no error.
//
// Errors: LOCATION_INVALID, OFFSET_INVALID, LIMIT_INVALID, FILE_REFERENCE_EMPTY,
// FILE_REFERENCE_INVALID, FILE_REFERENCE_EXPIRED.
//
// https://core.telegram.org/api/files#downloading-files
func (s *Service) Read(ctx context.Context, viewer int64, l Location, r Range, buffer []byte) (Part, error) {
	if err := r.check(); err != nil {
		return Part{}, err
	}
	if err := s.check(viewer, l.Handle, fault.LocationInvalid); err != nil {
		return Part{}, err
	}
	var piece store.FileSize
	var mime string
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		mime, piece, err = tx.Piece(l.ID, int(l.Kind), l.Size)
		return err
	})
	if errors.Is(err, store.ErrNoRows) {
		return Part{}, fault.LocationInvalid
	}
	if err != nil {
		return Part{}, fmt.Errorf("read file: %w", err)
	}
	if l.Size != "" {
		mime = pictureMime
	}
	n := min(int64(r.Limit), max(0, piece.Size-r.Offset))
	data, err := s.readBlob(ctx, piece.Hash, buffer[:n], r.Offset)
	return Part{mime, data}, err
}

func (s *Service) readBlob(ctx context.Context, hash, p []byte, offset int64) ([]byte, error) {
	if len(p) == 0 {
		return nil, nil
	}
	if len(hash) != len(blob.Sum{}) {
		return nil, fmt.Errorf("read file: a hash of %d bytes", len(hash))
	}
	n, err := s.Blobs.ReadAt(ctx, blob.Sum(hash), p, offset)
	switch {
	case errors.Is(err, fs.ErrNotExist): // collected a moment ago
		return nil, fault.LocationInvalid
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	if n < len(p) {
		return nil, fmt.Errorf("read file: %d of %d bytes: %w", n, len(p), err)
	}
	return p, nil
}

// check holds a range to the steps that all caches on the way know.
func (r Range) check() error {
	step := int64(4 << 10)
	if r.Precise {
		step = 1 << 10
	}
	limit := int64(r.Limit)
	switch {
	case r.Offset < 0 || r.Offset%step != 0:
		return fault.OffsetInvalid
	case limit <= 0 || limit > MaxRead || limit%step != 0:
		return fault.LimitInvalid
	case !r.Precise && MaxRead%limit != 0:
		return fault.LimitInvalid
	case r.Offset/MaxRead != (r.Offset+limit-1)/MaxRead:
		return fault.LimitInvalid
	}
	return nil
}
