package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// partSize of large uploads, in bytes. The library reads parts from the file, one at a time. Parts are
// not signed a second time inside of TLS: not every server knows bodies of signed chunks.
const partSize = 16 << 20

// BucketOptions say where a bucket is.
type BucketOptions struct {
	Endpoint string // host:port
	Bucket   string
	Prefix   string // of the names of all blobs, "" for none
	Region   string // "" to ask the server
	Key      string
	Secret   string
	Insecure bool // plain HTTP
}

// Bucket is a Store in a bucket of a server that speaks S3. Such servers answer only when an object
// is safe.
type Bucket struct {
	client       *minio.Client
	name, prefix string
}

// NewBucket looks whether the bucket is there.
func NewBucket(ctx context.Context, o BucketOptions) (*Bucket, error) {
	client, err := minio.New(o.Endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(o.Key, o.Secret, ""), Secure: !o.Insecure, Region: o.Region,
	})
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", o.Bucket, err)
	}
	ok, err := client.BucketExists(ctx, o.Bucket)
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", o.Bucket, err)
	}
	if !ok {
		return nil, fmt.Errorf("there is no bucket %s at %s", o.Bucket, o.Endpoint)
	}
	return &Bucket{client, o.Bucket, strings.TrimSuffix(o.Prefix, "/")}, nil
}

func (b *Bucket) key(sum Sum) string {
	if b.prefix == "" {
		return sum.name()
	}
	return b.prefix + "/" + sum.name()
}

// Put is that of Store.
func (b *Bucket) Put(ctx context.Context, sum Sum, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("put blob %s: %w", sum, err)
	}
	there, err := b.client.StatObject(ctx, b.name, b.key(sum), minio.StatObjectOptions{})
	if missing := isMissing(err); missing || err == nil && there.Size != info.Size() {
		_, err = b.client.FPutObject(ctx, b.name, b.key(sum), path, minio.PutObjectOptions{
			PartSize: partSize, NumThreads: 1, DisableContentSha256: true,
		})
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		return fmt.Errorf("put blob %s: %w", sum, err)
	}
	return nil
}

// ReadAt is that of Store.
func (b *Bucket) ReadAt(ctx context.Context, sum Sum, p []byte, offset int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	var o minio.GetObjectOptions
	if err := o.SetRange(offset, offset+int64(len(p))-1); err != nil {
		return 0, fmt.Errorf("read blob %s: %w", sum, err)
	}
	object, err := b.client.GetObject(ctx, b.name, b.key(sum), o)
	if err != nil {
		return 0, fmt.Errorf("read blob %s: %w", sum, err)
	}
	defer object.Close()
	n, err := io.ReadFull(object, p)
	switch {
	case isMissing(err):
		err = fs.ErrNotExist
	case errors.Is(err, io.ErrUnexpectedEOF) || minio.ToErrorResponse(err).Code == minio.InvalidRange:
		err = io.EOF
	case err != nil && !errors.Is(err, io.EOF):
		err = fmt.Errorf("read blob %s: %w", sum, err)
	}
	return n, err
}

// Delete is that of Store.
func (b *Bucket) Delete(ctx context.Context, sum Sum) error {
	err := b.client.RemoveObject(ctx, b.name, b.key(sum), minio.RemoveObjectOptions{})
	if err != nil && !isMissing(err) {
		return fmt.Errorf("delete blob %s: %w", sum, err)
	}
	return nil
}

func isMissing(err error) bool {
	return err != nil && minio.ToErrorResponse(err).Code == minio.NoSuchKey
}
