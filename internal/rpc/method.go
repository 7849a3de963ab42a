package rpc

import (
	"context"
	"fmt"

	"github.com/gotd/td/bin"

	"github.com/chappe-im/chappe/internal/core/fault"
)

// Access is the login state a method asks of its caller.
type Access uint8

const (
	// SignedIn methods need an account.
	SignedIn Access = iota
	// Anyone may call before login, too.
	Anyone
)

// Class says how a method counts against its caller's limits.
type Class uint8

const (
	// Read is a look at one's own data.
	Read Class = iota
	// Write changes one's own data.
	Write
	// Send reaches other people.
	Send
	// Search reaches for people one does not know yet.
	Search
	// Login asks for or tries a secret.
	Login
	// Bulk moves file parts.
	Bulk
	classes
)

// Method is one line of the table.
type Method struct {
	// Name is the TL name, as in "messages.sendMessage".
	Name string
	// ID is the constructor number in the canonical layer.
	ID uint32
	// Access is who may call.
	Access Access
	// Class is how often.
	Class Class
	// Ordered methods of one session run one after the other, in the order of their arrival.
	Ordered bool

	run func(context.Context, *Caller, *bin.Buffer) (bin.Encoder, error)
}

// Request is a decodable method call of package tg.
type Request interface {
	bin.Decoder
	TypeID() uint32
	TypeName() string
}

// Option changes a line of the table.
type Option func(*Method)

// For sets who may call.
func For(a Access) Option { return func(m *Method) { m.Access = a } }

// As sets how calls count; anything but Read is also ordered.
func As(c Class) Option {
	return func(m *Method) { m.Class, m.Ordered = c, c == Write || c == Send }
}

// Handle makes the line of a method: PR is a pointer to the request type of package tg, fn runs it.
// An answer must encode itself as a boxed object of the method's result type.
func Handle[R any, PR interface {
	*R
	Request
}](fn func(context.Context, *Caller, PR) (bin.Encoder, error), options ...Option) *Method {
	var zero R
	m := &Method{ID: PR(&zero).TypeID(), Name: PR(&zero).TypeName()}
	m.run = func(ctx context.Context, c *Caller, b *bin.Buffer) (bin.Encoder, error) {
		var r R
		if err := PR(&r).Decode(b); err != nil {
			return nil, fmt.Errorf("%w: %w", fault.InputFetchError, err)
		}
		if b.Len() != 0 {
			return nil, fmt.Errorf("%w: %d bytes behind the query", fault.InputFetchError, b.Len())
		}
		return fn(ctx, c, PR(&r))
	}
	for _, o := range options {
		o(m)
	}
	return m
}
