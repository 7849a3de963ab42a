// Package user is people as others see them: names, numbers, presence, and who knows whom.
//
// What is shown of a person depends on who looks. A View is one person through the eyes of another;
// both its halves are cached on this node, and forgotten when they change.
//
// https://core.telegram.org/constructor/user
package user

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
)

// onlineFor is for how long somebody counts as online after saying so.
const onlineFor = 5 * time.Minute

// Service is the rules of people.
type Service struct {
	db  *store.DB
	bus *bus.Bus
	box *seal.Box
	now func() time.Time

	mu        sync.Mutex
	people    map[int64]store.Account
	relations map[relation]known
	online    map[int64]int64 // until when, in Unix seconds
}

type relation struct{ viewer, target int64 }

// known is what connects two people.
type known struct {
	contact             bool // the viewer has the target in the address book
	mutual              bool
	hasViewer           bool // the target has the viewer in theirs
	firstName, lastName string
}

// maxCached bounds each cache; a full one starts anew.
const maxCached = 50_000

// New returns the rules over a store.
func New(db *store.DB, b *bus.Bus, box *seal.Box, now func() time.Time) *Service {
	s := &Service{db: db, bus: b, box: box, now: now, online: make(map[int64]int64)}
	s.people, s.relations = make(map[int64]store.Account), make(map[relation]known)
	return s
}

// View is one person as another sees them.
type View struct {
	ID         int64
	AccessHash int64
	Self       bool
	Contact    bool
	Mutual     bool
	Deleted    bool
	System     bool
	FirstName  string
	LastName   string
	Username   string
	Phone      string // digits, "" if hidden from the viewer
	About      string
	// Online is until when the person counts as online, 0 if not; Seen is when they last were. Both
	// are in Unix seconds.
	Online, Seen int64
}

// AccessHash is the number with which a viewer proves to have met somebody. It is a keyed hash, so
// that nothing has to be stored.
func (s *Service) AccessHash(viewer, target int64) int64 {
	var in [16]byte
	binary.LittleEndian.PutUint64(in[:], uint64(viewer))
	binary.LittleEndian.PutUint64(in[8:], uint64(target))
	sum := s.box.MAC("access hash of a user", in[:])
	return int64(binary.LittleEndian.Uint64(sum[:]))
}

// Views returns people as viewer sees them; those who do not exist are left out.
func (s *Service) Views(ctx context.Context, viewer int64, ids ...int64) ([]View, error) {
	if err := s.load(ctx, viewer, ids); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]View, 0, len(ids))
	for i, id := range ids {
		a, ok := s.people[id]
		if !ok || contains(ids[:i], id) {
			continue
		}
		out = append(out, s.viewLocked(viewer, a, s.relations[relation{viewer, id}]))
	}
	return out, nil
}

func contains(ids []int64, id int64) bool {
	for _, other := range ids {
		if other == id {
			return true
		}
	}
	return false
}

// View returns one person as viewer sees them; ok is false if there is none by that id.
func (s *Service) View(ctx context.Context, viewer, id int64) (v View, ok bool, err error) {
	vs, err := s.Views(ctx, viewer, id)
	if err != nil || len(vs) == 0 {
		return View{}, false, err
	}
	return vs[0], true, nil
}

func (s *Service) viewLocked(viewer int64, a store.Account, k known) View {
	v := View{
		ID: a.ID, AccessHash: s.AccessHash(viewer, a.ID), Self: viewer == a.ID, Deleted: a.Deleted != 0,
		System: a.ID == peer.System, FirstName: a.FirstName, LastName: a.LastName, Username: a.Username,
		About: a.About, Contact: k.contact, Mutual: k.mutual, Seen: a.Seen,
	}
	if v.Deleted {
		return View{ID: v.ID, AccessHash: v.AccessHash, Deleted: true}
	}
	if k.contact && k.firstName+k.lastName != "" {
		v.FirstName, v.LastName = k.firstName, k.lastName
	}
	if v.Self || k.hasViewer {
		v.Phone = a.Phone
	}
	if until := s.online[a.ID]; until > s.now().Unix() {
		v.Online = until
	}
	return v
}

// load fills the caches with what a view of these people takes.
func (s *Service) load(ctx context.Context, viewer int64, ids []int64) error {
	var people []int64
	var relations []relation
	s.mu.Lock()
	for _, id := range ids {
		if _, ok := s.people[id]; !ok {
			people = append(people, id)
		}
		if _, ok := s.relations[relation{viewer, id}]; !ok && id != viewer {
			relations = append(relations, relation{viewer, id})
		}
	}
	s.mu.Unlock()
	if len(people) == 0 && len(relations) == 0 {
		return nil
	}
	var accounts []store.Account
	var links []known
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		for _, id := range people {
			a, err := tx.Account(id)
			if errors.Is(err, store.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			accounts = append(accounts, a)
		}
		for _, r := range relations {
			k, err := link(tx, r)
			if err != nil {
				return err
			}
			links = append(links, k)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.people) > maxCached {
		s.people = make(map[int64]store.Account)
	}
	if len(s.relations) > maxCached {
		s.relations = make(map[relation]known)
	}
	for _, a := range accounts {
		s.people[a.ID] = a
	}
	for i, k := range links {
		s.relations[relations[i]] = k
	}
	return nil
}

func link(tx *store.Tx, r relation) (k known, err error) {
	c, err := tx.Contact(r.viewer, r.target)
	switch {
	case err == nil:
		k = known{contact: true, mutual: c.Mutual, hasViewer: c.Mutual, firstName: c.FirstName, lastName: c.LastName}
		return k, nil
	case !errors.Is(err, store.ErrNoRows):
		return k, err
	}
	_, err = tx.Contact(r.target, r.viewer)
	k.hasViewer = err == nil
	if errors.Is(err, store.ErrNoRows) {
		err = nil
	}
	return k, err
}

// Forget drops what is cached of a person, after a change.
func (s *Service) Forget(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.people, id)
}

// ForgetRelation drops what is cached of two people's knowing each other, after a change.
func (s *Service) ForgetRelation(a, b int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.relations, relation{a, b})
	delete(s.relations, relation{b, a})
}

// audience is how many people learn at most that somebody came or went.
const audience = 500

// SetOnline notes that somebody came or went, and tells those who know them.
//
// https://core.telegram.org/method/account.updateStatus
func (s *Service) SetOnline(ctx context.Context, id int64, online bool) error {
	now := s.now().Unix()
	status := event.Status{User: id, Until: now}
	s.mu.Lock()
	before := s.online[id]
	if online {
		status = event.Status{User: id, Online: true, Until: now + int64(onlineFor/time.Second)}
		s.online[id] = status.Until
	} else {
		delete(s.online, id)
	}
	if a, ok := s.people[id]; ok {
		a.Seen = now
		s.people[id] = a
	}
	s.mu.Unlock()
	if !online && before <= now {
		return nil
	}
	var tell []int64
	err := s.db.Write(ctx, []int64{id}, func(tx *store.Tx) error { return tx.SetSeen(id, now) })
	if err != nil {
		return err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		knowing, err := tx.ContactOf(id, audience)
		if err != nil {
			return err
		}
		talking, err := tx.TalksWith(id, audience)
		tell = append(knowing, talking...)
		return err
	})
	if err != nil {
		return err
	}
	var events []event.Event
	told := map[int64]bool{id: true, peer.System: true}
	for _, other := range tell {
		if !told[other] {
			told[other] = true
			events = append(events, event.Event{Account: other, Date: now, Body: status})
		}
	}
	s.bus.Announce(events...)
	return nil
}
