// Package upload answers the methods of the namespace upload: the bytes of files, in parts, both ways.
//
// A part is half a megabyte, and hundreds of them are on their way at once. So a part that comes is
// not copied on its way to the disk, and one that goes is read into memory that is used again.
//
// Specification: https://core.telegram.org/api/files
package upload

import (
	"github.com/chappe-im/chappe/internal/core/file"
	"github.com/chappe-im/chappe/internal/rpc"
)

// Deps are what the methods call.
type Deps struct{ Files *file.Service }

// Methods returns the lines of the namespace.
func Methods(d Deps) []*rpc.Method {
	return []*rpc.Method{
		rpc.Handle(d.saveFilePart, rpc.As(rpc.Bulk)),
		rpc.Handle(d.saveBigFilePart, rpc.As(rpc.Bulk)),
		rpc.Handle(d.getFile, rpc.As(rpc.Bulk)),
	}
}
