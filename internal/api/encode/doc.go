// Package encode turns the plain structs of core into objects of the canonical layer and back: the
// one border between the two. It decides nothing and looks nothing up.
package encode
