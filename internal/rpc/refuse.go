package rpc

import (
	"context"

	"github.com/gotd/td/bin"
)

// Refuse makes the line of a method that nobody may call: it fails with err, whoever calls, whatever
// the query holds.
func Refuse(name string, id uint32, err error) *Method {
	return &Method{
		Name: name, ID: id, Access: Anyone,
		run: func(context.Context, *Caller, *bin.Buffer) (bin.Encoder, error) { return nil, err },
	}
}
