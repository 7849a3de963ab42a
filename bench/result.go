package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"
	"time"
)

// Result is what a run saw, and on what.
type Result struct {
	Mode    string    `json:"mode"`
	Options Options   `json:"options"`
	Time    time.Time `json:"time"`
	Commit  string    `json:"commit"`
	Go      string    `json:"go"`
	CPU     string    `json:"cpu"`
	CPUs    int       `json:"cpus"`
	Load    string    `json:"load"` // average before the run
	Figures []Figure  `json:"figures"`
}

// Figure is one thing measured: the median and what it came from, beside its yardstick.
type Figure struct {
	Name  string    `json:"name"`
	Unit  string    `json:"unit"`
	Value float64   `json:"value"`
	Runs  []float64 `json:"runs"`
	// Yardstick is what the figure is held against, "" for none; Ratio is Value over it.
	Yardstick string  `json:"yardstick,omitempty"`
	Ratio     float64 `json:"ratio,omitempty"`
}

func newResult(o Options) (*Result, error) {
	r := &Result{
		Mode: o.Mode, Options: o, Time: time.Now().UTC().Truncate(time.Second), Commit: commit(), Go: runtime.Version(),
		CPU: cpuModel(), CPUs: runtime.NumCPU(),
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return nil, fmt.Errorf("benchmarks need Linux: %w", err)
	}
	r.Load, _, _ = strings.Cut(string(load), " ")
	return r, nil
}

// add notes the median of a figure.
func (r *Result) add(name, unit string, runs []float64) float64 {
	f := Figure{Name: name, Unit: unit, Value: median(runs), Runs: runs}
	r.Figures = append(r.Figures, f)
	return f.Value
}

// against holds the last figure against another.
func (r *Result) against(name string, value float64) {
	f := &r.Figures[len(r.Figures)-1]
	f.Yardstick = name
	if value != 0 {
		f.Ratio = f.Value / value
	}
}

// commit is what the program was built from, as far as the build says.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, dirty := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+changes"
		}
	}
	return revision + dirty
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// Print writes the figures as a table for people.
func (r *Result) Print(w io.Writer) error {
	fmt.Fprintf(w, "%s on %s, %d CPUs, %s, load %s, commit %s\n", r.Mode, r.CPU, r.CPUs, r.Go, r.Load, r.Commit)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Figures {
		fmt.Fprintf(t, "%s\t%s\t%s", f.Name, number(f.Value), f.Unit)
		if f.Yardstick != "" {
			fmt.Fprintf(t, "\t%.2f × %s", f.Ratio, f.Yardstick)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Write puts the result into a new file.
func (r *Result) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
