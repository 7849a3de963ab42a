// Package lists answers the methods that have nothing to list: client software asks for them when it
// signs in, opens a chat or shows a page of its settings, and what they would hold does not exist on
// this server.
//
// An answer here is the truth, as docs/methods.txt says with the reason for each: a list is empty
// because nothing can be put into it, a setting has the value that always holds. What would change a
// list or a setting is refused. The hash of an empty list is 0, which is also what a client sends
// that has no list; so none of these is ever "not modified".
//
// The page of each method is https://core.telegram.org/method/ and its name.
package lists

import (
	"context"
	"slices"
	"time"

	"github.com/gotd/td/bin"

	"github.com/chappe-im/chappe/internal/rpc"
)

// Methods returns the lines of all of them. now is the clock for answers that carry a date.
func Methods(now func() time.Time) []*rpc.Method {
	return slices.Concat(
		about(now), settings(), profiles(), chats(now), stickers(), reactions(now), stories(now), money(), search(),
	)
}

// empty is the line of a method R that always gets the answer A without any content.
func empty[R, A any, PR interface {
	*R
	rpc.Request
}, PA interface {
	*A
	bin.Encoder
}](options ...rpc.Option) *rpc.Method {
	return with(func(PR) bin.Encoder { return PA(new(A)) }, options...)
}

// with is the line of a method whose answer depends on nothing but the query.
func with[R any, PR interface {
	*R
	rpc.Request
}](answer func(PR) bin.Encoder, options ...rpc.Option) *rpc.Method {
	return rpc.Handle(func(_ context.Context, _ *rpc.Caller, r PR) (bin.Encoder, error) {
		return answer(r), nil
	}, options...)
}
