// Package interop runs foreign client programs against the real server binary and prints a table
// of client and scenario. It has tests only; "make interop" builds what they need, and README.md
// says how it works.
package interop
