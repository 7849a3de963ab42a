// Package contact is address books and blocklists, and finding people.
//
// https://core.telegram.org/api/contacts
package contact

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chappe-im/chappe/internal/bus"
	"github.com/chappe-im/chappe/internal/core/event"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/peer"
	"github.com/chappe-im/chappe/internal/core/user"
	"github.com/chappe-im/chappe/internal/store"
)

// Limits of an address book.
const (
	maxName     = 64
	maxNote     = 128
	maxImported = 500
	maxFound    = 50
)

// Service is the rules of address books.
type Service struct {
	DB    *store.DB
	Bus   *bus.Bus
	Users *user.Service
	Now   func() time.Time
}

// Changed tells an account's devices that somebody's place in its address book or blocklist changed.
type Changed struct {
	User    int64
	Blocked bool
	// Blocklist tells that it was the blocklist.
	Blocklist bool
}

// List returns an address book.
func (s *Service) List(ctx context.Context, account int64) (out []store.Contact, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		out, err = tx.Contacts(account)
		return err
	})
	return out, err
}

// Add puts somebody into the address book, or changes the name there.
//
// Errors: CONTACT_NAME_EMPTY, CONTACT_ID_INVALID.
//
// https://core.telegram.org/method/contacts.addContact
func (s *Service) Add(ctx context.Context, account, contact int64, first, last, note string, session int64) error {
	line := store.Contact{Account: account, Contact: contact, FirstName: tidy(first), LastName: tidy(last), Note: tidy(note)}
	if err := check(line); err != nil {
		return err
	}
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		a, err := tx.Account(contact)
		if errors.Is(err, store.ErrNoRows) || err == nil && a.Deleted != 0 {
			return fault.ContactIDInvalid
		}
		if err != nil {
			return err
		}
		line.Added = s.Now().Unix()
		return tx.SaveContact(line)
	})
	if err != nil {
		return err
	}
	s.tell(account, Changed{User: contact}, session)
	return nil
}

// tidy makes a name of what somebody typed.
func tidy(name string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(name, ""), "\x00", ""))
}

func check(c store.Contact) error {
	switch {
	case c.FirstName == "" && c.LastName == "",
		utf8.RuneCountInString(c.FirstName) > maxName, utf8.RuneCountInString(c.LastName) > maxName,
		utf8.RuneCountInString(c.Note) > maxNote:
		return fault.ContactNameEmpty
	case c.Contact == c.Account || c.Contact == peer.System:
		return fault.ContactIDInvalid
	}
	return nil
}

// Import is a line of a telephone's address book.
type Import struct {
	ClientID    int64
	Phone       string
	First, Last string
}

// Imported says whose account a line belongs to.
type Imported struct{ ClientID, User int64 }

// ImportAll adds the people whose numbers have accounts, under their numbers where a line has no
// name. Lines that say nothing of use are passed over.
//
// https://core.telegram.org/method/contacts.importContacts
func (s *Service) ImportAll(ctx context.Context, account int64, lines []Import, session int64) ([]Imported, error) {
	lines = lines[:min(len(lines), maxImported)]
	var out []Imported
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		out = nil
		for _, l := range lines {
			id, err := byPhone(tx, l.Phone)
			if errors.Is(err, fault.PhoneNotOccupied) {
				continue
			}
			if err != nil {
				return err
			}
			line := store.Contact{
				Account: account, Contact: id, FirstName: tidy(l.First), LastName: tidy(l.Last), Added: s.Now().Unix(),
			}
			if line.FirstName+line.LastName == "" {
				line.FirstName = "+" + digits(l.Phone)
			}
			if id != account {
				if check(line) != nil {
					continue
				}
				if err := tx.SaveContact(line); err != nil {
					return err
				}
			}
			out = append(out, Imported{l.ClientID, id})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, i := range out {
		if i.User != account {
			s.tell(account, Changed{User: i.User}, session)
		}
	}
	return out, nil
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// ByPhone finds the account of a number: PHONE_NOT_OCCUPIED if it has none.
//
// https://core.telegram.org/method/contacts.resolvePhone
func (s *Service) ByPhone(ctx context.Context, phone string) (id int64, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		id, err = byPhone(tx, phone)
		return err
	})
	return id, err
}

func byPhone(tx *store.Tx, phone string) (int64, error) {
	n, err := tx.Number(digits(phone))
	if errors.Is(err, store.ErrNoRows) || err == nil && n.Account == 0 {
		return 0, fault.PhoneNotOccupied
	}
	return n.Account, err
}

// Delete takes people out of the address book.
//
// https://core.telegram.org/method/contacts.deleteContacts
func (s *Service) Delete(ctx context.Context, account int64, contacts []int64, session int64) error {
	var gone []int64
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) error {
		gone = nil
		for _, c := range contacts {
			news, err := tx.DeleteContact(account, c)
			if err != nil {
				return err
			}
			if news {
				gone = append(gone, c)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range gone {
		s.tell(account, Changed{User: c}, session)
	}
	return nil
}

// DeleteByPhones is Delete for people named by their numbers; numbers without an account are passed
// over.
//
// https://core.telegram.org/method/contacts.deleteByPhones
func (s *Service) DeleteByPhones(ctx context.Context, account int64, phones []string, session int64) error {
	var ids []int64
	for _, phone := range phones[:min(len(phones), maxImported)] {
		id, err := s.ByPhone(ctx, phone)
		if errors.Is(err, fault.PhoneNotOccupied) {
			continue
		}
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	return s.Delete(ctx, account, ids, session)
}

// Block adds somebody to the blocklist, or takes them off it.
//
// https://core.telegram.org/method/contacts.block
func (s *Service) Block(ctx context.Context, account int64, who peer.ID, blocked bool, session int64) error {
	id, ok := who.User()
	if !ok || id == account {
		return fault.PeerIDInvalid
	}
	news := false
	err := s.DB.Write(ctx, []int64{account}, func(tx *store.Tx) (err error) {
		if blocked {
			news, err = tx.Block(account, id, s.Now().Unix())
		} else {
			news, err = tx.Unblock(account, id)
		}
		return err
	})
	if err != nil || !news {
		return err
	}
	s.tell(account, Changed{User: id, Blocked: blocked, Blocklist: true}, session)
	return nil
}

// Blocked returns a part of the blocklist, the newest first, and how long all of it is.
func (s *Service) Blocked(ctx context.Context, account int64, offset, limit int) (out []store.Blocked, total int, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		out, total, err = tx.BlockedBy(account, max(offset, 0), min(max(limit, 0), 100))
		return err
	})
	return out, total, err
}

// Blocks tells whether an account has blocked somebody.
func (s *Service) Blocks(ctx context.Context, account, who int64) (blocked bool, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		blocked, err = tx.Blocks(account, who)
		return err
	})
	return blocked, err
}

// ByUsername finds the account with a public name: USERNAME_INVALID, USERNAME_NOT_OCCUPIED.
//
// https://core.telegram.org/method/contacts.resolveUsername
func (s *Service) ByUsername(ctx context.Context, name string) (id int64, err error) {
	name = strings.ToLower(strings.TrimPrefix(name, "@"))
	if name == "" || len(name) > 64 {
		return 0, fault.UsernameInvalid
	}
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		u, err := tx.Username(name)
		if errors.Is(err, store.ErrNoRows) || err == nil && (u.Kind != store.OfAccount || u.Released != 0) {
			return fault.UsernameNotOccupied
		}
		id = u.Owner
		return err
	})
	return id, err
}

// Found is the result of a search: people of one's own, and others.
type Found struct{ Own, Others []int64 }

// Search finds people by name or username: those one knows by any part of a word's beginning, others
// by the beginning of their public name only.
//
// https://core.telegram.org/method/contacts.search
func (s *Service) Search(ctx context.Context, account int64, query string, limit int) (f Found, err error) {
	query = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(query), "@"))
	if utf8.RuneCountInString(query) < 3 {
		return f, fault.QueryTooShort
	}
	limit = min(max(limit, 1), maxFound)
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		if f.Own, err = s.searchOwn(tx, account, query, limit); err != nil {
			return err
		}
		names, err := tx.UsernamesFrom(query, store.OfAccount, limit)
		for _, id := range names {
			if id != account && !slices.Contains(f.Own, id) {
				f.Others = append(f.Others, id)
			}
		}
		return err
	})
	return f, err
}

func (s *Service) searchOwn(tx *store.Tx, account int64, query string, limit int) (out []int64, err error) {
	book, err := tx.Contacts(account)
	if err != nil {
		return nil, err
	}
	for _, c := range book {
		if len(out) < limit && matches(query, c.FirstName+" "+c.LastName) {
			out = append(out, c.Contact)
		}
	}
	talks, err := tx.TalksWith(account, 200)
	if err != nil {
		return nil, err
	}
	for _, id := range talks {
		if len(out) >= limit || slices.Contains(out, id) {
			continue
		}
		a, err := tx.Account(id)
		if err != nil {
			return nil, err
		}
		if matches(query, a.FirstName+" "+a.LastName, a.Username) {
			out = append(out, id)
		}
	}
	return out, nil
}

// matches tells whether a word of the names begins with the query.
func matches(query string, names ...string) bool {
	for _, name := range names {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, query) || strings.Contains(name, " "+query) {
			return true
		}
	}
	return false
}

func (s *Service) tell(account int64, c Changed, session int64) {
	s.Users.ForgetRelation(account, c.User)
	s.Bus.Announce(event.Event{Account: account, Date: s.Now().Unix(), Origin: session, Body: c})
}

// Erase removes the address book and blocklist of an ended account, and the account from others'.
func Erase(tx *store.Tx, account int64) error { return tx.EraseContacts(account) }
