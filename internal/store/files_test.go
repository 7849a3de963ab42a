package store_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/chappe-im/chappe/internal/store"
	"github.com/chappe-im/chappe/internal/store/storetest"
)

func testFile(id int64, hashes ...string) store.File {
	f := store.File{ID: id, Kind: store.FileDocument, Date: 100, Mime: "text/plain", Attributes: "{}"}
	for i, h := range hashes {
		f.Sizes = append(f.Sizes, store.FileSize{Type: "xyz"[:i], Hash: []byte(h), Size: 5})
	}
	return f
}

func reserve(t *testing.T, tx *store.Tx, now int64, hashes ...string) {
	t.Helper()
	for _, h := range hashes {
		must(t, tx.ReserveBlobs(now, store.Blob{Hash: []byte(h), Size: 5}))
	}
}

func TestNoFile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		inTx(t, open(), func(tx *store.Tx) {
			_, err := tx.File(1)
			wantErr(t, err, store.ErrNoRows)
			_, _, err = tx.Piece(1, store.FileDocument, "")
			wantErr(t, err, store.ErrNoRows)
			_, err = tx.Upload(1, 1)
			wantErr(t, err, store.ErrNoRows)
			wantErr(t, tx.KeepFile(store.FileRef{Owner: 1, Kind: store.RefMessage, Object: 1, File: 1}), store.ErrNoRows)
			wantErr(t, tx.SaveFile(testFile(1, "none")), store.ErrDying)
			must(t, tx.ReleaseFiles(1, store.RefMessage, 1, 1))
			must(t, tx.DropFile(1, 1000, 1000))
		})
	})
}

func TestFiles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		inTx(t, open(), func(tx *store.Tx) {
			reserve(t, tx, 100, "one", "two")
			must(t, tx.SaveFile(testFile(1, "one", "two")))
			f, err := tx.File(1)
			must(t, err)
			if len(f.Sizes) != 2 || string(f.Sizes[1].Hash) != "two" || f.Mime != "text/plain" || f.Sizes[0].Size != 5 {
				t.Errorf("got %+v", f)
			}
			mime, s, err := tx.Piece(1, store.FileDocument, "x")
			if must(t, err); mime != "text/plain" || string(s.Hash) != "two" {
				t.Errorf("got %s %+v", mime, s)
			}
			_, _, err = tx.Piece(1, store.FilePhoto, "x")
			wantErr(t, err, store.ErrNoRows)
			must(t, tx.SaveUpload(7, 8, 9, 100))
			must(t, tx.SaveUpload(7, 8, 1, 200))
			must(t, tx.SweepUploads(200))
			if id, err := tx.Upload(7, 8); err != nil || id != 1 {
				t.Errorf("upload became %d, %v", id, err)
			}
			must(t, tx.SweepUploads(201))
			_, err = tx.Upload(7, 8)
			wantErr(t, err, store.ErrNoRows)
		})
	})
}

// collect is one round of collecting what is unused since before a date.
func collect(t *testing.T, tx *store.Tx, before, now int64) (dying int) {
	t.Helper()
	files, err := tx.UnusedFiles(before, 100)
	must(t, err)
	for _, id := range files {
		must(t, tx.DropFile(id, before, now))
	}
	hashes, err := tx.DyingBlobs(before, 100)
	must(t, err)
	return len(hashes)
}

func TestCollectFiles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		inTx(t, open(), func(tx *store.Tx) {
			reserve(t, tx, 100, "one", "two", "unput")
			must(t, tx.SaveFile(testFile(1, "one", "two")))
			must(t, tx.SaveFile(testFile(2, "one")))
			for object := range int64(2) {
				must(t, tx.KeepFile(store.FileRef{Owner: 5, Kind: store.RefMessage, Object: object, File: 1}))
				must(t, tx.KeepFile(store.FileRef{Owner: 5, Kind: store.RefMessage, Object: object, File: 1}))
			}
			if n, err := tx.FileRefs(1); err != nil || n != 2 {
				t.Errorf("%d references, %v", n, err)
			}
			if n := collect(t, tx, 100, 100); n != 0 {
				t.Errorf("%d blobs were collected too early", n)
			}
			if n := collect(t, tx, 200, 200); n != 1 { // unput; file 2 goes, its blob is used by 1
				t.Errorf("%d blobs were collected, want 1", n)
			}
			wantErr(t, tx.ReserveBlobs(200, store.Blob{Hash: []byte("unput"), Size: 5}), store.ErrDying)
			must(t, tx.ForgetBlob([]byte("unput")))
			reserve(t, tx, 200, "unput")
			_, err := tx.File(2)
			wantErr(t, err, store.ErrNoRows)
			must(t, tx.ReleaseFiles(5, store.RefMessage, 0, 200))
			collect(t, tx, 300, 300)
			_, err = tx.File(1)
			must(t, err)
			must(t, tx.ReleaseOwner(5, 400))
			collect(t, tx, 500, 500)
			_, err = tx.File(1)
			wantErr(t, err, store.ErrNoRows)
			if n := collect(t, tx, 600, 600); n != 3 {
				t.Errorf("%d blobs are dying, want 3", n)
			}
		})
	})
}

// TestCollectWhileSending has files referred to while they are collected: what was kept is there.
func TestCollectWhileSending(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func() *store.DB) {
		db := open()
		var g sync.WaitGroup
		for i := range int64(50) {
			mustWrite(t, db, func(tx *store.Tx) error {
				h := fmt.Append(nil, i)
				if err := tx.ReserveBlobs(1, store.Blob{Hash: h}); err != nil {
					return err
				}
				return tx.SaveFile(store.File{ID: i, Date: 1, Sizes: []store.FileSize{{Hash: h}}})
			})
		}
		kept := make([]bool, 50)
		for i := range int64(50) {
			g.Go(func() {
				kept[i] = nil == db.Write(t.Context(), nil, func(tx *store.Tx) error {
					return tx.KeepFile(store.FileRef{Owner: i, Kind: store.RefMessage, Object: 1, File: i})
				})
			})
			g.Go(func() {
				if err := db.Write(t.Context(), nil, func(tx *store.Tx) error { return tx.DropFile(i, 100, 100) }); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
		for i := range int64(50) {
			err := db.Read(t.Context(), func(tx *store.Tx) error { _, err := tx.File(i); return err })
			if (err == nil) != kept[i] {
				t.Errorf("file %d: kept %v, then %v", i, kept[i], err)
			}
		}
	})
}
