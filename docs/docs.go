// Package docs holds what the server reads of its own documents.
package docs

import _ "embed"

// Methods is the list of the methods of the API; its head says what a line holds.
//
//go:embed methods.txt
var Methods string
