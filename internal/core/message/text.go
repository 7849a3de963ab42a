package message

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/chappe-im/chappe/internal/core/fault"
)

const (
	maxEntities = 100
	maxURL      = 2048
	maxQuote    = 1024
)

// clean takes white space off both ends of a text and moves its entities along.
func clean(text string, entities []Entity) (string, []Entity, error) {
	if !utf8.ValidString(text) {
		return "", nil, fault.MessageEmpty
	}
	left := strings.TrimLeftFunc(text, unicode.IsSpace)
	cut := units(text[:len(text)-len(left)])
	trimmed := strings.TrimRightFunc(left, unicode.IsSpace)
	if utf8.RuneCountInString(trimmed) > MaxText {
		return "", nil, fault.MessageTooLong
	}
	if len(entities) > maxEntities {
		entities = entities[:maxEntities]
	}
	total, length := units(text), units(trimmed)
	out := make([]Entity, 0, len(entities))
	for _, e := range entities {
		if e.Offset < 0 || e.Length < 0 || e.Offset > total || e.Length > total-e.Offset {
			return "", nil, fault.EntityBoundsInvalid
		}
		if len(e.URL) > maxURL {
			return "", nil, fault.EntityBoundsInvalid
		}
		start, end := max(e.Offset-cut, 0), min(e.Offset+e.Length-cut, length)
		if end <= start {
			continue
		}
		e.Offset, e.Length = start, end-start
		out = append(out, e)
	}
	return trimmed, out, nil
}

// units is the length of a text in UTF-16 code units, in which clients count.
func units(s string) (n int) {
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}
