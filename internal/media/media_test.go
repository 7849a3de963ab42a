package media

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// scene is an image with a red upper left corner, a blue lower right one, and as much detail as a
// photo has.
func scene(w, h int) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	noise := rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			m.Y[y*m.YStride+x] = byte(60 + 100*(x*y)/(w*h) + noise.IntN(12))
			c := m.COffset(x, y)
			m.Cb[c], m.Cr[c] = 128, 128
			switch {
			case x < w/2 && y < h/2:
				m.Cr[c] = 240
			case x >= w/2 && y >= h/2:
				m.Cb[c] = 240
			}
		}
	}
	return m
}

func encoded(t testing.TB, m image.Image, encode func(io.Writer, image.Image) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, &jpeg.Options{Quality: 90}) }
func asGIF(w io.Writer, m image.Image) error  { return gif.Encode(w, m, nil) }

// withEXIF puts an orientation and a place into a JPEG.
func withEXIF(picture []byte, order binary.AppendByteOrder, orientation uint16) []byte {
	exif := []byte("II*\x00")
	if order.String() == "BigEndian" {
		exif = []byte("MM\x00*")
	}
	exif = order.AppendUint32(exif, 8)
	exif = order.AppendUint16(exif, 1)
	exif = order.AppendUint16(exif, 0x0112)
	exif = order.AppendUint16(exif, 3)
	exif = order.AppendUint32(exif, 1)
	exif = order.AppendUint16(exif, orientation)
	exif = order.AppendUint16(exif, 0)
	exif = append(exif, "\x00\x00\x00\x0048.8584N 2.2945E"...)
	exif = append([]byte("Exif\x00\x00"), exif...)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, markerAPP1}, uint16(len(exif)+2))
	return slices.Concat(picture[:2], segment, exif, picture[2:])
}

// bomb is the header of a PNG of a size.
func bomb(w, h uint32, depth, kind byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	b = binary.BigEndian.AppendUint32(b, h)
	b = append(b, depth, kind, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), b...)
}

func TestRefused(t *testing.T) {
	whole := encoded(t, scene(64, 48), asJPEG)
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":     {nil, ErrFormat},
		"text":        {[]byte("<svg onload=alert(1)>"), ErrFormat},
		"truncated":   {whole[:len(whole)/2], ErrFormat},
		"header only": {bomb(10, 10, 8, 2), ErrFormat},
		"bomb":        {bomb(60_000, 60_000, 8, 2), ErrDimensions},
		"overflow":    {bomb(0x7fffffff, 0x7fffffff, 8, 2), ErrFormat},
		"memory":      {bomb(7_000, 7_000, 16, 6), ErrDimensions},
		"narrow":      {bomb(2_100, 100, 8, 2), ErrDimensions},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewPool().Photo(t.Context(), bytes.NewReader(c.data)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	t.Run("caller gone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := NewPool().Photo(ctx, bytes.NewReader(whole)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFullPoolRefuses(t *testing.T) {
	whole := encoded(t, scene(64, 48), asJPEG)
	synctest.Test(t, func(t *testing.T) {
		p := NewPool()
		for range cap(p.slots) {
			p.slots <- struct{}{}
		}
		start := time.Now()
		if _, err := p.Photo(t.Context(), bytes.NewReader(whole)); !errors.Is(err, ErrBusy) || time.Since(start) != patience {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		if !p.memory.TryAcquire(budget) {
			t.Error("who was refused keeps memory")
		}
	})
}

func sizes(p Picture) string {
	var out []string
	for _, s := range p.Sizes {
		out = append(out, fmt.Sprintf("%s %d×%d", s.Type, s.Width, s.Height))
	}
	return strings.Join(out, ", ")
}

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		w, h int
		want string
	}{
		{1, 1, "s 1×1"},
		{100, 50, "s 100×50"},
		{101, 50, "s 100×50, m 101×50"},
		{1281, 641, "s 100×50, m 320×160, x 800×400, y 1280×640, w 1281×641"},
		{2000, 100, "s 100×5, m 320×16, x 800×40, y 1280×64, w 2000×100"},
		{3001, 1501, "s 100×50, m 320×160, x 800×400, y 1280×640"},
	} {
		p, err := NewPool().Photo(t.Context(), bytes.NewReader(encoded(t, scene(c.w, c.h), asJPEG)))
		if err != nil {
			t.Fatal(err)
		}
		if got := sizes(p); got != c.want {
			t.Errorf("%d×%d: %s, want %s", c.w, c.h, got, c.want)
		}
		for _, s := range p.Sizes {
			m, err := jpeg.Decode(bytes.NewReader(s.JPEG))
			if err != nil || m.Bounds().Dx() != s.Width || m.Bounds().Dy() != s.Height {
				t.Errorf("size %s: %v", s.Type, err)
			}
		}
	}
}

func TestThumb(t *testing.T) {
	p, err := NewPool().Thumb(t.Context(), bytes.NewReader(encoded(t, scene(700, 350), asJPEG)))
	if err != nil || sizes(p) != "m 320×160" || len(p.Stripped) == 0 {
		t.Errorf("%s, %v", sizes(p), err)
	}
}

func TestProfile(t *testing.T) {
	for _, c := range []struct {
		w, h int
		want string
	}{
		{1, 1, "a 1×1, b 1×1, c 1×1"},
		{301, 200, "a 160×160, b 200×200, c 200×200"},
		{3000, 1999, "a 160×160, b 320×320, c 640×640"},
		{1500, 2000, "a 160×160, b 320×320, c 640×640"},
	} {
		for name, data := range map[string][]byte{
			"jpeg": encoded(t, scene(c.w, c.h), asJPEG), "png": encoded(t, scene(c.w, c.h), png.Encode),
		} {
			p, err := NewPool().Profile(t.Context(), bytes.NewReader(data))
			if err != nil || sizes(p) != c.want {
				t.Errorf("%s %d×%d: %s, %v", name, c.w, c.h, sizes(p), err)
				continue
			}
			m, err := jpeg.Decode(bytes.NewReader(p.Sizes[2].JPEG))
			if err != nil || c.w > 1 && corners(m) != "red..blue" {
				t.Errorf("%s %d×%d: not the middle, %v", name, c.w, c.h, err)
			}
		}
	}
}

func TestFormats(t *testing.T) {
	clear := image.NewNRGBA(image.Rect(0, 0, 40, 30))
	for name, data := range map[string][]byte{
		"png": encoded(t, scene(40, 30), png.Encode),
		"gif": encoded(t, scene(40, 30), asGIF),
	} {
		if p, err := NewPool().Photo(t.Context(), bytes.NewReader(data)); err != nil || sizes(p) != "s 40×30" {
			t.Errorf("%s: %s, %v", name, sizes(p), err)
		}
	}
	webp, err := base64.StdEncoding.DecodeString("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA") // one pixel
	if err != nil {
		t.Fatal(err)
	}
	if p, err := NewPool().Photo(t.Context(), bytes.NewReader(webp)); err != nil || sizes(p) != "s 1×1" {
		t.Errorf("webp: %s, %v", sizes(p), err)
	}
	p, err := NewPool().Photo(t.Context(), bytes.NewReader(encoded(t, clear, png.Encode)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := jpeg.Decode(bytes.NewReader(p.Sizes[0].JPEG))
	if err != nil {
		t.Fatal(err)
	}
	if y := color.GrayModel.Convert(m.At(5, 5)).(color.Gray).Y; y < 250 {
		t.Errorf("what is transparent became %d, not white", y)
	}
}

// TestOrientation turns the scene as cameras do: its red and blue corners say how.
func TestOrientation(t *testing.T) {
	plain := encoded(t, scene(160, 80), asJPEG)
	for o, want := range []string{
		"", "red..blue", ".redblue.", "blue..red", ".bluered.", "red..blue", ".redblue.", "blue..red", ".bluered.",
	} {
		if o == 0 {
			continue
		}
		var order binary.AppendByteOrder = binary.LittleEndian
		if o%2 == 0 {
			order = binary.BigEndian
		}
		data := withEXIF(plain, order, uint16(o))
		p, err := NewPool().Photo(t.Context(), bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		s := p.Sizes[len(p.Sizes)-1]
		if standing := s.Height > s.Width; standing != (o >= 5) {
			t.Errorf("orientation %d: %d×%d", o, s.Width, s.Height)
		}
		m, err := jpeg.Decode(bytes.NewReader(s.JPEG))
		if err != nil {
			t.Fatal(err)
		}
		if got := corners(m); got != want {
			t.Errorf("orientation %d: %s, want %s", o, got, want)
		}
		if bytes.Contains(data, []byte("2.2945E")) == bytes.Contains(s.JPEG, []byte("2.2945E")) {
			t.Error("the place is still in the photo")
		}
	}
}

func corners(m image.Image) string {
	out := ""
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	for _, p := range []image.Point{{w / 4, h / 4}, {3 * w / 4, h / 4}, {w / 4, 3 * h / 4}, {3 * w / 4, 3 * h / 4}} {
		r, g, b, _ := m.At(p.X, p.Y).RGBA()
		switch {
		case r > 2*g:
			out += "red"
		case b > 2*r:
			out += "blue"
		default:
			out += "."
		}
	}
	return out
}

// TestStripped holds the encoder to the header that all clients put in front of a stripped
// thumbnail: its tables of quality 20, its sampling, and the standard Huffman codes.
func TestStripped(t *testing.T) {
	m := shrink(scene(400, 300), strippedSide)
	stripped, err := strip(m)
	if err != nil {
		t.Fatal(err)
	}
	if len(stripped) < 10 || stripped[0] != 1 || stripped[1] != 30 || stripped[2] != 40 || len(stripped) > 1000 {
		t.Fatalf("stripped to %d bytes, % x", len(stripped), stripped[:3])
	}
	whole, err := encode(m, strippedQuality)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"luminance": "0028" + "1c1e231e19282321232d2b28303c64413c37373c7b585d4964918099968f808c8aa0b4e6c3a0aadaad8a8cc8" +
			"ffcbdaeef5ffffff9bc1fffffffaffe6fdfff8",
		"chrominance": "012b2d2d3c353c76414176f8a58ca5f8" + strings.Repeat("f8", 48),
		"sampling":    "03012200021101031101",
		"codes of DC": "0000010501010101010100000000000000" + "000102030405060708090a0b",
	} {
		b, err := hex.DecodeString(want)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(whole, b) {
			t.Errorf("%s is not that of the known header: % x", name, whole[:200])
		}
	}
	if !bytes.Contains(whole, stripped[3:]) {
		t.Error("the scan is not that of the whole picture")
	}
}

func FuzzInspect(f *testing.F) {
	f.Add(withEXIF(encoded(f, scene(16, 16), asJPEG), binary.LittleEndian, 6))
	f.Add(bomb(7_000, 7_000, 16, 6))
	p := NewPool()
	f.Fuzz(func(t *testing.T, data []byte) {
		if n, err := inspect(bytes.NewReader(data)); err == nil && n.size.X*n.size.Y > 1<<16 {
			return
		}
		if _, err := p.Photo(t.Context(), bytes.NewReader(data)); err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrDimensions) {
			t.Error(err)
		}
	})
}

// BenchmarkPhoto makes all sizes of a photo of 12 megapixels.
func BenchmarkPhoto(b *testing.B) {
	data := encoded(b, scene(4000, 3000), asJPEG)
	b.Logf("%d bytes", len(data))
	p := NewPool()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Photo(b.Context(), bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
