package session

import "slices"

// windowSize is how many message ids of the last minutes a session remembers.
//
// https://core.telegram.org/mtproto/security_guidelines#checking-msg-id
const windowSize = 2048

// window is the sorted set of the message ids a session has received. Ids older than the time
// window are refused by their date, so they are forgotten: an idle session remembers next to
// nothing.
type window struct {
	ids   []int64
	floor int64 // ids below it are refused
}

// receipt is what the window says of an id.
type receipt uint8

const (
	fresh receipt = iota
	repeated
	tooOld
)

// see records id; oldest is the id of the time before which messages are refused.
func (w *window) see(id, oldest int64) receipt {
	w.forget(oldest)
	if id < w.floor {
		return tooOld
	}
	at, found := slices.BinarySearch(w.ids, id)
	if found {
		return repeated
	}
	if len(w.ids) == windowSize {
		if at == 0 {
			return tooOld
		}
		w.floor = w.ids[0] + 1
		copy(w.ids, w.ids[1:at])
		w.ids[at-1] = id
		return fresh
	}
	w.ids = slices.Insert(w.ids, at, id)
	return fresh
}

// has tells whether id was received and not yet forgotten.
func (w *window) has(id int64) bool {
	_, found := slices.BinarySearch(w.ids, id)
	return found
}

func (w *window) forget(oldest int64) {
	if oldest <= w.floor {
		return
	}
	w.floor = oldest
	w.ids = dropBelow(w.ids, oldest)
}

// dropBelow removes the numbers below least from a sorted list, and gives memory back that it does
// not need any more.
func dropBelow(sorted []int64, least int64) []int64 {
	n, _ := slices.BinarySearch(sorted, least)
	switch rest := sorted[n:]; {
	case len(rest) == 0:
		return nil
	case n > 0 && len(rest) < cap(sorted)/4:
		return slices.Clone(rest)
	default:
		return slices.Delete(sorted, 0, n)
	}
}

// insert adds a number to a sorted list.
func insert(sorted []int64, id int64) []int64 {
	at, found := slices.BinarySearch(sorted, id)
	if found {
		return sorted
	}
	return slices.Insert(sorted, at, id)
}
