package store

import (
	"reflect"
	"testing"
	"testing/fstest"
)

func TestMigrationsAreNumbered(t *testing.T) {
	for _, names := range [][]string{{"0002_b.sql"}, {"0001_a.sql", "0003_c.sql"}, {"1_a.sql"}, {"0001_a.sql", "0001_b.sql"}, {"readme.md"}} {
		files := fstest.MapFS{}
		for _, name := range names {
			files["dir/"+name] = &fstest.MapFile{}
		}
		if _, err := migrations(files, "dir"); err == nil {
			t.Errorf("%q accepted", names)
		}
	}
}

func TestTranslate(t *testing.T) {
	const text = `-- A comment; with a semicolon;
CREATE TABLE t (
  id BIGINT PRIMARY KEY, -- trailing words
  b  BYTEA NOT NULL, s TEXT DEFAULT ';'
)
WITHOUT ROWID -- only: sqlite
;

-- only: postgres
CREATE INDEX p ON t (b);
-- both
CREATE INDEX a ON t (id); -- only: sqlite
CREATE INDEX b ON t (id);
`
	for d, want := range map[*dialect][]string{
		sqlite: {
			"CREATE TABLE t (\n  id INTEGER PRIMARY KEY, -- trailing words\n  b  BLOB NOT NULL, s TEXT DEFAULT ';'\n)\nWITHOUT ROWID\n",
			"CREATE INDEX a ON t (id)", "CREATE INDEX b ON t (id)",
		},
		postgres: {
			"CREATE TABLE t (\n  id BIGINT PRIMARY KEY, -- trailing words\n  b  BYTEA NOT NULL, s TEXT DEFAULT ';'\n)\n",
			"CREATE INDEX p ON t (b)", "CREATE INDEX b ON t (id)",
		},
	} {
		if got := d.translate(text); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q", d.name, got)
		}
	}
}
