package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// kind is what the first bytes of a stream say it is.
type kind uint8

const (
	kindShort      kind = iota // too few bytes to tell
	kindRefused                // a header that no client may send
	kindMTProto                // a plain transport
	kindObfuscated             // 64 bytes of obfuscated2 header follow
	kindTLS
	kindHTTP
)

// sniffLen is how many bytes tell every kind apart.
const sniffLen = 8

var (
	httpMethods = [][]byte{
		[]byte("GET "), []byte("POST "), []byte("HEAD "), []byte("PUT "), []byte("DELETE "),
		[]byte("OPTIONS "), []byte("PATCH "), []byte("CONNECT "), []byte("TRACE "),
	}
	// forbidden are the beginnings that obfuscated2 denies its random header
	// (https://core.telegram.org/mtproto/mtproto-transports#transport-obfuscation), as far as
	// they do not announce what they stand for anyway.
	forbidden = [][]byte{[]byte("POST"), []byte("HEAD"), []byte("OPTI"), {0x16, 0x03, 0x01, 0x02}}
)

// sniff tells what a stream beginning with b is. eat is how many bytes of b only name the transport.
func sniff(b []byte) (k kind, t framing, eat int) {
	switch {
	case len(b) == 0:
		return kindShort, 0, 0
	case b[0] == 0xef:
		return kindMTProto, abridged, 1
	case len(b) < 4:
		return kindShort, 0, 0
	}
	switch binary.LittleEndian.Uint32(b) {
	case 0xeeeeeeee:
		return kindMTProto, intermediate, 4
	case 0xdddddddd:
		return kindMTProto, padded, 4
	}
	if len(b) < sniffLen {
		return kindShort, 0, 0
	}
	starts := func(p []byte) bool { return bytes.HasPrefix(b, p) }
	switch {
	case slices.ContainsFunc(httpMethods, starts):
		return kindHTTP, 0, 0
	case isClientHello(b):
		return kindTLS, 0, 0
	case slices.ContainsFunc(forbidden, starts):
		return kindRefused, 0, 0
	case binary.LittleEndian.Uint32(b[4:]) == 0: // the first sequence number of full is 0
		return kindMTProto, full, 0
	}
	return kindObfuscated, 0, 0
}

// isClientHello reports whether b begins a TLS record with a ClientHello. A random obfuscated2
// header may begin with 16 03 too, so the length and the message type are held to as well.
func isClientHello(b []byte) bool {
	return b[0] == 0x16 && b[1] == 0x03 && b[2] <= 4 && b[3] <= 0x40 && b[5] == 1
}

// obfuscation is what an obfuscated2 header says, and the ciphers of both directions.
type obfuscation struct {
	framing  framing
	dc       int16
	dec, enc keystream
}

// headerLen is the length of the obfuscated2 header.
const headerLen = 64

// readObfuscation reads the obfuscated2 header h (AES-256-CTR both ways; key and initialization
// vector at 8..56, reversed for the server's direction; transport at 56..60, DC at 60..62). It
// reports false for a transport it does not know.
func readObfuscation(h [headerLen]byte, hot *hotList) (o *obfuscation, ok bool) {
	back := h
	slices.Reverse(back[8:56])
	o = &obfuscation{}
	o.dec.init(h[8:56], hot)
	o.enc.init(back[8:56], hot)
	o.dec.xor(h[:])
	switch binary.LittleEndian.Uint32(h[56:]) {
	case 0xefefefef:
		o.framing = abridged
	case 0xeeeeeeee:
		o.framing = intermediate
	case 0xdddddddd:
		o.framing = padded
	default:
		return nil, false
	}
	o.dc = int16(binary.LittleEndian.Uint16(h[60:]))
	return o, true
}
