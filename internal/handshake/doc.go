// Package handshake is the server's side of the key exchange: it turns unencrypted
// frames into authorization keys, permanent and temporary
// (core.telegram.org/mtproto/auth_key).
//
// A connection owns an Exchange, which is empty until a client asks for a key and
// again afterwards, and hands every unencrypted packet to Server.Handle. Several
// exchanges may be under way on one connection, and a client may send req_pq just to
// hear whether the link lives. Handle is called by one goroutine at a time for one
// Exchange; a Server serves any number of connections.
//
// Invariants:
//   - A server_nonce is good for one exchange on one connection within a minute. Any
//     message that does not fit ends its exchange, and all misfits look alike from
//     outside: code −404.
//   - Work that costs more than microseconds happens in a bounded pool, after the
//     client has factored pq and within its rate. When the pool's queue is full the
//     answer is −429 at once. Encrypted sessions never enter the pool.
//   - Everything that touches the private key or an exponent is constant-time
//     (filippo.io/bigmod, the arithmetic of crypto/rsa), and hashes are compared in
//     constant time.
//   - A key is saved before the client hears of it.
//
// It imports cipher, and gotd for TL types only: gotd's own server flow accepts
// wrong nonces, a wrong factorization and g_b = 1.
package handshake
