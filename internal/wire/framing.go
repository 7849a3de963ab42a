package wire

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// ErrMalformed is what every violation of a transport by the peer is wrapped around.
var ErrMalformed = errors.New("malformed transport stream")

// errPayload reports a frame to be written whose length no transport can carry.
var errPayload = errors.New("wire: payload is empty, too long or not a multiple of 4")

// framing is one of the transports of https://core.telegram.org/mtproto/mtproto-transports.
type framing uint8

const (
	abridged framing = iota
	intermediate
	padded
	full
)

func (t framing) String() string {
	return [...]string{"abridged", "intermediate", "padded", "full"}[t]
}

const (
	// maxOverhead is the most a framing adds to a payload, which is full's length, number and checksum.
	maxOverhead = 12
	// absoluteMax is the longest frame whatever the limits say: what abridged can name is 64 MiB.
	absoluteMax = 16 << 20
	// minPayload is auth_key_id, message_id and length of an unencrypted message.
	minPayload = 20
	quickBit   = 1 << 31
)

// head reads the header at the start of b: lead bytes of header, then body bytes of packet. When b
// is too short to tell, ok is false and lead is how many bytes are needed.
func (t framing) head(b []byte) (lead, body int, quick, ok bool) {
	switch t {
	case abridged:
		if len(b) < 1 {
			return 1, 0, false, false
		}
		quick = b[0]&0x80 != 0
		if n := int(b[0] & 0x7f); n != 0x7f {
			return 1, n * 4, quick, true
		}
		if len(b) < 4 {
			return 4, 0, false, false
		}
		return 4, int(binary.LittleEndian.Uint32(b)>>8) * 4, quick, true
	case full:
		if len(b) < 8 {
			return 8, 0, false, false
		}
		return 8, int(binary.LittleEndian.Uint32(b)) - 8, false, true
	default:
		if len(b) < 4 {
			return 4, 0, false, false
		}
		n := binary.LittleEndian.Uint32(b)
		return 4, int(n &^ quickBit), n&quickBit != 0, true
	}
}

// check refuses a body length that no valid packet has, before anything is read into memory.
func (t framing) check(body, limit int) error {
	n, most := body, limit
	switch t {
	case full:
		n -= 4
	case padded:
		most += 15
	}
	switch {
	case n < minPayload:
		return fmt.Errorf("wire: %s packet of %d bytes is too short: %w", t, n, ErrMalformed)
	case n > most:
		return fmt.Errorf("wire: %s packet of %d bytes is over the limit of %d: %w", t, n, limit, ErrMalformed)
	case t != padded && n%4 != 0:
		return fmt.Errorf("wire: %s packet of %d bytes is not a multiple of 4: %w", t, n, ErrMalformed)
	}
	return nil
}

// payload cuts a complete packet body down to the MTProto message inside: it strips the padding of
// padded intermediate, and verifies and strips the checksum of full, whose header carried seq.
func (t framing) payload(body []byte, seq uint32) ([]byte, error) {
	switch t {
	case padded:
		n := 24 + (len(body)-24)&^15
		if binary.LittleEndian.Uint64(body) == 0 {
			n = minPayload + int(binary.LittleEndian.Uint32(body[16:]))
		}
		if n < minPayload || n > len(body) || len(body)-n > 15 {
			return nil, fmt.Errorf("wire: %d bytes of padding: %w", len(body)-n, ErrMalformed)
		}
		return body[:n], nil
	case full:
		n := len(body) - 4
		var lead [8]byte
		binary.LittleEndian.PutUint32(lead[:], uint32(len(body)+8))
		binary.LittleEndian.PutUint32(lead[4:], seq)
		sum := crc32.Update(crc32.ChecksumIEEE(lead[:]), crc32.IEEETable, body[:n])
		if sum != binary.LittleEndian.Uint32(body[n:]) {
			return nil, fmt.Errorf("wire: wrong checksum: %w", ErrMalformed)
		}
		return body[:n], nil
	}
	return body, nil
}

// append puts p as one packet behind b. seq is the number of packets sent so far, which only full
// tells its peer. A packet of four bytes is a transport error and gets no padding, by which clients
// tell it from a message. Of the 0–15 bytes of padding that padded may have, we send 3 at most: gotd
// and Telegram's web clients only strip what is beyond a multiple of 4.
func (t framing) append(b, p []byte, seq uint32) []byte {
	start := len(b)
	switch t {
	case abridged:
		if n := len(p) / 4; n < 0x7f {
			b = append(b, byte(n))
		} else {
			b = append(b, 0x7f, byte(n), byte(n>>8), byte(n>>16))
		}
		return append(b, p...)
	case full:
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p)+12))
		b = binary.LittleEndian.AppendUint32(b, seq)
		b = append(b, p...)
		return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
	case padded:
		if len(p) > 4 {
			var r [4]byte
			_, _ = rand.Read(r[:]) // never fails
			pad := int(r[3] & 3)
			b = binary.LittleEndian.AppendUint32(b, uint32(len(p)+pad))
			b = append(b, p...)
			return append(b, r[:pad]...)
		}
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p)))
	return append(b, p...)
}

// appendQuickAck puts the answer to a quick acknowledgment behind b: the token with its highest bit
// set, which abridged sends with its bytes reversed and full does not know.
func (t framing) appendQuickAck(b []byte, token uint32) []byte {
	switch t {
	case abridged:
		return binary.BigEndian.AppendUint32(b, token|quickBit)
	case full:
		return b
	}
	return binary.LittleEndian.AppendUint32(b, token|quickBit)
}
