// Package backup copies a running server into one encrypted file and brings it
// back, on the same kind of database or on the other.
//
// A backup is a tar archive inside an age file (age-encryption.org/v1):
//
//	backup.json             the format, the schema's version, the tables
//	tables/NAME/NNNNNN.txt  rows of a table, see row.go
//	files/PATH              a file of the data folder
//	end.json                how many rows and files there were
//
// The rows are those of one moment, while writing goes on. Files are read after
// that moment, so whatever a row refers to and nobody has deleted is there.
// Keys that must not outlive their bucket are for the caller to leave out.
//
// After a restore the counters pts and qts stand higher than they ever did, so
// that no client has seen a number that will be given again: see AfterRestore.
package backup

import (
	"errors"
	"regexp"
)

// AfterRestore is SQL that Restore runs in one transaction on the restored and
// migrated database. What was counted between backup and restore is lost, but
// clients have seen it: the counters go on a million higher. They are of 32
// bits in the protocol and have room for two thousand restores.
var AfterRestore = []string{
	"UPDATE accounts SET pts = pts + 1000000",
	"UPDATE devices SET qts = qts + 1000000",
}

var (
	// ErrFormat says that the archive is not a whole backup of this format.
	ErrFormat = errors.New("backup: not a whole backup that this program understands")
	// ErrNotEmpty says that the data folder to restore into has something in it.
	ErrNotEmpty = errors.New("backup: the data folder is not empty")
)

const (
	format    = 1
	headName  = "backup.json"
	endName   = "end.json"
	tablesDir = "tables/"
	filesDir  = "files/"
	chunkSize = 1 << 20 // bytes of text in one entry, exceeded by one row at most
)

// head is the first entry of the archive.
type head struct {
	Format  int     `json:"format"`
	Schema  int     `json:"schema"`
	Created int64   `json:"created"` // Unix seconds
	Tables  []table `json:"tables"`
}

type table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
}

// end is the last entry of the archive.
type end struct {
	Rows  map[string]int64 `json:"rows"` // by table
	Files int64            `json:"files"`
}

// identifier is what a table or column may be called: names come from the
// archive and go into SQL.
var identifier = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)
