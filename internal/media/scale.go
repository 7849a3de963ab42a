package media

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"

	"golang.org/x/image/draw"
)

// box is a square that a size has to fit in.
type box struct {
	name string
	side int
}

// The sizes of photos, of the previews of documents, and of pictures of people. A photo gets the first
// in which it fits as it is, and all smaller ones; only one that was made for the largest has it.
//
// https://core.telegram.org/api/files#image-thumbnail-types
var (
	photo   = plan{boxes: []box{{"s", 100}, {"m", 320}, {"x", 800}, {"y", 1280}, {"w", 2560}}}
	thumb   = plan{boxes: []box{{"m", 320}}}
	profile = plan{boxes: []box{{"a", 160}, {"b", 320}, {"c", 640}}, square: true}
)

// plan says which sizes to make.
type plan struct {
	boxes []box
	// square has the middle of the picture cut out, and every size made however small it is.
	square bool
}

// last is the index of the largest size for a picture, whose longer side is given.
func (p plan) last(long int) int {
	if p.square || len(p.boxes) == 1 {
		return len(p.boxes) - 1
	}
	for i, b := range p.boxes {
		if long <= b.side {
			return i
		}
	}
	return len(p.boxes) - 2 // larger than the largest
}

const (
	quality         = 87
	strippedSide    = 40
	strippedQuality = 20 // of the header that clients know
)

// picture makes the sizes of a decoded image, the largest first, each from the one before.
func picture(m image.Image, orientation int, p plan) (Picture, error) {
	if p.square {
		m = middle(m)
	}
	boxes, last := p.boxes, p.last(max(m.Bounds().Dx(), m.Bounds().Dy()))
	out := Picture{Sizes: make([]Size, last+1)}
	var current *image.RGBA
	for i := last; i >= 0; i-- {
		if current == nil {
			current = turn(shrink(m, boxes[i].side), orientation)
		} else {
			current = shrink(current, boxes[i].side)
		}
		encoded, err := encode(current, quality)
		if err != nil {
			return Picture{}, err
		}
		out.Sizes[i] = Size{Type: boxes[i].name, Width: current.Rect.Dx(), Height: current.Rect.Dy(), JPEG: encoded}
	}
	var err error
	out.Stripped, err = strip(shrink(current, strippedSide))
	return out, err
}

// middle is the square in the middle of an image. Package image can cut out of all that it decodes.
func middle(m image.Image) image.Image {
	cut, ok := m.(interface {
		SubImage(image.Rectangle) image.Image
	})
	if !ok {
		return m
	}
	r := m.Bounds()
	side := min(r.Dx(), r.Dy())
	corner := r.Min.Add(image.Pt((r.Dx()-side)/2&^3, (r.Dy()-side)/2&^3)) // between samples of colour
	return cut.SubImage(image.Rectangle{Min: corner, Max: corner.Add(image.Pt(side, side))})
}

func encode(m *image.RGBA, quality int) ([]byte, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	return b.Bytes(), nil
}

// shrink draws an image so that it fits in a square, on white.
func shrink(m image.Image, side int) *image.RGBA {
	if y, ok := m.(*image.YCbCr); ok {
		for max(y.Rect.Dx(), y.Rect.Dy()) >= 2*side && min(y.Rect.Dx(), y.Rect.Dy()) >= 2 {
			y = halve(y)
		}
		m = y
	}
	from := m.Bounds()
	w, h := from.Dx(), from.Dy()
	if long := max(w, h); long > side {
		w, h = max(1, (w*side+long/2)/long), max(1, (h*side+long/2)/long)
	}
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	op := draw.Src
	if o, ok := m.(interface{ Opaque() bool }); !ok || !o.Opaque() {
		draw.Draw(to, to.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
		op = draw.Over
	}
	if from.Dx() == w && from.Dy() == h {
		draw.Draw(to, to.Rect, m, from.Min, op)
	} else {
		draw.BiLinear.Scale(to, to.Rect, m, from, op, nil)
	}
	return to
}

// halve averages squares of four pixels. Package draw needs six times as long for large images.
func halve(m *image.YCbCr) *image.YCbCr {
	to := image.NewYCbCr(image.Rect(0, 0, m.Rect.Dx()/2, m.Rect.Dy()/2), m.SubsampleRatio)
	halvePlane(to.Y, to.YStride, m.Y, m.YStride)
	halvePlane(to.Cb, to.CStride, m.Cb, m.CStride)
	halvePlane(to.Cr, to.CStride, m.Cr, m.CStride)
	return to
}

// halvePlane averages one plane; where the plane has no more rows or columns the last one counts
// again.
func halvePlane(to []byte, width int, from []byte, stride int) {
	if width == 0 || stride == 0 {
		return
	}
	rows := len(from) / stride
	for y := range len(to) / width {
		line := to[y*width : (y+1)*width]
		a := from[min(2*y, rows-1)*stride:][:stride]
		b := from[min(2*y+1, rows-1)*stride:][:stride]
		for x := range line {
			i, j := min(2*x, stride-1), min(2*x+1, stride-1)
			line[x] = byte((int(a[i]) + int(a[j]) + int(b[i]) + int(b[j]) + 2) / 4)
		}
	}
}

// turn applies an orientation of EXIF.
func turn(m *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	size := image.Pt(w, h)
	if orientation >= 5 {
		size = image.Pt(h, w)
	}
	to := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			i, j := source(orientation, x, y, w, h)
			copy(to.Pix[to.PixOffset(x, y):][:4], m.Pix[m.PixOffset(i, j):][:4])
		}
	}
	return to
}

// source is where a pixel of the turned image was in the one of w by h.
func source(orientation, x, y, w, h int) (int, int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	default:
		return w - 1 - y, x
	}
}

// strip encodes an image and takes away the header: what is left begins with 1, height and width.
//
// https://core.telegram.org/api/files#stripped-thumbnails
func strip(m *image.RGBA) ([]byte, error) {
	encoded, err := encode(m, strippedQuality)
	if err != nil {
		return nil, err
	}
	scan := bytes.Index(encoded, []byte{0xff, markerSOS})
	if scan < 0 || len(encoded) < scan+4+2 {
		return nil, fmt.Errorf("encode picture: no scan in %d bytes", len(encoded))
	}
	length := int(encoded[scan+2])<<8 | int(encoded[scan+3])
	data := encoded[scan+2+length : len(encoded)-2] // without the end marker
	return append([]byte{1, byte(m.Rect.Dy()), byte(m.Rect.Dx())}, data...), nil
}
