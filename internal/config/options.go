package config

import (
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kong"
)

// Option is what the tags of one field say.
type Option struct {
	Table   string // table of the file, "" for the top level
	Key     string // key inside the table
	Flag    string // name of the flag, without dashes
	Env     string // environment variable
	Help    string // one or two sentences
	Default string // as text, "" for none
	Example string // a sensible value that differs from the default

	value *kong.Value
}

// Path is the option's key in the file with its table in front, such as smtp.host.
func (o Option) Path() string {
	if o.Table == "" {
		return o.Key
	}
	return o.Table + "." + o.Key
}

// Options lists all options in the order of the struct. The list is shared: only read it.
func Options() []Option { return options() }

var options = sync.OnceValue(func() []Option {
	var c Config
	var list []Option
	for _, flag := range model(&c).Flags {
		table := strings.TrimSuffix(flag.Tag.Prefix, "-")
		list = append(list, Option{
			Table:   table,
			Key:     strings.TrimPrefix(flag.Name, flag.Tag.Prefix),
			Flag:    flag.Name,
			Env:     flag.Tag.Envs[0],
			Help:    flag.Help,
			Default: flag.Default,
			Example: flag.Tag.Get("example"),
			value:   flag.Value,
		})
	}
	return list
})

// model is the command line parser's view of the struct: a program without commands.
func model(c *Config) *kong.Application {
	return kong.Must(c, kong.NoDefaultHelp()).Model
}

// kindOf says what the file must hold for an option, in words.
func kindOf(o Option) string {
	if o.value == nil {
		return "string"
	}
	switch o.value.Target.Interface().(type) {
	case bool:
		return "true or false"
	case int:
		return "number"
	case []string:
		return "list of strings"
	case time.Duration:
		return "time"
	}
	return "string"
}

// Nearest returns the name that differs least from a word, "" if none is near enough to be meant.
func Nearest(word string, names []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, name := range names {
		if d := distance(word, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is the number of letters to change, add or drop to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
