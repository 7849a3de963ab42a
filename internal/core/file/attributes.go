package file

import (
	"math"
	"mime"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Attributes are what the sender says about a document. Nothing of it is looked up in the content.
//
// https://core.telegram.org/type/DocumentAttribute
type Attributes struct {
	Name   string `json:",omitempty"`
	Width  int    `json:",omitempty"`
	Height int    `json:",omitempty"`
	// Duration is in seconds.
	Duration float64 `json:",omitempty"`
	// Image tells that Width and Height are those of a picture.
	Image    bool     `json:",omitempty"`
	Animated bool     `json:",omitempty"`
	Video    *Video   `json:",omitempty"`
	Audio    *Audio   `json:",omitempty"`
	Sticker  *Sticker `json:",omitempty"`
}

// Video says what kind of video it is.
type Video struct {
	Round     bool    `json:",omitempty"`
	Streaming bool    `json:",omitempty"`
	Silent    bool    `json:",omitempty"`
	Codec     string  `json:",omitempty"`
	Start     float64 `json:",omitempty"` // seconds
}

// Audio says what kind of sound it is.
type Audio struct {
	Voice     bool   `json:",omitempty"`
	Title     string `json:",omitempty"`
	Performer string `json:",omitempty"`
	// Waveform has 5 bits for each of up to 100 bars.
	Waveform []byte `json:",omitempty"`
}

// Sticker says which emoji a sticker stands for.
type Sticker struct {
	Alt  string `json:",omitempty"`
	Mask bool   `json:",omitempty"`
}

// Bounds of what a sender may say.
const (
	maxName     = 255 // bytes
	maxTitle    = 128 // characters
	maxSide     = 16384
	maxDuration = 30 * 24 * 60 * 60 // seconds
	maxWaveform = (100*5 + 7) / 8   // bytes
)

// clean brings what a sender said within bounds.
func (a Attributes) clean() Attributes {
	a.Name = CleanName(a.Name)
	a.Width, a.Height = clamp(a.Width), clamp(a.Height)
	a.Duration = seconds(a.Duration)
	if a.Video != nil {
		v := *a.Video
		v.Codec, v.Start = cleanText(v.Codec, 16), seconds(v.Start)
		a.Video = &v
	}
	if a.Audio != nil {
		o := *a.Audio
		o.Title, o.Performer = cleanText(o.Title, maxTitle), cleanText(o.Performer, maxTitle)
		o.Waveform = o.Waveform[:min(len(o.Waveform), maxWaveform)]
		a.Audio = &o
	}
	if a.Sticker != nil {
		k := *a.Sticker
		k.Alt = cleanText(k.Alt, 16)
		a.Sticker = &k
	}
	return a
}

func clamp(side int) int { return min(max(side, 0), maxSide) }

func seconds(d float64) float64 {
	if math.IsNaN(d) {
		return 0
	}
	return min(max(d, 0), maxDuration)
}

// CleanName makes a name safe to show and to save under: without folders, control characters and
// those that turn the direction of writing, which make "exe.txt" of "txt.exe". It may be empty.
func CleanName(name string) string {
	name = strings.ToValidUTF8(name, "_")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.TrimLeft(strings.TrimRight(strings.Map(keep, name), ". "), " ")
	if len(name) <= maxName {
		return name
	}
	end := ""
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && len(name)-dot <= 16 {
		name, end = name[:dot], name[dot:]
	}
	return cut(name, maxName-len(end)) + end
}

// cleanText makes a text safe to show and at most n characters long.
func cleanText(text string, n int) string {
	text = strings.TrimSpace(strings.Map(keep, strings.ToValidUTF8(text, "_")))
	if r := []rune(text); len(r) > n {
		text = string(r[:n])
	}
	return text
}

// keep drops control characters, line ends among them, and marks of direction.
func keep(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' {
		return -1
	}
	return r
}

// cut shortens a text to n bytes, between characters.
func cut(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Types of content.
const (
	pictureMime = "image/jpeg"
	unknownMime = "application/octet-stream"
)

// contentType is the type that a sender gave, or that the first bytes show where none was given or
// a page for browsers calls itself something harmless.
func contentType(given string, head []byte) string {
	sniffed, _, _ := mime.ParseMediaType(http.DetectContentType(head)) // always well-formed
	parsed, _, err := mime.ParseMediaType(given)
	page := sniffed == "text/html" || sniffed == "text/xml"
	switch {
	case err != nil || !strings.Contains(parsed, "/") || len(parsed) > 100 || parsed == unknownMime:
		return sniffed
	case page && !strings.HasPrefix(parsed, "text/") && !strings.HasSuffix(parsed, "xml"):
		return sniffed
	}
	return parsed
}
