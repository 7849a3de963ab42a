package backup

import (
	"errors"
	"math"
	"reflect"
	"testing"
)

func TestRow(t *testing.T) {
	row := []any{
		nil, int64(math.MinInt64), int64(math.MaxInt64), 0.1, math.MaxFloat64, math.Inf(-1),
		[]byte{}, []byte{0, 9, 10, 255}, "", "a\tb\nc\"d\\e", "\xff\xfe\x00", "né 🗼 \u2028",
	}
	line, err := appendRow(nil, row)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseRow(nil, line[:len(line)-1])
	if err != nil || !reflect.DeepEqual(got, row) {
		t.Errorf("%q became %q, %v", row, got, err)
	}
	if _, err := appendRow(nil, []any{true}); err == nil {
		t.Error("a value of unknown kind was kept")
	}
}

func FuzzRow(f *testing.F) {
	for _, line := range []string{"", "n", "i1\ti-2", "f0x1p-2", "bAAE", `t"a\tb"`, "i", "b=", "t'a'", "x", "n\t", "t`a`"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		row, err := parseRow(nil, line)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("%q: %v", line, err)
			}
			return
		}
		for _, value := range row {
			if number, ok := value.(float64); ok && math.IsNaN(number) {
				return // not equal to itself
			}
		}
		again, err := appendRow(nil, row)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseRow(nil, again[:len(again)-1])
		if err != nil || !reflect.DeepEqual(back, row) {
			t.Errorf("%q became %q, %v", row, back, err)
		}
	})
}
