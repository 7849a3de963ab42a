package message

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/chappe-im/chappe/internal/core/fault"
)

const (
	maxEntities = 100
	// maxAddresses is how many bytes the addresses and languages of a text's entities have together.
	maxAddresses = 16 << 10
	maxQuote     = 1024 // UTF-16 code units
)

// clean makes a text fit to be kept: without white space at its ends and without control characters,
// its entities moved along and in order. The length of a text counts in characters (code points).
//
// https://core.telegram.org/constructor/config (message_length_max)
func clean(text string, entities []Entity) (string, []Entity, error) {
	if !utf8.ValidString(text) {
		return "", nil, fault.MessageEmpty
	}
	text = printable(text)
	left := strings.TrimLeftFunc(text, unicode.IsSpace)
	trimmed := strings.TrimRightFunc(left, unicode.IsSpace)
	if utf8.RuneCountInString(trimmed) > MaxText {
		return "", nil, fault.MessageTooLong
	}
	if len(entities) == 0 {
		return trimmed, nil, nil
	}
	entities, err := bound(text, entities)
	if err != nil {
		return "", nil, err
	}
	cut, length := units(text[:len(text)-len(left)]), units(trimmed)
	out := make([]Entity, 0, len(entities))
	for _, e := range entities {
		start, end := max(e.Offset-cut, 0), min(e.Offset+e.Length-cut, length)
		if e.Offset, e.Length = start, end-start; e.Length > 0 && !found[e.Kind] {
			out = append(out, e)
		}
	}
	inOrder(out)
	return trimmed, slices.Compact(out), nil
}

// printable puts a space in the place of each control character but tab and the ends of lines: some
// databases refuse them, and no client shows them.
func printable(text string) string {
	control := func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f }
	if strings.IndexFunc(text, control) < 0 {
		return text
	}
	return strings.Map(func(r rune) rune {
		if control(r) {
			return ' '
		}
		return r
	}, text)
}

// bound refuses entities that lie outside of their text or begin or end inside of a character.
func bound(text string, entities []Entity) ([]Entity, error) {
	if len(entities) > maxEntities {
		entities = entities[:maxEntities]
	}
	total, addresses := units(text), 0
	inside := make(map[int]bool) // positions between the two halves of a character
	if total != utf8.RuneCountInString(text) {
		at := 0
		for _, r := range text {
			if at += utf16.RuneLen(r); utf16.RuneLen(r) == 2 {
				inside[at-1] = true
			}
		}
	}
	for _, e := range entities {
		switch {
		case e.Offset < 0, e.Length < 0, e.Offset > total, e.Length > total-e.Offset,
			inside[e.Offset], inside[e.Offset+e.Length]:
			return nil, fault.EntityBoundsInvalid
		}
		addresses += len(e.URL) + len(e.Language)
	}
	if addresses > maxAddresses {
		return nil, fault.EntitiesTooLong
	}
	return entities, nil
}

// inOrder sorts entities by their beginning, what surrounds others first.
func inOrder(es []Entity) {
	slices.SortStableFunc(es, func(a, b Entity) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(b.Length, a.Length))
	})
}

// units is the length of a text in UTF-16 code units, in which clients count.
func units(s string) (n int) {
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case b >= 0xf0:
			n += 2
		case b < 0x80 || b >= 0xc0:
			n++
		}
	}
	return n
}
