package session

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"github.com/gotd/td/bin"
)

var errTooBig = errors.New("packed message is too big")

// unpack opens gzip_packed, which TDLib fills with zlib and others with gzip. The result is at most
// limit bytes.
//
// https://core.telegram.org/mtproto/service_messages#packed-object
func unpack(body []byte, limit int) ([]byte, error) {
	b := &bin.Buffer{Buf: body[4:]}
	packed, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	if b.Len() != 0 {
		return nil, fmt.Errorf("packed message: %d bytes behind it", b.Len())
	}
	var r io.Reader
	if len(packed) > 1 && packed[0] == 0x1f && packed[1] == 0x8b {
		r, err = gzip.NewReader(bytes.NewReader(packed))
	} else {
		r, err = zlib.NewReader(bytes.NewReader(packed))
	}
	if err != nil {
		return nil, fmt.Errorf("packed message: %w", err)
	}
	out := bytes.NewBuffer(make([]byte, 0, min(4*len(packed), limit)+bytes.MinRead))
	if _, err := out.ReadFrom(io.LimitReader(r, int64(limit)+1)); err != nil {
		return nil, fmt.Errorf("packed message: %w", err)
	}
	if out.Len() > limit {
		return nil, errTooBig
	}
	return out.Bytes(), nil
}
