package contacts

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/rpc"
)

// getContacts returns the address book, unless the client has it already.
//
// https://core.telegram.org/method/contacts.getContacts
func (d Deps) getContacts(ctx context.Context, c *rpc.Caller, r *tg.ContactsGetContactsRequest) (bin.Encoder, error) {
	book, err := d.Contacts.List(ctx, c.Account)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(book))
	answer := &tg.ContactsContacts{SavedCount: len(book)}
	for i, line := range book {
		ids[i] = line.Contact
		answer.Contacts = append(answer.Contacts, tg.Contact{UserID: line.Contact, Mutual: line.Mutual})
	}
	if r.Hash != 0 && r.Hash == listHash(len(book), ids) {
		return &tg.ContactsContactsNotModified{}, nil
	}
	answer.Users, err = d.people(ctx, c.Account, ids...)
	return answer, err
}

// getStatuses returns who of the address book is online.
//
// https://core.telegram.org/method/contacts.getStatuses
func (d Deps) getStatuses(ctx context.Context, c *rpc.Caller, _ *tg.ContactsGetStatusesRequest) (bin.Encoder, error) {
	book, err := d.Contacts.List(ctx, c.Account)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(book))
	for i, line := range book {
		ids[i] = line.Contact
	}
	views, err := d.Users.Views(ctx, c.Account, ids...)
	if err != nil {
		return nil, err
	}
	answer := &tg.ContactStatusVector{}
	for _, v := range views {
		answer.Elems = append(answer.Elems, tg.ContactStatus{UserID: v.ID, Status: encode.Status(v.Online, v.Seen)})
	}
	return answer, nil
}

// listHash is what a client computes over the list it has.
//
// https://core.telegram.org/api/offsets#hash-generation
func listHash(saved int, ids []int64) int64 {
	hash := uint64(0)
	mix := func(id uint64) {
		hash ^= hash >> 21
		hash ^= hash << 35
		hash ^= hash >> 4
		hash += id
	}
	mix(uint64(saved))
	for _, id := range ids {
		mix(uint64(id))
	}
	return int64(hash)
}
