//go:build !linux

package bench

import (
	"context"
	"crypto/rsa"
	"errors"
	"time"
)

var errLinux = errors.New("benchmarks need Linux: they bind processes to cores and read /proc")

// child would be the measured server.
type child struct {
	addr    string
	key     *rsa.PublicKey
	started time.Duration
}

func pin() error                                              { return errLinux }
func launch(context.Context, Options, string) (*child, error) { return nil, errLinux }
func (c *child) stop() error                                  { return errLinux }
func (c *child) rss() (float64, error)                        { return 0, errLinux }
func (c *child) cpu() (float64, error)                        { return 0, errLinux }
