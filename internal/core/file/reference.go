package file

import (
	"crypto/hmac"
	"encoding/binary"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
)

const (
	// referenceVersion is the first byte of a file reference; the hour follows, and the keyed hash.
	referenceVersion = 1
	referenceSize    = 1 + 4 + 16
	// referenceHours is how long a reference is good, after the hour in which it was made.
	referenceHours = 24
)

func numbers(list ...int64) (b []byte) {
	for _, n := range list {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return b
}

func (s *Service) accessHash(viewer, file int64) int64 {
	sum := s.Box.MAC("access hash of a file", numbers(viewer, file))
	return int64(binary.LittleEndian.Uint64(sum[:]))
}

func (s *Service) hour() uint32 { return uint32(s.Now().Unix() / int64(time.Hour/time.Second)) }

// reference proves that a viewer met a file in an hour.
//
// https://core.telegram.org/api/file-references
func (s *Service) reference(viewer, file int64, hour uint32) []byte {
	sum := s.Box.MAC("file reference", numbers(viewer, file, int64(hour)))
	b := make([]byte, 0, referenceSize)
	b = append(b, referenceVersion)
	b = binary.BigEndian.AppendUint32(b, hour)
	return append(b, sum[:referenceSize-len(b)]...)
}

// check tells whether a viewer may name a file so. A wrong access hash gets the error given.
func (s *Service) check(viewer int64, h Handle, wrong error) error {
	want := numbers(s.accessHash(viewer, h.ID))
	if !hmac.Equal(want, numbers(h.AccessHash)) {
		return wrong
	}
	switch {
	case len(h.Reference) == 0:
		return fault.FileReferenceEmpty
	case len(h.Reference) != referenceSize || h.Reference[0] != referenceVersion:
		return fault.FileReferenceInvalid
	}
	hour := binary.BigEndian.Uint32(h.Reference[1:])
	if !hmac.Equal(h.Reference, s.reference(viewer, h.ID, hour)) {
		return fault.FileReferenceInvalid
	}
	if s.hour() > hour+referenceHours {
		return fault.FileReferenceExpired
	}
	return nil
}
