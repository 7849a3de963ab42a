package backup

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
)

// A row is a line of fields separated by tabs. The first byte of a field is the
// kind of its value: n nothing, i integer, f floating point, b bytes in base64,
// t text quoted as in Go, which keeps bytes that are not UTF-8 and has neither
// tabs nor newlines.

func appendRow(line []byte, values []any) ([]byte, error) {
	for i, value := range values {
		if i > 0 {
			line = append(line, '\t')
		}
		switch value := value.(type) {
		case nil:
			line = append(line, 'n')
		case int64:
			line = strconv.AppendInt(append(line, 'i'), value, 10)
		case float64:
			line = strconv.AppendFloat(append(line, 'f'), value, 'g', -1, 64)
		case []byte:
			line = base64.RawStdEncoding.AppendEncode(append(line, 'b'), value)
		case string:
			line = strconv.AppendQuote(append(line, 't'), value)
		default:
			return nil, fmt.Errorf("a value of type %T cannot be kept", value)
		}
	}
	return append(line, '\n'), nil
}

// parseRow appends the values of a line, which has no newline, to values.
func parseRow(values []any, line []byte) ([]any, error) {
	for field := range bytes.SplitSeq(line, []byte{'\t'}) {
		if len(field) == 0 {
			return nil, ErrFormat
		}
		value, err := parseField(field[0], field[1:])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		values = append(values, value)
	}
	return values, nil
}

func parseField(kind byte, text []byte) (any, error) {
	switch kind {
	case 'n':
		return nil, nil
	case 'i':
		return strconv.ParseInt(string(text), 10, 64)
	case 'f':
		return strconv.ParseFloat(string(text), 64)
	case 'b':
		value := make([]byte, base64.RawStdEncoding.DecodedLen(len(text))) // never nil
		_, err := base64.RawStdEncoding.Decode(value, text)
		return value, err
	case 't':
		return strconv.Unquote(string(text))
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}
