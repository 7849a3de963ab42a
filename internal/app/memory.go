package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// garbage is how much the heap may grow, in percent of what lives, before the collector runs. A
	// server holds little and makes much, so the default of 100 collects several times a second for
	// nothing.
	garbage = 300
	// A server that received less than quiet frames in a lull gives back what it does not need, if
	// that is more than slack bytes.
	lull  = 30 * time.Second
	quiet = 1000
	slack = 8 << 20
)

// useMemory sets the collector's pace, unless the environment does.
func useMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}

// giveBack returns memory to the system whenever the server is quiet.
func (s *Server) giveBack(ctx context.Context) error {
	tick := time.NewTicker(lull)
	defer tick.Stop()
	seen := s.frames.Load()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := s.frames.Load()
		if now-seen < quiet && spare() > slack {
			debug.FreeOSMemory()
		}
		seen = now
	}
}

// spare is the memory that is held and not used, garbage included as far as it is known.
func spare() uint64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(samples)
	free := samples[0].Value.Uint64() + samples[1].Value.Uint64()
	if objects, live := samples[2].Value.Uint64(), samples[3].Value.Uint64(); objects > live {
		free += objects - live
	}
	return free
}
