package cipher

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
)

// Sizes of a binding message, in bytes: random, msg_id, seq_no and length, then
// bind_auth_key_inner, then padding to whole blocks.
const (
	bindHead   = 16 + 8 + 4 + 4
	bindInner  = 4 + 8 + 8 + 8 + 8 + 4
	bindPlain  = bindHead + bindInner
	bindSealed = (bindPlain + blockSize - 1) &^ (blockSize - 1)
	bindTag    = 0x75a3f765
)

// Bind is the content of a binding message, which a client seals under its
// permanent key to prove that a temporary key is its own. The caller compares
// every field with what it knows (core.telegram.org/method/auth.bindTempAuthKey).
type Bind struct {
	MessageID     int64 // the msg_id of the query that carries the message
	Nonce         int64
	TempKeyID     int64
	PermKeyID     int64
	TempSessionID int64
	ExpiresAt     int32 // Unix time
}

// OpenBind decrypts, in place, the encrypted_message of auth.bindTempAuthKey. It is
// the one place where the envelope of MTProto 1.0 is still in use, and only this
// message fits: its size is fixed, so the hash covers exactly the bytes that are
// read (core.telegram.org/api/pfs, "Special binding message").
func OpenBind(permanent *Key, packet []byte) (Bind, error) {
	if len(packet) != outer+bindSealed {
		return Bind{}, ErrPacket
	}
	id := int64(binary.LittleEndian.Uint64(packet))
	msgKey := (*[16]byte)(packet[8:])
	data := packet[outer:]

	key, iv := deriveOld(permanent, msgKey)
	DecryptIGE(&key, &iv, data)
	sum := sha1.Sum(data[:bindPlain])
	if subtle.ConstantTimeCompare(sum[4:], msgKey[:]) != 1 || id != permanent.id {
		return Bind{}, ErrPacket
	}
	body := data[bindHead:bindPlain]
	if binary.LittleEndian.Uint32(data[28:]) != bindInner ||
		binary.LittleEndian.Uint32(body) != bindTag {
		return Bind{}, ErrPacket
	}
	long := func(at int) int64 { return int64(binary.LittleEndian.Uint64(body[at:])) }
	return Bind{
		MessageID:     int64(binary.LittleEndian.Uint64(data[16:])),
		Nonce:         long(4),
		TempKeyID:     long(12),
		PermKeyID:     long(20),
		TempSessionID: long(28),
		ExpiresAt:     int32(binary.LittleEndian.Uint32(body[36:])),
	}, nil
}

// deriveOld is the key derivation of MTProto 1.0 from the client's side, x = 0
// (core.telegram.org/mtproto/description_v1).
func deriveOld(k *Key, msgKey *[16]byte) (key, iv [32]byte) {
	hash := func(parts ...[]byte) [sha1.Size]byte {
		var in []byte
		for _, p := range parts {
			in = append(in, p...)
		}
		return sha1.Sum(in)
	}
	s := k.secret
	a := hash(msgKey[:], s[:32])
	b := hash(s[32:48], msgKey[:], s[48:64])
	c := hash(s[64:96], msgKey[:])
	d := hash(msgKey[:], s[96:128])

	copy(key[:], a[:8])
	copy(key[8:], b[8:20])
	copy(key[20:], c[4:16])
	copy(iv[:], a[8:20])
	copy(iv[12:], b[:8])
	copy(iv[20:], c[16:20])
	copy(iv[24:], d[:8])
	return key, iv
}
