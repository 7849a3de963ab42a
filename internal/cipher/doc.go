// Package cipher turns MTProto 2.0 messages into packets and back: it seals and
// opens the encrypted envelope and knows nothing of sessions, sockets or TL.
//
// A packet is auth_key_id ‖ msg_key ‖ AES-256-IGE(salt ‖ session_id ‖ msg_id ‖
// seq_no ‖ length ‖ body ‖ padding); msg_key is a hash of everything encrypted,
// padding included, and of a part of the key that depends on the direction
// (core.telegram.org/mtproto/description).
//
// Two rules hold throughout. No field is read before msg_key was recomputed over
// the whole plaintext and compared in constant time: whoever lacks the key learns
// nothing from which check failed, nor from when. And all failures are one error,
// ErrPacket, which the caller answers by closing the connection
// (core.telegram.org/mtproto/security_guidelines).
//
// Neither Seal nor Open allocates on amd64: a server seals one packet for every
// reader of a post. Elsewhere they allocate once, in crypto/aes.
//
// It imports the standard library and x/sys/cpu, nothing of this module.
package cipher
