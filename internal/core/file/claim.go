package file

import (
	"context"
	"crypto/md5" // #nosec G501 -- what clients send
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/chappe-im/chappe/internal/blob"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/media"
	"github.com/chappe-im/chappe/internal/store"
)

const (
	maxPhoto = 10 << 20 // bytes
	sniffed  = 512      // bytes at the beginning that show what a file is
)

// Upload names a finished upload.
//
// https://core.telegram.org/type/InputFile
type Upload struct {
	ID    int64
	Parts int
	Name  string
	// MD5 of the content in hexadecimal, "" if the sender does not say.
	MD5 string
}

// Description is what a sender says about a document.
type Description struct {
	Mime       string
	Attributes Attributes
	// Thumb is the upload of a preview, or nil. One that is no picture is left out.
	Thumb *Upload
}

// ClaimDocument makes a document of an upload. An upload that has been claimed is the same document
// for a day. Until something refers to it, a document lives for a day.
//
// Errors: FILE_PARTS_INVALID, FILE_PART_%d_MISSING, MD5_CHECKSUM_INVALID.
func (s *Service) ClaimDocument(ctx context.Context, account int64, up Upload, d Description) (File, error) {
	f, err := s.claimDocument(ctx, account, up, d)
	if err == nil && d.Thumb != nil {
		s.drop(key{account, d.Thumb.ID})
	}
	return f, err
}

// drop removes the upload of a preview, if it is there.
func (s *Service) drop(k key) {
	if u, err := s.parts.enter(k, false); err == nil {
		s.end(u)
		s.parts.leave(u)
	}
}

func (s *Service) claimDocument(ctx context.Context, account int64, up Upload, d Description) (File, error) {
	u, done, err := s.claim(ctx, account, up.ID)
	if err != nil || done.ID != 0 {
		return done, err
	}
	s.parts.leave(u)
	row := store.File{Kind: store.FileDocument}
	var pieces []piece
	if d.Thumb != nil {
		if pieces, row.Stripped, err = s.thumb(ctx, account, *d.Thumb); err != nil {
			return File{}, err
		}
		defer discard(pieces)
	}
	if u, done, err = s.claim(ctx, account, up.ID); err != nil || done.ID != 0 {
		return done, err
	}
	defer s.parts.leave(u)
	c, err := u.read(ctx, up)
	if err != nil {
		return File{}, err
	}
	if d.Attributes.Name == "" {
		d.Attributes.Name = up.Name
	}
	row.Mime = contentType(d.Mime, c.head)
	content := piece{FileSize: store.FileSize{Hash: c.sum[:], Size: c.size}, path: u.key.path(s.Dir, contentEnd)}
	return s.keep(ctx, u, row, d.Attributes.clean(), append(pieces, content))
}

// ClaimPhoto makes a photo of an upload, as ClaimDocument does a document.
//
// Errors: FILE_PARTS_INVALID, FILE_PART_%d_MISSING, MD5_CHECKSUM_INVALID, PHOTO_SAVE_FILE_INVALID (too
// large), IMAGE_PROCESS_FAILED, PHOTO_INVALID_DIMENSIONS, FLOOD_WAIT_%d.
func (s *Service) ClaimPhoto(ctx context.Context, account int64, up Upload) (File, error) {
	return s.claimPhoto(ctx, account, up, s.pictures.Photo)
}

// ClaimProfilePhoto is ClaimPhoto for pictures of people: square, in the sizes that peers have.
//
// https://core.telegram.org/constructor/inputPeerPhotoFileLocation
func (s *Service) ClaimProfilePhoto(ctx context.Context, account int64, up Upload) (File, error) {
	return s.claimPhoto(ctx, account, up, s.pictures.Profile)
}

// sizer makes the sizes of a picture.
type sizer func(context.Context, io.ReadSeeker) (media.Picture, error)

func (s *Service) claimPhoto(ctx context.Context, account int64, up Upload, sizes sizer) (File, error) {
	u, done, err := s.claim(ctx, account, up.ID)
	if err != nil || done.ID != 0 {
		return done, err
	}
	defer s.parts.leave(u)
	c, err := u.read(ctx, up)
	if err != nil {
		return File{}, err
	}
	if c.size > maxPhoto {
		return File{}, fault.PhotoSaveFileInvalid
	}
	picture, err := sizes(ctx, io.NewSectionReader(u.data, 0, c.size))
	if err != nil {
		return File{}, pictureFault(err)
	}
	pieces, err := s.write(picture)
	if err != nil {
		return File{}, err
	}
	defer discard(pieces)
	row := store.File{Kind: store.FilePhoto, Mime: pictureMime, Stripped: picture.Stripped}
	return s.keep(ctx, u, row, Attributes{}, pieces)
}

func pictureFault(err error) error {
	switch {
	case errors.Is(err, media.ErrDimensions):
		return fault.PhotoInvalidDimensions
	case errors.Is(err, media.ErrFormat):
		return fault.ImageProcessFailed
	case errors.Is(err, media.ErrBusy):
		return fault.FloodWait(5)
	}
	return fmt.Errorf("make photo: %w", err)
}

// claim returns an upload, locked, or the file it has become.
func (s *Service) claim(ctx context.Context, account, id int64) (*upload, File, error) {
	u, err := s.parts.enter(key{account, id}, false)
	if err == nil {
		return u, File{}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, File{}, fmt.Errorf("claim upload: %w", err)
	}
	var f File
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		file, err := tx.Upload(account, id)
		if err == nil {
			f, err = Load(tx, file)
		}
		return err
	})
	if errors.Is(err, store.ErrNoRows) || errors.Is(err, fault.FileIDInvalid) {
		return nil, File{}, partMissing(0)
	}
	return nil, f, err
}

// content is what reading an upload told.
type content struct {
	size int64
	sum  blob.Sum
	head []byte
}

var buffers = sync.Pool{New: func() any { return new([MaxPart]byte) }}

// read reads all parts once: are they there and as they came, and what is their hash?
func (u *upload) read(ctx context.Context, up Upload) (c content, err error) {
	if c.size, err = u.size(up.Parts); err != nil {
		return c, err
	}
	sha := sha256.New()
	var md hash.Hash
	all := io.Writer(sha)
	if up.MD5 != "" {
		md = md5.New() // #nosec G401 -- likewise
		all = io.MultiWriter(sha, md)
	}
	buffer := buffers.Get().(*[MaxPart]byte)
	defer buffers.Put(buffer)
	for no, p := range u.parts {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		b := buffer[:p.length]
		_, err := u.data.ReadAt(b, int64(no)*int64(u.stride))
		if err != nil && !errors.Is(err, io.EOF) {
			return c, fmt.Errorf("read part: %w", err)
		}
		if err != nil || crc32.Checksum(b, castagnoli) != p.sum { // the machine died before it was on disk
			return c, partMissing(no)
		}
		all.Write(b) // hashes never fail
		if no == 0 {
			c.head = append(c.head, b[:min(sniffed, len(b))]...)
		}
	}
	if md != nil && hex.EncodeToString(md.Sum(nil)) != up.MD5 {
		return c, fault.MD5ChecksumInvalid
	}
	sha.Sum(c.sum[:0])
	if err := u.data.Truncate(c.size); err != nil {
		return c, fmt.Errorf("read upload: %w", err)
	}
	return c, nil
}

// piece is content that lies in a file of ours.
type piece struct {
	store.FileSize
	path string
}

// thumb makes a preview of an upload.
func (s *Service) thumb(ctx context.Context, account int64, up Upload) (pieces []piece, stripped []byte, err error) {
	u, err := s.parts.enter(key{account, up.ID}, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, partMissing(0)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("claim preview: %w", err)
	}
	defer s.parts.leave(u)
	c, err := u.read(ctx, up)
	if err != nil {
		return nil, nil, err
	}
	picture, err := s.pictures.Thumb(ctx, io.NewSectionReader(u.data, 0, min(c.size, maxPhoto)))
	switch {
	case errors.Is(err, media.ErrFormat), errors.Is(err, media.ErrDimensions):
		return nil, nil, nil
	case err != nil:
		return nil, nil, pictureFault(err)
	}
	pieces, err = s.write(picture)
	return pieces, picture.Stripped, err
}

// write puts the sizes of a picture into files.
func (s *Service) write(p media.Picture) (pieces []piece, err error) {
	for _, z := range p.Sizes {
		f, err := os.CreateTemp(s.Dir, "size-*")
		if err == nil {
			sum := sha256.Sum256(z.JPEG)
			pieces = append(pieces, piece{path: f.Name(), FileSize: store.FileSize{
				Type: z.Type, Hash: sum[:], Width: z.Width, Height: z.Height, Size: int64(len(z.JPEG)),
			}})
			_, err = f.Write(z.JPEG)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			discard(pieces)
			return nil, fmt.Errorf("write picture: %w", err)
		}
	}
	return pieces, nil
}

// discard deletes what was not put.
func discard(pieces []piece) {
	for _, p := range pieces {
		os.Remove(p.path) // what stays is collected
	}
}

// keep puts the pieces and makes a file of them: first rows for the blobs, then the blobs, then the
// file. The upload ends.
func (s *Service) keep(ctx context.Context, u *upload, row store.File, a Attributes, pieces []piece) (File, error) {
	attributes, err := json.Marshal(a)
	if err != nil {
		return File{}, fmt.Errorf("keep file: %w", err)
	}
	row.Attributes, row.ID, row.Date = string(attributes), newID(), s.Now().Unix()
	for _, p := range pieces {
		row.Sizes = append(row.Sizes, p.FileSize)
	}
	if err := s.reserve(ctx, row); err != nil {
		return File{}, err
	}
	end := false
	defer func() {
		if end {
			s.end(u)
		}
	}()
	for _, p := range pieces {
		// Whatever comes, nobody may write any more to content that may be a blob by now.
		end = end || p.path == u.key.path(s.Dir, contentEnd)
		if err := s.Blobs.Put(ctx, blob.Sum(p.Hash), p.path); err != nil {
			return File{}, err
		}
	}
	var f File
	err = s.DB.Write(ctx, nil, func(tx *store.Tx) error {
		if err := tx.SaveFile(row); err != nil {
			return err
		}
		if err := tx.SaveUpload(u.key.account, u.key.upload, row.ID, row.Date); err != nil {
			return err
		}
		f, err = Load(tx, row.ID)
		return err
	})
	if err != nil {
		return File{}, fmt.Errorf("keep file: %w", err)
	}
	end = true
	return f, nil
}

// Waiting for a blob that is being deleted.
const (
	dyingTries = 50
	dyingPause = 100 * time.Millisecond
)

// reserve makes rows for the blobs of a file.
func (s *Service) reserve(ctx context.Context, row store.File) error {
	blobs := make([]store.Blob, len(row.Sizes))
	for i, z := range row.Sizes {
		blobs[i] = store.Blob{Hash: z.Hash, Size: z.Size}
	}
	for try := 1; ; try++ {
		err := s.DB.Write(ctx, nil, func(tx *store.Tx) error { return tx.ReserveBlobs(row.Date, blobs...) })
		if !errors.Is(err, store.ErrDying) || try == dyingTries {
			if err != nil {
				err = fmt.Errorf("reserve blobs: %w", err)
			}
			return err
		}
		select {
		case <-time.After(dyingPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
