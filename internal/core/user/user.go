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
	"maps"
	"sync"
	"time"

	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/seal"
	"github.com/chappe-im/chappe/internal/store"
)

// Service is the rules of people.
type Service struct {
	db  *store.DB
	bus *bus.Bus
	box *seal.Box
	now func() time.Time

	mu        sync.Mutex
	people    map[int64]store.Account
	relations map[relation]known
	// forgotten counts what was dropped from the caches: what was read before is not put in after.
	forgotten uint64
	online    map[int64]int64 // until when, in Unix seconds
}

type relation struct{ viewer, target int64 }

// known is what connects two people.
type known struct {
	hash                int64
	contact             bool // the viewer has the target in the address book
	mutual              bool
	hasViewer           bool // the target has the viewer in theirs
	shut                bool // the target has blocked the viewer
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
	ids = distinct(ids)
	out, at, ok := s.cached(viewer, ids)
	if ok {
		return out, nil
	}
	people, relations, err := s.read(ctx, viewer, ids)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepLocked(people, relations, at)
	out = out[:0]
	for _, id := range ids {
		if a, ok := people[id]; ok {
			out = append(out, s.viewLocked(viewer, a, relations[relation{viewer, id}]))
		}
	}
	return out, nil
}

func distinct(ids []int64) []int64 {
	out, told := make([]int64, 0, len(ids)), make(map[int64]bool, len(ids))
	for _, id := range ids {
		if !told[id] {
			told[id] = true
			out = append(out, id)
		}
	}
	return out
}

// cached returns views that take nothing from the store, all of them or, not ok, some: then all are
// read, to be of one moment. at is what keepLocked wants.
func (s *Service) cached(viewer int64, ids []int64) (out []View, at uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out = make([]View, 0, len(ids))
	for _, id := range ids {
		a, ok := s.people[id]
		k, told := s.relations[relation{viewer, id}]
		if !ok || !told {
			return out, s.forgotten, false
		}
		out = append(out, s.viewLocked(viewer, a, k))
	}
	return out, s.forgotten, true
}

// keepLocked puts what was read into the caches, unless something was dropped from them since.
func (s *Service) keepLocked(people map[int64]store.Account, relations map[relation]known, at uint64) {
	if s.forgotten != at {
		return
	}
	if len(s.people) > maxCached {
		s.people = make(map[int64]store.Account)
	}
	if len(s.relations) > maxCached {
		s.relations = make(map[relation]known)
	}
	maps.Copy(s.people, people)
	maps.Copy(s.relations, relations)
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
		ID: a.ID, AccessHash: k.hash, Self: viewer == a.ID, Deleted: a.Deleted != 0,
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
	if k.shut {
		v.Phone, v.Seen = "", 0
		return v
	}
	if until := s.online[a.ID]; until > s.now().Unix() {
		v.Online = until
	} else {
		v.Seen = max(v.Seen, until)
	}
	return v
}

// read looks up what a view of these people takes.
func (s *Service) read(ctx context.Context, viewer int64, ids []int64) (map[int64]store.Account, map[relation]known, error) {
	people, relations := make(map[int64]store.Account, len(ids)), make(map[relation]known, len(ids))
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		for _, id := range ids {
			a, err := tx.Account(id)
			if errors.Is(err, store.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			people[id] = a
			var k known
			r := relation{viewer, id}
			if id != viewer {
				if k, err = link(tx, r); err != nil {
					return err
				}
			}
			k.hash = s.AccessHash(viewer, id)
			relations[r] = k
		}
		return nil
	})
	return people, relations, err
}

func link(tx *store.Tx, r relation) (k known, err error) {
	if k.shut, err = tx.Blocks(r.target, r.viewer); err != nil {
		return k, err
	}
	c, err := tx.Contact(r.viewer, r.target)
	if err == nil {
		k.contact, k.mutual, k.hasViewer, k.firstName, k.lastName = true, c.Mutual, c.Mutual, c.FirstName, c.LastName
		return k, nil
	}
	if errors.Is(err, store.ErrNoRows) {
		_, err = tx.Contact(r.target, r.viewer)
		k.hasViewer = err == nil
	}
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
	s.forgotten++
}

// ForgetRelation drops what is cached of two people's knowing each other, after a change.
func (s *Service) ForgetRelation(a, b int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.relations, relation{a, b})
	delete(s.relations, relation{b, a})
	s.forgotten++
}
