// Package secret is the protocol of secret chats as a pure state machine: frames
// and a stored state go in, messages, frames to send and a new state come out. It
// opens no socket, reads no clock and draws no randomness but what [Env] brings.
//
// A chat is made by [Request] or [Accept] and set up by [Chat.Confirm]. Then
// [Chat.Receive] takes each frame of the server, [Chat.Send] and [Chat.Act] make
// frames, and every one of them answers with a [Result].
//
// Nothing is lost in a crash if the caller keeps this order after each call:
// store [Chat.State] together with the events, then send the frames and tell
// [Chat.Sent] of each, and only then acknowledge the frame to the server. What a
// crash leaves unsent is found again by [Chat.Pending]; a frame that is sent or
// received twice does no harm. A call that fails leaves the chat as it was.
//
// Frames must leave in the order of their numbers, each after the one before it
// (invokeAfterMsgs). A chat must not be used from several goroutines at once.
//
// Behaviour follows TDLib where the documentation leaves room: what TDLib ignores
// is ignored, what makes TDLib close a chat closes it here.
//
// See https://core.telegram.org/api/end-to-end and
// https://core.telegram.org/api/end-to-end/seq_no.
package secret
