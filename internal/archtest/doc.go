// Package archtest holds the tree to its shape: which package may import which, and how long
// files and functions may be. It has tests only. They read the sources without compiling them,
// so they see the whole tree in a second, platforms and build tags included.
package archtest
