// Package media makes of a picture that somebody sent the sizes that others load, in a pool that
// cannot starve the rest of the server.
//
// Pictures are the most hostile of inputs: a few bytes may claim gigabytes. Three limits hold
// whatever is claimed. Pixels are counted from the header, before anything is decoded. Memory is
// reserved for a picture before it is decoded, from a budget that all share. And few pictures are
// decoded at once, each by the goroutine that brings it; who waits too long is refused.
//
// What comes out is encoded anew: places, serial numbers and other notes of the camera (EXIF) are
// gone, and the turn that they asked for is applied.
//
// The package imports nothing of the project. Specification: https://core.telegram.org/api/files
package media

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // a format that people send
	_ "image/jpeg" // likewise
	_ "image/png"  // likewise
	"io"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"

	_ "golang.org/x/image/webp" // likewise
)

var (
	// ErrFormat says that the bytes are no picture, or a broken one, or of a kind that is not read.
	ErrFormat = errors.New("media: not a picture that can be read")
	// ErrDimensions says that a picture has too many pixels, or is too narrow to be shown.
	ErrDimensions = errors.New("media: a picture of impossible dimensions")
	// ErrBusy says that too many pictures waited. It may go better later.
	ErrBusy = errors.New("media: too many pictures at once")
)

// Limits of a picture, and of all that are decoded at once.
const (
	maxPixels = 50_000_000
	maxRatio  = 20        // of the longer side to the shorter
	budget    = 256 << 20 // bytes
	patience  = 20 * time.Second
)

// Size is one of the sizes of a picture.
type Size struct {
	Type          string // https://core.telegram.org/api/files#image-thumbnail-types
	Width, Height int
	JPEG          []byte
}

// Picture is what became of a picture.
type Picture struct {
	// Sizes are ordered from small to large.
	Sizes []Size
	// Stripped is a JPEG of at most 40 pixels a side without the header that clients know.
	//
	// https://core.telegram.org/api/files#stripped-thumbnails
	Stripped []byte
}

// Pool decodes pictures. It is safe for concurrent use.
type Pool struct {
	slots  chan struct{}
	memory *semaphore.Weighted
}

// NewPool returns a pool that uses half of the processors.
func NewPool() *Pool {
	return &Pool{
		slots:  make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		memory: semaphore.NewWeighted(budget),
	}
}

// Photo makes all sizes of a JPEG, PNG, WebP or GIF (of which the first picture counts).
//
// Errors: ErrFormat, ErrDimensions, ErrBusy, those of ctx and of r.
func (p *Pool) Photo(ctx context.Context, r io.ReadSeeker) (Picture, error) {
	return p.make(ctx, r, photo)
}

// Thumb makes the one size that goes with a document, of at most 320 pixels a side. Errors are those
// of Photo.
func (p *Pool) Thumb(ctx context.Context, r io.ReadSeeker) (Picture, error) {
	return p.make(ctx, r, thumb)
}

// Profile makes the sizes of a picture of somebody, all of them square, from the middle. Errors are
// those of Photo.
func (p *Pool) Profile(ctx context.Context, r io.ReadSeeker) (Picture, error) {
	return p.make(ctx, r, profile)
}

func (p *Pool) make(ctx context.Context, r io.ReadSeeker, sizes plan) (Picture, error) {
	need, err := inspect(r)
	if err != nil {
		return Picture{}, err
	}
	if err := p.enter(ctx, need.memory); err != nil {
		return Picture{}, err
	}
	defer p.leave(need.memory)
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return Picture{}, fmt.Errorf("read picture: %w", err)
	}
	m, _, err := image.Decode(bufio.NewReader(&reader{ctx: ctx, r: r}))
	if err := ctx.Err(); err != nil {
		return Picture{}, err
	}
	if err != nil || m.Bounds().Size() != need.size {
		return Picture{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return picture(m, need.orientation, sizes)
}

// enter waits for memory and a turn.
func (p *Pool) enter(ctx context.Context, memory int64) error {
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := p.memory.Acquire(wait, memory); err != nil {
		return refused(ctx)
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-wait.Done():
		p.memory.Release(memory)
		return refused(ctx)
	}
}

func refused(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrBusy
}

func (p *Pool) leave(memory int64) {
	<-p.slots
	p.memory.Release(memory)
}

// reader ends a decoder whose caller has gone.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
