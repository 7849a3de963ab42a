// Package transcode translates queries, answers and updates between layer 227,
// which the server speaks, and the layers of its clients, 152 to 228
// (core.telegram.org/api/invoking#layers).
//
// A client of layer L sends queries that were serialised by the schema of L.
// [Query] turns them into 227; [Result] and [Object] turn what the server
// answers and pushes into L. A layer without a schema of its own is served by
// the nearest one below it, and what it sends may use definitions of any known
// layer, since an id belongs to one definition.
//
// # Rules
//
// Definitions and fields are matched by name. Where types differ, rules.go and
// adapters.go say how to go on: by a value of another type, by a new name, by a
// constant for a mandatory field that one side lacks. Everything else follows
// from the schemas:
//
//   - An optional field that the other layer lacks is left out.
//   - Downwards, a value whose constructor the client does not know is left out
//     where the client can do without it (an optional field, an element of a
//     vector), else replaced where its class has something that says
//     "unsupported", else the value around it is lost in the same way.
//   - An update that cannot be told is left out. If it carries pts, an empty
//     updateDeleteMessages or updateDeleteChannelMessages with the same pts and
//     pts_count takes its place, so the client sees no gap. One with qts is left
//     out as well: the next event with a qts makes the client fetch the
//     difference, whose state carries the right one. An updateShort around an
//     update that cannot be told becomes an updates without updates.
//   - Upwards nothing is dropped: a query that 227 cannot express is refused
//     with [LostError], because to leave out a part would do something else than
//     what was asked.
//
// # Safety
//
// Input is hostile. Nesting is limited to 32 objects, vectors are counted
// against the bytes that are left, output is limited to four times the input
// and 64 KiB, and to 16 MiB. Nothing panics. Values are not validated beyond
// their shape; the decoder of 227 does that.
//
// Everything here may be used by many goroutines. Tables of a layer are built
// as they are needed.
package transcode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

const (
	// Canonical is the layer the server speaks.
	Canonical = 227

	oldest    = 152      // oldest layer served
	maxDepth  = 32       // objects within objects
	maxOutput = 16 << 20 // bytes
	maxWords  = 4        // words of flags in one object
	vectorID  = 0x1cb5c415
	trueID    = 0x997275b5
	falseID   = 0xbc799737
)

// Errors of malformed or excessive input.
var (
	ErrTruncated = errors.New("transcode: truncated")
	ErrTrailing  = errors.New("transcode: trailing bytes")
	ErrTooDeep   = errors.New("transcode: nested too deep")
	ErrTooBig    = errors.New("transcode: too big")
	ErrLayer     = errors.New("transcode: layer not supported")
)

// UnknownError says that an id is not what may stand in its place: no known
// constructor or method, or one of another type.
type UnknownError struct{ ID uint32 }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("transcode: unknown constructor %#08x", e.ID)
}

// LostError says that the constructor or method with this id cannot be
// expressed in the other layer.
type LostError struct{ ID uint32 }

func (e *LostError) Error() string {
	return fmt.Sprintf("transcode: constructor %#08x cannot be expressed", e.ID)
}

// Schema returns the layer whose tables serve a client of this layer: the
// nearest one at or below. It is false below 152.
func Schema(layer int) (int, bool) {
	if layer == Canonical {
		return Canonical, true // needs no tables
	}
	best, ok := 0, false
	for _, l := range load().layers {
		if l <= layer {
			best, ok = l, true
		}
	}
	return best, ok
}

// Query appends to dst the query of a client of this layer as layer 227 has
// it. The query is bare: invokeWithLayer, initConnection and the like are
// unwrapped before. It may share no memory with dst.
func Query(dst []byte, layer int, query []byte) ([]byte, error) {
	p, err := pairOf(layer, true)
	if err != nil {
		return nil, err
	}
	return p.run(dst, query, (*tr).method)
}

// Result appends to dst the 227 answer to a query, as a client of this layer
// expects it. method is the id of the query in 227, whose declared type tells
// what the answer is. rpc_error and gzip_packed are not answers in this sense.
func Result(dst []byte, layer int, method uint32, answer []byte) ([]byte, error) {
	p, err := pairOf(layer, false)
	if err != nil {
		return nil, err
	}
	d := p.s.byLayer(method, Canonical, false)
	if d == nil || !d.method {
		return nil, &UnknownError{method}
	}
	c, want := p.result(d)
	return p.run(dst, answer, func(t *tr) error { return t.convert(c, want) })
}

// Object appends to dst a boxed 227 object, an Updates above all, as a client
// of this layer expects it.
func Object(dst []byte, layer int, object []byte) ([]byte, error) {
	p, err := pairOf(layer, false)
	if err != nil {
		return nil, err
	}
	return p.object(dst, object)
}

// object translates a boxed object of any class.
func (p *pair) object(dst, object []byte) ([]byte, error) {
	if len(object) < 4 {
		return nil, ErrTruncated
	}
	id := binary.LittleEndian.Uint32(object)
	d := p.s.byLayer(id, p.src, p.up)
	if d == nil || d.method || d.result.shape != shapeClass {
		return nil, &UnknownError{id}
	}
	return p.run(dst, object, func(t *tr) error { return t.class(d.result, p.plan) })
}

// run translates the whole of in.
func (p *pair) run(dst, in []byte, value func(*tr) error) ([]byte, error) {
	if len(in) > maxOutput {
		return nil, ErrTooBig
	}
	t := runs.Get().(*tr)
	t.pair, t.in, t.pos, t.out, t.depth = p, in, 0, dst, 0
	defer func() {
		t.in, t.out = nil, nil
		runs.Put(t)
	}()
	t.limit = len(dst) + min(4*len(in)+64<<10, maxOutput)
	t.ofs = t.first[:0]
	err := value(t)
	switch {
	case err == errLost:
		return nil, &LostError{t.lostID}
	case err != nil:
		return nil, err
	case t.pos != len(in):
		return nil, ErrTrailing
	case len(t.out) > t.limit:
		return nil, ErrTooBig
	}
	return t.out, nil
}

// runs holds translations that ended, for their memory.
var runs = sync.Pool{New: func() any { return new(tr) }}

// pairs holds the tables that are in use, by layer*2, plus 1 for upwards.
var pairs sync.Map

// pairOf returns the tables between a client's layer and 227.
func pairOf(layer int, up bool) (*pair, error) {
	served, ok := Schema(layer)
	if !ok {
		return nil, ErrLayer
	}
	key := served * 2
	src, dst := Canonical, served
	if up {
		key++
		src, dst = served, Canonical
	}
	if p, ok := pairs.Load(key); ok {
		return p.(*pair), nil
	}
	p, _ := pairs.LoadOrStore(key, newPair(load(), src, dst, up))
	return p.(*pair), nil
}
