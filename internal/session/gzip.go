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
	var r io.ReadCloser
	if len(packed) > 1 && packed[0] == 0x1f && packed[1] == 0x8b {
		r, err = gzip.NewReader(bytes.NewReader(packed))
	} else {
		r, err = zlib.NewReader(bytes.NewReader(packed))
	}
	if err != nil {
		return nil, fmt.Errorf("packed message: %w", err)
	}
	defer r.Close()
	out, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("packed message: %w", err)
	}
	if len(out) > limit {
		return nil, errTooBig
	}
	return out, nil
}
