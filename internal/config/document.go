package config

import (
	"fmt"
	"strings"
)

// Sample returns the sample file: every option with its help, set to its example and commented
// out, so that the file as it stands changes nothing.
func Sample() string {
	var b strings.Builder
	b.WriteString("# Sample configuration of Chappe. Every line is optional; so is the file.\n" +
		"# Flags come before the environment, the environment before this file.\n")
	table := ""
	for _, o := range Options() {
		if o.Table != table {
			table = o.Table
			fmt.Fprintf(&b, "\n[%s]\n", table)
		}
		b.WriteByte('\n')
		for _, line := range wrap(o.Help, 90) {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		if o.Default != "" {
			fmt.Fprintf(&b, "# Default: %s\n", o.Default)
		}
		fmt.Fprintf(&b, "# %s = %s\n", o.Key, literal(o))
	}
	return b.String()
}

// Reference returns the page docs/configuration.md.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	table := "-"
	for _, o := range Options() {
		if o.Table != table {
			table = o.Table
			fmt.Fprintf(&b, "\n## %s\n", heading(table))
		}
		fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n", o.Path(), o.Help)
		fmt.Fprintf(&b, "Flag `--%s`, environment `%s`, ", o.Flag, o.Env)
		if o.Default != "" {
			fmt.Fprintf(&b, "default `%s`", o.Default)
		} else {
			b.WriteString("no default")
		}
		fmt.Fprintf(&b, ".\nExample: `%s = %s`\n", o.Key, literal(o))
	}
	return b.String()
}

const referenceHead = `# Configuration

A server needs none: ` + "`chappe serve`" + ` keeps its data in ` + "`./data`" + ` and listens on
127.0.0.1:8484. Three lines put one on the internet:

` + "```toml" + `
data = "/var/lib/chappe"
listen = ":443"
tls.acme-hosts = ["chat.example.org"]
` + "```" + `

A value comes from the flag, else from the environment, else from the file, else from its
default. The file is ` + "`chappe.toml`" + ` in the working directory, or the one that ` + "`--config`" + ` (or
` + "`CHAPPE_CONFIG`" + `) names. Unknown flags and keys are refused. This page and the sample
` + "`deploy/chappe.toml`" + ` are generated from ` + "`internal/config`" + `.
`

func heading(table string) string {
	if table == "" {
		return "Top level"
	}
	return "Table `[" + table + "]`"
}

// literal is an option's example as the file would have it.
func literal(o Option) string {
	switch kindOf(o) {
	case "number", "true or false":
		return o.Example
	case "list of strings":
		return fmt.Sprintf("[%q]", o.Example)
	}
	return fmt.Sprintf("%q", o.Example)
}

// wrap breaks a text into lines of at most width letters.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
