// Package login decides who may use an account: it hands out numbers, sends and checks login codes,
// signs devices in and out, and passes logins on by QR code, export and key binding.
//
// # Numbers
//
// An account belongs to a number. Numbers begin with 888 and mean nothing outside this server: it
// draws them itself ([Service.HandOut]) and reserves each with its first login code until somebody
// signs up under it. A number of the real telephone network can prove nothing here, unless a
// webhook delivers codes to it: only then, and only under an open policy, may an unknown number
// that the server did not draw sign up.
//
// # Codes
//
// A code has 6 digits and dies after 5 minutes, after 5 wrong tries, and when it was used. What is
// stored is its keyed hash, and its sealed text so that the operator's console can show it. Every
// auth.sendCode makes a code of its own, so that nobody uses up the tries of somebody else's.
//
// # Concurrency
//
// Whatever reads limits or codes and writes them back runs with the service account's row locked:
// logins are few, and so two guesses at one code never see the same count of tries. What is wrong
// is written down before it is answered: functions of store.DB.Write return nil and leave the
// answer in a variable, for an error would undo the count.
//
// Nothing here knows TL. The package imports store, seal, bus, event, peer and fault.
//
// Specification: https://core.telegram.org/api/auth.
package login
