// Package password keeps the second factor of accounts: a password that the server never sees.
//
// A client proves by SRP that it knows the password; the server holds a verifier, sealed under the
// master key. Each proof answers one challenge, which is bound to the device that asked for it, is
// good for a few minutes, and is gone when it was tried, right or wrong. All arithmetic with
// secrets takes constant time.
//
// Five wrong proofs in an hour, then one after a wait that doubles with each failure. The count is
// raised before a proof is looked at, so that parallel tries count, too. Who forgot the password
// recovers it with a code that is mailed to the recovery address, or from a signed-in device after
// seven days' notice.
//
// The package knows no TL; it imports store, seal, email and fault.
//
// Specification: https://core.telegram.org/api/srp.
package password
