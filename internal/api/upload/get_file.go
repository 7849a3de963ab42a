package upload

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/file"
	"github.com/chappe-im/chappe/internal/rpc"
)

// getFile reads a part of a file.
//
// https://core.telegram.org/method/upload.getFile
func (d Deps) getFile(ctx context.Context, c *rpc.Caller, r *tg.UploadGetFileRequest) (bin.Encoder, error) {
	l, err := location(r.Location)
	if err != nil {
		return nil, err
	}
	buffer := buffers.Get().(*[file.MaxRead]byte)
	part, err := d.Files.Read(ctx, c.Account, l, file.Range{Offset: r.Offset, Limit: r.Limit, Precise: r.Precise}, buffer[:])
	if err != nil {
		buffers.Put(buffer)
		return nil, err
	}
	return &answer{file: tg.UploadFile{Type: fileType(part.Mime), Bytes: part.Data}, buffer: buffer}, nil
}

// location names a piece of a file.
//
// https://core.telegram.org/type/InputFileLocation
func location(in tg.InputFileLocationClass) (file.Location, error) {
	switch l := in.(type) {
	case *tg.InputDocumentFileLocation:
		h := file.Handle{ID: l.ID, AccessHash: l.AccessHash, Reference: l.FileReference}
		return file.Location{Handle: h, Kind: file.Document, Size: l.ThumbSize}, nil
	case *tg.InputPhotoFileLocation:
		h := file.Handle{ID: l.ID, AccessHash: l.AccessHash, Reference: l.FileReference}
		return file.Location{Handle: h, Kind: file.Photo, Size: l.ThumbSize}, nil
	}
	return file.Location{}, fault.LocationInvalid
}

var buffers = sync.Pool{New: func() any { return new([file.MaxRead]byte) }}

// answer is upload.file; when it is encoded its memory is free for another.
type answer struct {
	file   tg.UploadFile
	buffer *[file.MaxRead]byte
}

var errEncoded = errors.New("upload.file was encoded before")

// Encode is that of upload.file, once.
func (a *answer) Encode(b *bin.Buffer) error {
	if a.buffer == nil {
		return errEncoded
	}
	b.Buf = slices.Grow(b.Buf, len(a.file.Bytes)+64)
	err := a.file.Encode(b)
	buffers.Put(a.buffer)
	a.buffer, a.file.Bytes = nil, nil
	return err
}

// fileType is the type of content for clients that know few.
//
// https://core.telegram.org/type/storage.FileType
func fileType(mime string) tg.StorageFileTypeClass {
	switch mime {
	case "image/jpeg":
		return &tg.StorageFileJpeg{}
	case "image/gif":
		return &tg.StorageFileGif{}
	case "image/png":
		return &tg.StorageFilePng{}
	case "image/webp":
		return &tg.StorageFileWebp{}
	case "application/pdf":
		return &tg.StorageFilePdf{}
	case "audio/mpeg":
		return &tg.StorageFileMp3{}
	case "video/quicktime":
		return &tg.StorageFileMov{}
	case "video/mp4":
		return &tg.StorageFileMp4{}
	}
	return &tg.StorageFileUnknown{}
}
