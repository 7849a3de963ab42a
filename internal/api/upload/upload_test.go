package upload_test

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gotd/td/tg"
	"github.com/gotd/td/tgerr"
	"golang.org/x/sync/errgroup"

	"github.com/chappe-im/chappe/client/mtproto"
	"github.com/chappe-im/chappe/internal/app/apptest"
	"github.com/chappe-im/chappe/internal/blob"
	"github.com/chappe-im/chappe/internal/core/file"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
)

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*apptest.Wait)
	t.Cleanup(cancel)
	return ctx
}

// files is a service on the data of a running server, for what no method does yet.
func files(t testing.TB, s *apptest.Server) *file.Service {
	t.Helper()
	data := s.Config.Data
	db, err := store.Open(t.Context(), s.Config.DB, data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	box, err := seal.Open(filepath.Join(data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.NewFolder(filepath.Join(data, "files"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := file.New(file.Options{
		DB: db, Blobs: blobs, Box: box, Dir: filepath.Join(data, "parts"), Now: time.Now,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// media opens more connections of a device, as clients do for files.
func media(s *apptest.Server, c *apptest.Client, n int) []*apptest.Client {
	all := make([]*apptest.Client, n)
	for i := range all {
		all[i] = s.Dial(func(o *mtproto.Options) { o.Key = c.Key() })
	}
	return all
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

// up sends a file in parts over several connections, from one part on.
func up(ctx context.Context, conns []*apptest.Client, id int64, data []byte, size, from int) error {
	total := (len(data) + size - 1) / size
	return spread(ctx, conns, total-from, func(ctx context.Context, c *apptest.Client, no int) error {
		no += from
		_, err := c.API.UploadSaveBigFilePart(ctx, &tg.UploadSaveBigFilePartRequest{
			FileID: id, FilePart: no, FileTotalParts: total, Bytes: data[no*size : min(len(data), (no+1)*size)],
		})
		return err
	})
}

// spread does n things over several connections, four at once on each.
func spread(ctx context.Context, conns []*apptest.Client, n int, do func(context.Context, *apptest.Client, int) error) error {
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for i := range 4 * len(conns) {
		g.Go(func() error {
			for {
				no := int(next.Add(1)) - 1
				if no >= n {
					return nil
				}
				if err := do(ctx, conns[i%len(conns)], no); err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

// down fetches a document in parts over several connections.
func down(ctx context.Context, conns []*apptest.Client, l tg.InputFileLocationClass, n, size int) ([]byte, error) {
	out := make([]byte, n)
	err := spread(ctx, conns, (n+size-1)/size, func(ctx context.Context, c *apptest.Client, no int) error {
		got, err := c.API.UploadGetFile(ctx, &tg.UploadGetFileRequest{Location: l, Offset: int64(no) * int64(size), Limit: size})
		if err == nil {
			copy(out[no*size:], got.(*tg.UploadFile).Bytes)
		}
		return err
	})
	return out, err
}

func TestRefused(t *testing.T) {
	s := apptest.Start(t, nil)
	ctx := within(t)
	stranger := s.Dial(nil)
	c := s.SignUp("Alice")
	part := &tg.UploadSaveFilePartRequest{FileID: 1, Bytes: []byte("x")}
	for name, ask := range map[string]func() error{
		"AUTH_KEY_UNREGISTERED": func() error { _, err := stranger.API.UploadSaveFilePart(ctx, part); return err },
		"FILE_PART_EMPTY": func() error {
			_, err := c.API.UploadSaveFilePart(ctx, &tg.UploadSaveFilePartRequest{FileID: 1})
			return err
		},
		"FILE_PART_INVALID": func() error {
			_, err := c.API.UploadSaveFilePart(ctx, &tg.UploadSaveFilePartRequest{FileID: 1, FilePart: 4000, Bytes: []byte("x")})
			return err
		},
		"FILE_PARTS_INVALID": func() error {
			_, err := c.API.UploadSaveBigFilePart(ctx, &tg.UploadSaveBigFilePartRequest{FileID: 1, Bytes: []byte("x")})
			return err
		},
		"FILE_PART_TOO_BIG": func() error {
			_, err := c.API.UploadSaveFilePart(ctx, &tg.UploadSaveFilePartRequest{FileID: 1, Bytes: make([]byte, 512<<10+4)})
			return err
		},
		"LOCATION_INVALID": func() error {
			_, err := c.API.UploadGetFile(ctx, &tg.UploadGetFileRequest{Location: &tg.InputTakeoutFileLocation{}, Limit: 4096})
			return err
		},
		"LIMIT_INVALID": func() error {
			_, err := c.API.UploadGetFile(ctx, &tg.UploadGetFileRequest{Location: &tg.InputPhotoFileLocation{}})
			return err
		},
		"METHOD_INVALID": func() error { _, err := c.API.UploadGetCDNFile(ctx, &tg.UploadGetCDNFileRequest{}); return err },
	} {
		if err := ask(); !tgerr.Is(err, name) {
			t.Errorf("%v, want %s", err, name)
		}
	}
}

// TestUpAndDown sends 11 MB over four connections, with a restart of the server in the middle, and
// fetches it again.
func TestUpAndDown(t *testing.T) {
	s := apptest.Start(t, nil)
	c := s.SignUp("Alice")
	ctx := within(t)
	data := noise(11_000_000)
	const size = 64 << 10
	total := (len(data) + size - 1) / size
	if err := up(ctx, media(s, c, 4), 1, data, size, total/2); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	c.Reconnect()
	conns := media(s, c, 4)
	if err := up(ctx, conns, 1, data[:(total/2+2)*size], size, 0); err != nil { // two of them again
		t.Fatal("after the restart:", err)
	}
	f := files(t, s)
	document, err := f.ClaimDocument(ctx, c.Self.ID, file.Upload{ID: 1, Parts: total}, file.Description{})
	if err != nil {
		t.Fatal(err)
	}
	h := f.Handle(c.Self.ID, document.ID)
	l := &tg.InputDocumentFileLocation{ID: h.ID, AccessHash: h.AccessHash, FileReference: h.Reference}
	for _, size := range []int{128 << 10, 1 << 20} {
		if got, err := down(ctx, conns, l, len(data), size); err != nil || !bytes.Equal(got, data) {
			t.Errorf("in parts of %d: the same: %v, %v", size, bytes.Equal(got, data), err)
		}
	}
	got, err := c.API.UploadGetFile(ctx, &tg.UploadGetFileRequest{Location: l, Offset: 5 << 10, Limit: 1 << 10, Precise: true})
	if err != nil || !bytes.Equal(got.(*tg.UploadFile).Bytes, data[5<<10:6<<10]) {
		t.Errorf("a precise part: %v", err)
	}
	other := s.SignUp("Bob")
	if _, err := other.API.UploadGetFile(ctx, &tg.UploadGetFileRequest{Location: l, Limit: 4096}); !tgerr.Is(err, "LOCATION_INVALID") {
		t.Errorf("somebody else: %v", err)
	}
}

// BenchmarkFiles moves parts of 512 KiB through the whole stack, our client in the same process
// included.
func BenchmarkFiles(b *testing.B) {
	s := apptest.Start(b, nil)
	c := s.SignUp("Alice")
	conns := media(s, c, 4)
	data := noise(64 << 20)
	ctx := b.Context()
	b.Run("up", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if err := up(ctx, conns, 1, data, file.MaxPart, 0); err != nil {
				b.Fatal(err)
			}
		}
	})
	f := files(b, s)
	document, err := f.ClaimDocument(ctx, c.Self.ID, file.Upload{ID: 1, Parts: len(data) / file.MaxPart}, file.Description{})
	if err != nil {
		b.Fatal(err)
	}
	h := f.Handle(c.Self.ID, document.ID)
	l := &tg.InputDocumentFileLocation{ID: h.ID, AccessHash: h.AccessHash, FileReference: h.Reference}
	b.Run("down", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := down(ctx, conns, l, len(data), file.MaxPart); err != nil {
				b.Fatal(err)
			}
		}
	})
}
