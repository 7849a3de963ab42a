// Package session turns the frames of connections into queries, answers and pushes: the service
// layer of MTProto, between the sockets of package wire and the method table of package rpc.
//
// A connection reads one frame at a time and hands it to a worker, so that the goroutine which
// waits for the socket keeps a small stack and no buffer. A session, named by authorization key and
// session id, outlives its connections by a few minutes: it holds the message ids it has seen,
// answers that were not acknowledged, queries that run, and the queue of what is to be sent. What
// waits in the queue when its turn comes leaves in one container, one encryption and one write.
//
// Invariants. A query runs at most once per (session, msg_id). Queries marked Ordered run one after
// the other within a session, by msg_id, and one that waits for another holds its place. Pushes are
// droppable: a session that misses one is told updatesTooLong and catches up from the store; answers
// are kept until acknowledged, within a budget of the session, its key and the process. What there is to say about a packet goes back
// over the connection it came by; everything else goes to the newest connection that brought a
// message not seen before. Nothing is written to a socket under a lock.
//
// Whatever a client can make grow has a bound beside the code that grows it, and frames, queries and
// writes are counted by Hub.enter, so that a server that stops lets them end.
//
// Lock order: Hub.mu before Session.mu before Hub.gate; no lock is held while calling rpc or store.
//
// Replay stays closed across restarts and nodes, because server salts are keyed hashes under a
// secret of this process: a recorded packet carries a salt no other process accepts, and a wrong
// salt never executes. The secret is drawn anew when the clock was set back. Within a process, a
// session's msg_ids are remembered for longer than their dates are accepted, also when the session
// is destroyed.
//
// https://core.telegram.org/mtproto/description and https://core.telegram.org/mtproto/service_messages
package session
