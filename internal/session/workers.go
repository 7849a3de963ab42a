package session

// workers runs tasks on goroutines that stay, because a goroutine's stack, once grown, is worth
// keeping; when all are busy a task gets a goroutine of its own.
type workers struct {
	tasks  chan func()
	spares chan struct{}
}

func newWorkers(n int) *workers {
	return &workers{tasks: make(chan func()), spares: make(chan struct{}, n)}
}

func (w *workers) run(task func()) {
	select {
	case w.tasks <- task:
		return
	default:
	}
	select {
	case w.spares <- struct{}{}:
		go w.stay(task)
	default:
		go task()
	}
}

// stay runs tasks for as long as the process lives.
func (w *workers) stay(task func()) {
	for {
		task()
		task = <-w.tasks
	}
}
