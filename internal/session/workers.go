package session

// task is something to be done once on a goroutine of its own. What a task needs lies in the value
// itself, so that handing it over allocates nothing.
type task interface{ do() }

// taskFunc is a task that is rare enough to be a closure.
type taskFunc func()

func (f taskFunc) do() { f() }

// workers runs tasks on goroutines that stay, because a goroutine's stack, once grown, is worth
// keeping; when all are busy a task gets a goroutine of its own.
type workers struct {
	tasks  chan task
	spares chan struct{}
}

func newWorkers(n int) *workers {
	return &workers{tasks: make(chan task), spares: make(chan struct{}, n)}
}

func (w *workers) run(t task) {
	select {
	case w.tasks <- t:
		return
	default:
	}
	select {
	case w.spares <- struct{}{}:
		go w.stay(t)
	default:
		go t.do()
	}
}

// stay runs tasks for as long as the process lives.
func (w *workers) stay(t task) {
	for {
		t.do()
		t = <-w.tasks
	}
}
