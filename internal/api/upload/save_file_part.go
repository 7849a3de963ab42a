package upload

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/file"
	"github.com/chappe-im/chappe/internal/rpc"
)

// filePart is upload.saveFilePart with bytes that lie in the query.
type filePart struct {
	id    int64
	part  int
	bytes []byte
}

func (*filePart) TypeID() uint32   { return tg.UploadSaveFilePartRequestTypeID }
func (*filePart) TypeName() string { return "upload.saveFilePart" }

// Decode is that of tg.UploadSaveFilePartRequest without its copy.
func (r *filePart) Decode(b *bin.Buffer) (err error) {
	if err := b.ConsumeID(r.TypeID()); err != nil {
		return err
	}
	if r.id, err = b.Long(); err != nil {
		return err
	}
	if r.part, err = b.Int(); err != nil {
		return err
	}
	r.bytes, err = bytesIn(b)
	return err
}

// saveFilePart keeps a part of a small file.
//
// https://core.telegram.org/method/upload.saveFilePart
func (d Deps) saveFilePart(ctx context.Context, c *rpc.Caller, r *filePart) (bin.Encoder, error) {
	err := d.Files.SavePart(ctx, file.PartOf{Account: c.Account, Upload: r.id, Number: r.part}, r.bytes)
	if err != nil {
		return nil, err
	}
	return &tg.BoolTrue{}, nil
}

// bigFilePart is upload.saveBigFilePart with bytes that lie in the query.
type bigFilePart struct {
	filePart
	total int
}

func (*bigFilePart) TypeID() uint32   { return tg.UploadSaveBigFilePartRequestTypeID }
func (*bigFilePart) TypeName() string { return "upload.saveBigFilePart" }

// Decode is that of tg.UploadSaveBigFilePartRequest without its copy.
func (r *bigFilePart) Decode(b *bin.Buffer) (err error) {
	if err := b.ConsumeID(r.TypeID()); err != nil {
		return err
	}
	if r.id, err = b.Long(); err != nil {
		return err
	}
	if r.part, err = b.Int(); err != nil {
		return err
	}
	if r.total, err = b.Int(); err != nil {
		return err
	}
	r.bytes, err = bytesIn(b)
	return err
}

// saveBigFilePart keeps a part of a large file.
//
// https://core.telegram.org/method/upload.saveBigFilePart
func (d Deps) saveBigFilePart(ctx context.Context, c *rpc.Caller, r *bigFilePart) (bin.Encoder, error) {
	p := file.PartOf{Account: c.Account, Upload: r.id, Number: r.part, Big: true, Total: r.total}
	if err := d.Files.SavePart(ctx, p, r.bytes); err != nil {
		return nil, err
	}
	return &tg.BoolTrue{}, nil
}

// bytesIn consumes a TL string and returns it where it lies.
//
// https://core.telegram.org/type/bytes
func bytesIn(b *bin.Buffer) ([]byte, error) {
	in := b.Buf
	if len(in) < 4 {
		return nil, io.ErrUnexpectedEOF
	}
	head, n := 1, int(in[0])
	switch n {
	case 255:
		return nil, fmt.Errorf("bytes that begin with %d", n)
	case 254:
		head, n = 4, int(binary.LittleEndian.Uint32(in)>>8)
	}
	end := (head + n + 3) &^ 3
	if end > len(in) {
		return nil, io.ErrUnexpectedEOF
	}
	b.Buf = in[end:]
	return in[head : head+n], nil
}
