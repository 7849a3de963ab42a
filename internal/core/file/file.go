// Package file is what people send other than text: uploads, documents, photos, and their bytes.
//
// # The way of a file
//
// Parts come in any order and go straight to disk, into two files for each upload: the content, and
// an index of which parts are there and their checksums. When a message names the upload, a claim
// checks that all is there, hashes it, and makes a document or photo of it. A photo is encoded anew
// in several sizes; what the camera noted is lost on the way.
//
// # Nothing is lost, nothing is left
//
// Content becomes a blob. Before a blob is put, its row is reserved in the database; so every blob
// has a row, whenever the server dies. A file that nobody refers to goes after a day, and so does a
// blob without file, and an upload that does not go on. Whoever refers to a file says so in its own
// transaction, with Tx.KeepFile and Tx.ReleaseFiles of package store.
//
// # Who may read
//
// A file has a random id. With the access hash a viewer proves to have met it, with the file
// reference to have met it during the last day. Both are keyed hashes; nothing is stored for them.
//
// Parts are on the disk of the node that took them: the connections of one client must reach the
// same node.
//
// https://core.telegram.org/api/files
package file

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chappe-im/chappe/internal/blob"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/media"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
)

// Kind tells documents from photos.
type Kind int

// The kinds of files.
const (
	Document Kind = store.FileDocument
	Photo    Kind = store.FilePhoto
)

// File is a document or photo.
type File struct {
	ID   int64
	Kind Kind
	// Date is in Unix seconds.
	Date int64
	Mime string
	// Size is that of a document, in bytes.
	Size       int64
	Attributes Attributes
	// Sizes are those of a photo, or of the preview of a document, from small to large.
	Sizes []Size
	// Stripped is a tiny JPEG without its header, or nil.
	//
	// https://core.telegram.org/api/files#stripped-thumbnails
	Stripped []byte
}

// Size is one size of a picture.
type Size struct {
	Type          string
	Width, Height int
	Bytes         int64
}

// Options are what a Service needs.
type Options struct {
	DB    *store.DB
	Blobs blob.Store
	Box   *seal.Box
	// Dir is a folder for parts and other unfinished files, on the disk of the blobs if they are in a
	// folder.
	Dir string
	// Reserve is how many bytes uploads leave free on that disk. NoLimits lifts what an account may
	// have of unfinished uploads.
	Reserve  int64
	NoLimits bool
	Now      func() time.Time
	Log      *slog.Logger
}

// Service is the rules of files.
type Service struct {
	Options
	pictures *media.Pool
	parts    *parts
}

// New returns the rules over a store, and makes the folder of parts if it is missing.
func New(o Options) (*Service, error) {
	p, err := openParts(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("folder of parts: %w", err)
	}
	return &Service{Options: o, pictures: media.NewPool(), parts: p}, nil
}

// Close closes the files of uploads; they go on when the server comes back.
func (s *Service) Close() error { return s.parts.close() }

// Handle is how a client names a file that it has met.
type Handle struct {
	ID         int64
	AccessHash int64
	Reference  []byte
}

// Handle returns how a viewer may name a file during the next day.
func (s *Service) Handle(viewer, file int64) Handle {
	return Handle{ID: file, AccessHash: s.accessHash(viewer, file), Reference: s.reference(viewer, file, s.hour())}
}

// Find returns the file that a viewer names.
//
// Errors: FILE_ID_INVALID, FILE_REFERENCE_EMPTY, FILE_REFERENCE_INVALID, FILE_REFERENCE_EXPIRED.
func (s *Service) Find(ctx context.Context, viewer int64, kind Kind, h Handle) (File, error) {
	if err := s.check(viewer, h, fault.FileIDInvalid); err != nil {
		return File{}, err
	}
	f, err := s.Get(ctx, h.ID)
	if err == nil && f.Kind != kind {
		err = fault.FileIDInvalid
	}
	return f, err
}

// Get returns a file. It fails with FILE_ID_INVALID when there is none.
func (s *Service) Get(ctx context.Context, id int64) (f File, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		f, err = Load(tx, id)
		return err
	})
	return f, err
}

// Load is Get inside of a transaction.
func Load(tx *store.Tx, id int64) (File, error) {
	row, err := tx.File(id)
	if errors.Is(err, store.ErrNoRows) {
		return File{}, fault.FileIDInvalid
	}
	if err != nil {
		return File{}, fmt.Errorf("load file: %w", err)
	}
	f := File{ID: row.ID, Kind: Kind(row.Kind), Date: row.Date, Mime: row.Mime, Stripped: row.Stripped}
	if err := json.Unmarshal([]byte(row.Attributes), &f.Attributes); err != nil {
		return File{}, fmt.Errorf("load file %d: %w", id, err)
	}
	for _, name := range sizeOrder {
		for _, z := range row.Sizes {
			switch {
			case z.Type != name:
			case name == "":
				f.Size = z.Size
			default:
				f.Sizes = append(f.Sizes, Size{z.Type, z.Width, z.Height, z.Size})
			}
		}
	}
	return f, nil
}

// sizeOrder has the types of pieces from small to large, that of a document itself first.
var sizeOrder = []string{"", "a", "s", "b", "m", "c", "x", "y", "w"}

// Erase takes away what an account refers to, in the transaction that ends it.
func (s *Service) Erase(tx *store.Tx, account int64) error {
	return tx.ReleaseOwner(account, s.Now().Unix())
}

// newID returns a positive random id.
func newID() int64 {
	var b [8]byte
	rand.Read(b[:]) // crypto/rand.Read never fails
	return int64(binary.LittleEndian.Uint64(b[:])>>1 | 1)
}
