// Package wire turns the sockets of one public port into MTProto frames.
//
// A port tells what it is spoken to by the first bytes: MTProto over TCP (abridged, intermediate,
// padded intermediate and full, plain or behind the obfuscated2 header), TLS with any of these or
// HTTP inside, and HTTP, whose path /apiws becomes a WebSocket that carries MTProto.
// See https://core.telegram.org/mtproto/mtproto-transports and …/mtproto/transports.
//
// # Lifecycle
//
// Accept only starts a goroutine. That goroutine reads the header, within Limits.Header, and ends by
// handing the connection on: to net/http, or to a fresh goroutine that runs Server.Handler. What a
// handshake needed of stack and buffers is gone by then. The connection is closed when Handler
// returns.
//
// # Memory
//
// A goroutine waiting in ReadFrame holds no buffer: on a TCP socket the kernel is asked again after
// each wake-up, with a buffer from a pool. A frame's buffer grows with the bytes that arrived, never
// with the length its sender claims. Go never shrinks a stack of 4 KiB to 2 KiB, so a Handler that
// wants thousands of idle connections reads frames at a shallow depth and works on them in other
// goroutines.
//
// # Invariants
//
// One goroutine reads a connection; any number write. A connection's write lock orders the cipher
// stream and is held across the socket write, bounded by Limits.Write; nothing else is locked under
// it. After a failed write the connection is closed, because the peer's stream has lost its place.
// The package imports nothing else of Chappe.
package wire
