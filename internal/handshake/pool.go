package handshake

import "context"

// waiting is how many exchanges may wait for one worker: about a tenth of a second
// of work, beyond which a client does better to come back later.
const waiting = 64

// pool bounds the computing goroutines, and how many wait for their turn. The work
// is done by the goroutine that brings it.
type pool struct {
	places chan struct{} // waiting or working
	slots  chan struct{} // working
}

func newPool(workers int) pool {
	return pool{
		places: make(chan struct{}, workers*(1+waiting)),
		slots:  make(chan struct{}, workers),
	}
}

// do runs f in its turn, or refuses at once if too many wait already.
func (p *pool) do(ctx context.Context, f func() error) error {
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	default:
		return &TransportError{CodeFlood}
	}
	select {
	case p.slots <- struct{}{}:
		defer p.leave()
	case <-ctx.Done():
		return ErrClose
	}
	return f()
}

// tryEnter takes a slot if one is free.
func (p *pool) tryEnter() bool {
	select {
	case p.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (p *pool) leave() { <-p.slots }
