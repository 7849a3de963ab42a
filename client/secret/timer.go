package secret

import (
	"math"
	"slices"
	"time"

	"github.com/gotd/td/tg/e2e"
)

const (
	// openTTL is the longest lifetime, in seconds, that starts when a photo, video
	// or recording is opened and not when it is seen in the chat.
	openTTL = 60
	// onceTTL is the lifetime of what may be opened once.
	onceTTL = math.MaxInt32
)

// timer is the lifetime of one message.
type timer struct {
	ID     int64
	Mine   bool // sent by us
	OnOpen bool
	TTL    int       // seconds
	Date   int32     // of the server; zero: not yet sent
	Due    time.Time // zero: not started
}

// addTimer notes the lifetime of a message, if it has one.
func (r *run) addTimer(m *e2e.DecryptedMessage, mine bool, date int32) {
	if m.TTL <= 0 {
		return
	}
	t := timer{ID: m.RandomID, Mine: mine, TTL: m.TTL, Date: date}
	if duration, ok := opened(m.Media); ok && (m.TTL <= openTTL || m.TTL == onceTTL) {
		t.OnOpen, t.TTL = true, max(t.TTL, duration+1) // to the end of a recording, at least
	}
	r.Timers = append(r.Timers, t)
}

// opened reports whether media are opened to be seen or heard, and how many
// seconds they play.
func opened(media e2e.DecryptedMessageMediaClass) (duration int, ok bool) {
	var attributes []e2e.DocumentAttributeClass
	switch m := media.(type) {
	case *e2e.DecryptedMessageMediaPhoto8, *e2e.DecryptedMessageMediaPhoto:
		return 0, true
	case *e2e.DecryptedMessageMediaVideo8:
		return m.Duration, true
	case *e2e.DecryptedMessageMediaVideo23:
		return m.Duration, true
	case *e2e.DecryptedMessageMediaVideo:
		return m.Duration, true
	case *e2e.DecryptedMessageMediaAudio8:
		return m.Duration, true
	case *e2e.DecryptedMessageMediaAudio:
		return m.Duration, true
	case *e2e.DecryptedMessageMediaDocument46:
		attributes = m.Attributes
	case *e2e.DecryptedMessageMediaDocument:
		attributes = m.Attributes
	}
	for _, a := range attributes {
		switch a := a.(type) {
		case *e2e.DocumentAttributeAnimated:
			ok = true
		case *e2e.DocumentAttributeVideo23:
			duration, ok = max(duration, a.Duration), true
		case *e2e.DocumentAttributeVideo:
			duration, ok = max(duration, a.Duration), true
		case *e2e.DocumentAttributeAudio23:
			duration, ok = max(duration, a.Duration), true
		case *e2e.DocumentAttributeAudio45:
			duration, ok = max(duration, a.Duration), true
		case *e2e.DocumentAttributeAudio:
			duration, ok = max(duration, a.Duration), true
		}
	}
	return duration, ok
}

// start starts the timers that which picks, as of at.
func (r *run) start(which func(*timer) bool, at time.Time) {
	for i := range r.Timers {
		t := &r.Timers[i]
		if !t.Due.IsZero() || !which(t) {
			continue
		}
		t.Due = at
		if t.TTL != onceTTL {
			t.Due = at.Add(time.Duration(t.TTL) * time.Second)
		}
	}
}

// tick moves the time that is known. If the clock was set back, all timers keep
// what they had left: nothing lives longer for it.
func (r *run) tick(now time.Time) {
	now = now.Round(0).UTC()
	if back := r.Seen.Sub(now); back > 0 {
		for i := range r.Timers {
			if t := &r.Timers[i]; !t.Due.IsZero() {
				t.Due = t.Due.Add(-back)
			}
		}
	}
	r.Seen = now
}

// View notes that our user has seen the chat up to this date of the server, as
// told to it by messages.readEncryptedHistory: messages received start to expire,
// but for those that must be opened.
func (c *Chat) View(env Env, maxDate int32) (Result, error) {
	return c.step(env, func(r *run) error {
		r.start(func(t *timer) bool { return !t.Mine && !t.OnOpen && t.Date <= maxDate }, r.Seen)
		return nil
	})
}

// PeerRead notes updateEncryptedMessagesRead: the peer had seen the chat up to
// maxDate at the time at. Messages sent start to expire, but for those that must
// be opened.
func (c *Chat) PeerRead(env Env, maxDate int32, at time.Time) (Result, error) {
	return c.step(env, func(r *run) error {
		at = at.Round(0).UTC()
		if at.After(r.Seen) {
			at = r.Seen
		}
		r.start(func(t *timer) bool { return t.Mine && !t.OnOpen && t.Date != 0 && t.Date <= maxDate }, at)
		return nil
	})
}

// Open notes that our user has opened a received photo, video or recording. It
// tells the peer and starts the timer; a timer that runs already is left alone.
func (c *Chat) Open(env Env, randomID int64) (Result, error) {
	return c.step(env, func(r *run) error {
		which := func(t *timer) bool { return !t.Mine && t.ID == randomID }
		if slices.ContainsFunc(r.Timers, func(t timer) bool { return which(&t) && !t.Due.IsZero() }) {
			return nil
		}
		r.start(which, r.Seen)
		if r.Phase == Closed {
			return nil // nobody to tell
		}
		return r.sendAction(&e2e.DecryptedMessageActionReadMessages{RandomIDs: []int64{randomID}})
	})
}

// Deadline returns when the next message expires; ok is false if no timer runs.
func (c *Chat) Deadline() (at time.Time, ok bool) {
	for _, t := range c.s.Timers {
		if !t.Due.IsZero() && (!ok || t.Due.Before(at)) {
			at, ok = t.Due, true
		}
	}
	return at, ok
}

// Expire returns the random_ids of the messages that are due and forgets their
// timers. The caller wipes the messages, files, thumbnails, search entries and
// notifications, and only then stores the state.
func (c *Chat) Expire(now time.Time) []int64 {
	r := &run{state: c.s.clone()}
	r.tick(now)
	var due []int64
	r.Timers = slices.DeleteFunc(r.Timers, func(t timer) bool {
		if t.Due.IsZero() || t.Due.After(r.Seen) {
			return false
		}
		due = append(due, t.ID)
		return true
	})
	c.s = r.state
	return due
}
