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
	n, _ := slices.BinarySearch(w.ids, oldest)
	switch {
	case n == len(w.ids):
		w.ids = nil
	case n > 0:
		w.ids = slices.Delete(w.ids, 0, n)
	}
}
