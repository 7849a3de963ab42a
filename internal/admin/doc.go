// Package admin is the operator's side of a running server: a loopback address with health,
// figures and profiles, and a socket in the data folder through which the command line asks the
// server to do things.
//
// Neither is for the network. [Listen] refuses every address that other machines can reach, and
// the socket can be opened by the server's own user only, which is all the authentication there
// is: who may read the data folder may do anything to the server anyway.
package admin
