// Package api puts the methods of all namespaces into one table: those that are answered, those whose
// answer is honestly empty, and those that are refused. docs/methods.txt lists them, and is read for
// the refusals.
package api

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/docs"
	"github.com/chappe-im/chappe/internal/api/account"
	"github.com/chappe-im/chappe/internal/api/auth"
	"github.com/chappe-im/chappe/internal/api/contacts"
	"github.com/chappe-im/chappe/internal/api/help"
	"github.com/chappe-im/chappe/internal/api/langpack"
	"github.com/chappe-im/chappe/internal/api/lists"
	"github.com/chappe-im/chappe/internal/api/messages"
	"github.com/chappe-im/chappe/internal/api/updates"
	"github.com/chappe-im/chappe/internal/api/upload"
	"github.com/chappe-im/chappe/internal/api/users"
	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// Deps are what the methods of each namespace call.
type Deps struct {
	Account  account.Deps
	Auth     auth.Deps
	Contacts contacts.Deps
	Help     help.Deps
	Messages messages.Deps
	Updates  updates.Deps
	Upload   upload.Deps
	Users    users.Deps
	Now      func() time.Time
}

// Methods returns a line for every method of the layer, in no order. It fails if docs/methods.txt is
// not one.
func Methods(d Deps) ([]*rpc.Method, error) {
	refused, err := refusals(docs.Methods)
	if err != nil {
		return nil, err
	}
	return slices.Concat(answered(d), nothing(d.Now), refused), nil
}

// answered are the methods that something stands behind.
func answered(d Deps) []*rpc.Method {
	return slices.Concat(
		account.Methods(d.Account),
		auth.Methods(d.Auth),
		contacts.Methods(d.Contacts),
		help.Methods(d.Help),
		messages.Methods(d.Messages),
		updates.Methods(d.Updates),
		upload.Methods(d.Upload),
		users.Methods(d.Users),
	)
}

// nothing are the methods whose answer is always empty.
func nothing(now func() time.Time) []*rpc.Method {
	return slices.Concat(langpack.Methods(), lists.Methods(now))
}

// status is the second word of a line of docs/methods.txt.
type status string

const (
	done    status = "done"
	empty   status = "empty"
	refused status = "refused"
)

// row is a line of docs/methods.txt.
type row struct {
	name   string
	status status
	reason string
}

// rows reads docs/methods.txt.
func rows(text string) ([]row, error) {
	var list []row
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
			continue
		case len(words) == 1:
			return nil, fmt.Errorf("docs/methods.txt: %s has no status", words[0])
		}
		list = append(list, row{words[0], status(words[1]), strings.Join(words[2:], " ")})
	}
	return list, nil
}

// refusals are the methods that are refused: with an error that no client takes for a reason to try
// again.
func refusals(text string) ([]*rpc.Method, error) {
	list, err := rows(text)
	if err != nil {
		return nil, err
	}
	ids := tg.NamesMap()
	var methods []*rpc.Method
	for _, r := range list {
		if r.status != refused {
			continue
		}
		id, ok := ids[r.name]
		if !ok {
			return nil, fmt.Errorf("docs/methods.txt: the layer has no method %s", r.name)
		}
		methods = append(methods, rpc.Refuse(r.name, id, fault.MethodInvalid))
	}
	return methods, nil
}
