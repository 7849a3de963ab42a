package secret

import (
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"strings"
)

// Picture is what two people compare to know that nobody sits between them: a
// hash of the first key of their chat, which later keys don't change.
//
// See https://core.telegram.org/api/end-to-end#key-visualization.
type Picture [36]byte

// pictureSide is the side of the drawn key, in squares.
const pictureSide = 12

// palette holds the colours of a drawn key.
var palette = color.Palette{
	color.RGBA{0xff, 0xff, 0xff, 0xff}, color.RGBA{0xd5, 0xe6, 0xf3, 0xff},
	color.RGBA{0x2d, 0x57, 0x75, 0xff}, color.RGBA{0x2f, 0x99, 0xc9, 0xff},
}

func (k *chatKey) picture() (p Picture) {
	a, b := sha1.Sum(k.value[:]), sha256.Sum256(k.value[:])
	copy(p[:], a[:16])
	copy(p[16:], b[:20])
	return p
}

// Image draws the key: 12×12 pixels, one to a square, in four colours.
func (p Picture) Image() *image.Paletted {
	img := image.NewPaletted(image.Rect(0, 0, pictureSide, pictureSide), palette)
	for i := range img.Pix {
		img.Pix[i] = p[i/4] >> (2 * (i % 4)) & 3
	}
	return img
}

// Text returns the first 32 bytes in hexadecimal: four lines of eight bytes, with
// a gap in the middle.
func (p Picture) Text() string {
	lines := make([]string, 4)
	for i := range lines {
		lines[i] = fmt.Sprintf("% x  % x", p[8*i:8*i+4], p[8*i+4:8*i+8])
	}
	return strings.Join(lines, "\n")
}
