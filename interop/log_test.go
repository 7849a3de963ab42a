package interop

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// tail keeps the last lines a process wrote, and all of them in a file when INTEROP_LOGS names a
// folder.
type tail struct {
	mu    sync.Mutex
	lines []string
	file  io.Writer
}

func newTail(t *testing.T, name string) *tail {
	t.Helper()
	folder := os.Getenv("INTEROP_LOGS")
	if folder == "" {
		return &tail{file: io.Discard}
	}
	path := filepath.Join(folder, name+".log")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return &tail{file: file}
}

func (l *tail) Write(data []byte) (int, error) {
	for line := range strings.Lines(string(data)) {
		l.note(strings.TrimRight(line, "\n"))
	}
	return len(data), nil
}

func (l *tail) note(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.file, line)
	if len(line) > 400 {
		line = fmt.Sprintf("%s… (%d bytes)", line[:400], len(line))
	}
	if l.lines = append(l.lines, line); len(l.lines) > 40 {
		l.lines = l.lines[1:]
	}
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
