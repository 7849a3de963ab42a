package contacts

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/contact"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// addContact puts somebody into the address book.
//
// https://core.telegram.org/method/contacts.addContact
func (d Deps) addContact(ctx context.Context, c *rpc.Caller, r *tg.ContactsAddContactRequest) (bin.Encoder, error) {
	id, err := d.Read.User(c.Account, r.ID)
	if err != nil {
		return nil, fault.ContactIDInvalid
	}
	note, _ := r.GetNote()
	if err := d.Contacts.Add(ctx, c.Account, id, r.FirstName, r.LastName, note.Text, c.Session); err != nil {
		return nil, err
	}
	return d.changed(ctx, c, id)
}

// importContacts finds the people of a telephone's address book who are here.
//
// https://core.telegram.org/method/contacts.importContacts
func (d Deps) importContacts(ctx context.Context, c *rpc.Caller, r *tg.ContactsImportContactsRequest) (bin.Encoder, error) {
	lines := make([]contact.Import, len(r.Contacts))
	for i, in := range r.Contacts {
		lines[i] = contact.Import{ClientID: in.ClientID, Phone: in.Phone, First: in.FirstName, Last: in.LastName}
	}
	found, err := d.Contacts.ImportAll(ctx, c.Account, lines, c.Session)
	if err != nil {
		return nil, err
	}
	answer := &tg.ContactsImportedContacts{}
	ids := make([]int64, len(found))
	for i, f := range found {
		ids[i] = f.User
		answer.Imported = append(answer.Imported, tg.ImportedContact{UserID: f.User, ClientID: f.ClientID})
	}
	answer.Users, err = d.people(ctx, c.Account, ids...)
	return answer, err
}

// deleteByPhones takes people out of the address book, by their numbers.
//
// https://core.telegram.org/method/contacts.deleteByPhones
func (d Deps) deleteByPhones(ctx context.Context, c *rpc.Caller, r *tg.ContactsDeleteByPhonesRequest) (bin.Encoder, error) {
	if err := d.Contacts.DeleteByPhones(ctx, c.Account, r.Phones, c.Session); err != nil {
		return nil, err
	}
	return &tg.BoolTrue{}, nil
}

// deleteContacts takes people out of the address book.
//
// https://core.telegram.org/method/contacts.deleteContacts
func (d Deps) deleteContacts(ctx context.Context, c *rpc.Caller, r *tg.ContactsDeleteContactsRequest) (bin.Encoder, error) {
	ids := make([]int64, 0, len(r.ID))
	for _, in := range r.ID {
		id, err := d.Read.User(c.Account, in)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if err := d.Contacts.Delete(ctx, c.Account, ids, c.Session); err != nil {
		return nil, err
	}
	return d.changed(ctx, c, ids...)
}
