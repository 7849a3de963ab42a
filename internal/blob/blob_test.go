package blob_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/chappe-im/chappe/internal/blob"
)

// each runs a test on a folder and on a bucket.
func each(t *testing.T, test func(t *testing.T, s blob.Store)) {
	t.Run("folder", func(t *testing.T) {
		s, err := blob.NewFolder(filepath.Join(t.TempDir(), "files"))
		if err != nil {
			t.Fatal(err)
		}
		test(t, s)
	})
	t.Run("bucket", func(t *testing.T) {
		s, err := blob.NewBucket(t.Context(), bucket(t))
		if err != nil {
			t.Fatal(err)
		}
		test(t, s)
	})
}

// bucket starts a server that speaks S3 and has one bucket.
func bucket(t *testing.T) blob.BucketOptions {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("blobs"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return blob.BucketOptions{
		Endpoint: strings.TrimPrefix(server.URL, "http://"), Bucket: "blobs", Prefix: "chappe/", Region: "us-east-1",
		Key: "key", Secret: "secret", Insecure: true,
	}
}

// put writes a file and hands it over.
func put(t *testing.T, s blob.Store, data []byte) blob.Sum {
	t.Helper()
	path := filepath.Join(t.TempDir(), "upload")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := blob.Sum(sha256.Sum256(data))
	if err := s.Put(t.Context(), sum, path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	return sum
}

func TestMissing(t *testing.T) {
	each(t, func(t *testing.T, s blob.Store) {
		var none blob.Sum
		if _, err := s.ReadAt(t.Context(), none, make([]byte, 10), 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read: %v", err)
		}
		if err := s.Delete(t.Context(), none); err != nil {
			t.Errorf("delete: %v", err)
		}
		if err := s.Put(t.Context(), none, filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("put: %v", err)
		}
	})
}

func TestNoBucket(t *testing.T) {
	o := bucket(t)
	o.Bucket = "other"
	if _, err := blob.NewBucket(t.Context(), o); err == nil {
		t.Error("opened a bucket that is not there")
	}
	o.Endpoint = "http://[bad"
	if _, err := blob.NewBucket(t.Context(), o); err == nil {
		t.Error("opened a bucket nowhere")
	}
	o = bucket(t)
	s, err := blob.NewBucket(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.ReadAt(ctx, blob.Sum{}, make([]byte, 1), 0); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read of a caller that has gone: %v", err)
	}
}

func TestBlobs(t *testing.T) {
	data := make([]byte, 40<<20) // three parts of a large upload
	rand.Read(data)
	each(t, func(t *testing.T, s blob.Store) {
		sum := put(t, s, data)
		put(t, s, data) // again
		for _, r := range []struct{ offset, n, want int }{
			{0, 0, 0}, {0, 1, 1}, {1 << 20, 1 << 20, 1 << 20}, {17<<20 + 3, 5, 5},
			{len(data) - 3, 10, 3}, {len(data), 10, 0}, {len(data) + 5, 10, 0},
		} {
			p := make([]byte, r.n)
			n, err := s.ReadAt(t.Context(), sum, p, int64(r.offset))
			if n != r.want || n == r.n && err != nil || n < r.n && !errors.Is(err, io.EOF) {
				t.Errorf("%d bytes at %d: %d, %v", r.n, r.offset, n, err)
			}
			if n > 0 && !bytes.Equal(p[:n], data[r.offset:r.offset+n]) {
				t.Errorf("%d bytes at %d differ", r.n, r.offset)
			}
		}
		if err := s.Delete(t.Context(), sum); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ReadAt(t.Context(), sum, make([]byte, 1), 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read of what was deleted: %v", err)
		}
	})
}
