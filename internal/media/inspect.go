package media

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"io"
)

// needs are what a picture's header says.
type needs struct {
	size        image.Point
	memory      int64 // bytes that decoding may take
	orientation int   // 1 to 8, as EXIF has it
}

// inspect reads the header of a picture and refuses what would be too much.
func inspect(r io.ReadSeeker) (needs, error) {
	config, format, err := image.DecodeConfig(bufio.NewReader(r))
	if err != nil {
		return needs{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	n := needs{size: image.Pt(config.Width, config.Height), orientation: 1}
	short, long := min(n.size.X, n.size.Y), max(n.size.X, n.size.Y)
	if short < 1 || long > maxPixels/short || long > maxRatio*short {
		return needs{}, fmt.Errorf("%w: %d×%d", ErrDimensions, n.size.X, n.size.Y)
	}
	perPixel := int64(4)
	switch config.ColorModel {
	case color.NRGBA64Model, color.RGBA64Model, color.Gray16Model:
		perPixel = 8
	}
	if format == "jpeg" {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return needs{}, fmt.Errorf("read picture: %w", err)
		}
		var progressive bool
		progressive, n.orientation = scanJPEG(bufio.NewReader(r))
		if progressive {
			perPixel = 15 // coefficients of four bytes in three components
		}
	}
	if n.memory = perPixel * int64(short) * int64(long); n.memory > budget {
		return needs{}, fmt.Errorf("%w: %d×%d take %d bytes", ErrDimensions, n.size.X, n.size.Y, n.memory)
	}
	return n, nil
}

// Markers of a JPEG.
const (
	markerSOF0 = 0xc0
	markerSOF2 = 0xc2
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerAPP1 = 0xe1
)

// scanJPEG reads the segments before the frame: whether it is progressive, and how the camera was
// held.
func scanJPEG(r *bufio.Reader) (progressive bool, orientation int) {
	orientation = 1
	if _, err := r.Discard(2); err != nil {
		return false, 1
	}
	for {
		marker, body, err := segment(r)
		switch {
		case err != nil || marker == markerSOS || marker == markerEOI:
			return progressive, orientation
		case marker == markerSOF2:
			return true, orientation
		case marker == markerSOF0 || marker == markerSOF0+1:
			return false, orientation
		case marker == markerAPP1:
			if o := exifOrientation(body); o != 0 {
				orientation = o
			}
		}
	}
}

// segment reads one marker and what belongs to it.
func segment(r *bufio.Reader) (marker byte, body []byte, err error) {
	for marker == 0 || marker == 0xff {
		b, err := r.ReadByte()
		if err != nil {
			return 0, nil, err
		}
		if marker == 0 && b != 0xff {
			continue
		}
		marker = b
	}
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint16(length[:])) - 2
	if n < 0 {
		return 0, nil, io.ErrUnexpectedEOF
	}
	body = make([]byte, n)
	_, err = io.ReadFull(r, body)
	return marker, body, err
}

// exifOrientation finds tag 0x0112 in the first directory of EXIF data, 0 if there is none.
func exifOrientation(b []byte) int {
	if len(b) < 14 || string(b[:6]) != "Exif\x00\x00" {
		return 0
	}
	b = b[6:]
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 0
	}
	count := int(order.Uint16(b[at:]))
	entries := b[at+2:]
	for ; count > 0 && len(entries) >= 12; count, entries = count-1, entries[12:] {
		if order.Uint16(entries) == 0x0112 {
			if o := int(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			return 0
		}
	}
	return 0
}
