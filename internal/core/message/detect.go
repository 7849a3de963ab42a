package message

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kinds of entities that the server finds, and takes from nobody: a client cannot make a link of a
// text that is none.
const (
	kindMention = "mention"
	kindHashtag = "hashtag"
	kindCommand = "command"
	kindURL     = "url"
	kindEmail   = "email"
)

var found = map[string]bool{kindMention: true, kindHashtag: true, kindCommand: true, kindURL: true, kindEmail: true}

// opaque are the kinds of entities in which nothing is looked for.
var opaque = map[string]bool{"code": true, "pre": true, "link": true, "name": true}

// detect adds the entities that can be read off a text (addresses, @names, #tags, /commands), which
// clients leave to the server. It looks at each byte a bounded number of times.
//
// https://core.telegram.org/api/entities
func detect(text string, entities []Entity) []Entity {
	s := scanner{text: text}
	s.run(maxEntities - len(entities))
	if len(s.out) == 0 {
		return entities
	}
	if len(entities) == 0 {
		return s.out
	}
	marked := entities
	entities = slices.Clone(entities)
	for _, e := range s.out {
		if !slices.ContainsFunc(marked, func(m Entity) bool {
			return opaque[m.Kind] && m.Offset < e.Offset+e.Length && e.Offset < m.Offset+m.Length
		}) {
			entities = append(entities, e)
		}
	}
	inOrder(entities)
	return entities
}

// scanner walks over a text once. What lies before done belongs to a find, or to nothing; nobody
// looks back beyond it.
type scanner struct {
	text string
	done int
	out  []Entity
	// counted bytes have counts UTF-16 code units.
	counted, counts int
}

// trigger marks the bytes that something to be found has in it.
var trigger = [256]bool{'@': true, '#': true, '/': true, ':': true, '.': true}

func (s *scanner) run(most int) {
	for i := 0; i < len(s.text) && len(s.out) < most; {
		b := s.text[i]
		if !trigger[b] {
			i++
			continue
		}
		next := i + 1
		switch b {
		case '@':
			next = s.at(i)
		case '#':
			next = s.hashtag(i)
		case '/':
			next = s.command(i)
		case ':':
			next = s.address(i)
		case '.':
			next = s.host(i)
		}
		i = max(next, i+1)
	}
}

// add notes a find and returns where to go on.
func (s *scanner) add(kind string, start, end int) int {
	s.counts += units(s.text[s.counted:start])
	length := units(s.text[start:end])
	s.out = append(s.out, Entity{Kind: kind, Offset: s.counts, Length: length})
	s.counts += length
	s.counted, s.done = end, end
	return end
}

// at reads an e-mail address around, or a name after the @ at i.
func (s *scanner) at(i int) int {
	start := i
	for start > s.done && local[s.text[start-1]] {
		start--
	}
	before, _ := utf8.DecodeLastRuneInString(s.text[s.done:start])
	s.done = i + 1
	if start < i {
		end := s.hostEnd(i + 1)
		first, last, ok := domain(s.text[i+1 : end])
		if ok && first == 0 && !letter(before) && s.text[start] != '.' && known(s.text[i+1:i+1+last]) {
			return s.add(kindEmail, start, i+1+last)
		}
		return i + 1
	}
	end := s.word(i+1, 32)
	if end-i-1 < 3 || letter(before) || letter(s.after(end)) {
		return i + 1
	}
	return s.add(kindMention, i, end)
}

func (s *scanner) hashtag(i int) int {
	before, _ := utf8.DecodeLastRuneInString(s.text[:i])
	end, n, named := i+1, 0, false
	for end < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[end:])
		if !letter(r) && r != '\u200c' {
			break
		}
		named = named || !unicode.IsDigit(r)
		end, n = end+size, n+1
	}
	if !named || n > 256 || letter(before) || before == '#' || s.after(end) == '#' {
		return end
	}
	return s.add(kindHashtag, i, end)
}

// command reads /name or /name@bot.
func (s *scanner) command(i int) int {
	before, _ := utf8.DecodeLastRuneInString(s.text[:i])
	end := s.word(i+1, 64)
	if end == i+1 || letter(before) || strings.ContainsRune("/<>:.@", before) && before != utf8.RuneError {
		return end
	}
	if s.after(end) == '@' {
		if bot := s.word(end+1, 32); bot-end-1 >= 3 {
			end = bot
		}
	}
	if next := s.after(end); letter(next) || next == '/' || next == '<' || next == '>' || next == '@' {
		return end
	}
	return s.add(kindCommand, i, end)
}

// schemes are what an address may begin with; of those that end alike the longer comes first.
var schemes = []string{"https", "http", "ftp", "tg"}

// address reads an address whose scheme ends in the colon at i.
func (s *scanner) address(i int) int {
	if !strings.HasPrefix(s.text[i:], "://") {
		return i + 1
	}
	for _, scheme := range schemes {
		start := i - len(scheme)
		if start < s.done || !strings.EqualFold(s.text[start:i], scheme) {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(s.text[s.done:start])
		if letter(before) {
			return i + 3
		}
		host := i + 3
		end := s.hostEnd(host)
		first, last, ok := domain(s.text[host:end])
		if alone := s.text[host:end]; scheme == "tg" && alone != "" || strings.EqualFold(alone, "localhost") {
			first, last, ok = 0, len(alone), true
		}
		if !ok || first != 0 {
			return end
		}
		return s.add(kindURL, start, s.path(host+last))
	}
	return i + 3
}

// host reads an address without a scheme around the dot at i, which needs a known top level.
func (s *scanner) host(i int) int {
	start := i
	for start > s.done {
		if b := s.text[start-1]; b < utf8.RuneSelf {
			if !hosts[b] {
				break
			}
			start--
			continue
		}
		r, size := utf8.DecodeLastRuneInString(s.text[s.done:start])
		if !letter(r) {
			break
		}
		start -= size
	}
	end := s.hostEnd(i)
	if s.after(end) == '@' {
		return end // the first half of an e-mail address
	}
	before, _ := utf8.DecodeLastRuneInString(s.text[:start])
	first, last, ok := domain(s.text[start:end])
	if first > 0 {
		before = '.'
	}
	if !ok || strings.ContainsRune("/@\\$", before) && before != utf8.RuneError || !known(s.text[start+first:start+last]) {
		return end
	}
	return s.add(kindURL, start+first, s.path(start+last))
}

// path returns where the address ends whose host ends at i: after port, path, query and fragment,
// without the punctuation of the sentence around it.
func (s *scanner) path(i int) int {
	if port := i + 1; s.after(i) == ':' && port < len(s.text) {
		end := port
		for end < len(s.text) && end-port < 5 && s.text[end] >= '0' && s.text[end] <= '9' {
			end++
		}
		if end > port && !letter(s.after(end)) {
			i = end
		}
	}
	if next := s.after(i); next != '/' && next != '?' && next != '#' {
		return i
	}
	end, open := i, [256]int{}
	for end < len(s.text) {
		b := s.text[end]
		switch class := paths[b]; {
		case b >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s.text[end:])
			if unicode.IsSpace(r) || strings.ContainsRune("«»“”", r) {
				return s.unpunctuated(i, end)
			}
			end += size
			continue
		case class == stop:
			return s.unpunctuated(i, end)
		case class != 0: // a closing bracket
			if open[class]--; open[class] < 0 {
				return s.unpunctuated(i, end)
			}
		}
		open[b]++
		end++
	}
	return s.unpunctuated(i, end)
}

// unpunctuated is where the text from i to end ends without the punctuation behind it.
func (s *scanner) unpunctuated(i, end int) int {
	return i + len(strings.TrimRight(s.text[i:end], ".,:;!?'…([{"))
}

// hostEnd returns where the run of characters of a host ends that goes on at i.
func (s *scanner) hostEnd(i int) int {
	for i < len(s.text) {
		if b := s.text[i]; b < utf8.RuneSelf {
			if !hosts[b] {
				break
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s.text[i:])
		if !letter(r) {
			break
		}
		i += size
	}
	return i
}

// word returns where the run of at most most ASCII letters, digits and underscores ends that begins
// at i.
func (s *scanner) word(i, most int) int {
	end := i
	for end < len(s.text) && end-i < most && ascii[s.text[end]] {
		end++
	}
	return end
}

// after is the character at i, utf8.RuneError at the end.
func (s *scanner) after(i int) rune {
	r, _ := utf8.DecodeRuneInString(s.text[i:])
	return r
}

// paths are the ASCII characters that end an address, and the opening brackets of those that close.
var paths = func() (class [utf8.RuneSelf * 2]byte) {
	for b := range utf8.RuneSelf {
		if b <= ' ' || b == 0x7f || strings.IndexByte("<>\"|\\^`", byte(b)) >= 0 {
			class[b] = stop
		}
	}
	class[')'], class[']'], class['}'] = '(', '[', '{'
	return class
}()

const stop = 1

// ascii are the bytes of names, hosts those of hosts, local those of the first half of an e-mail
// address.
var ascii, hosts, local = func() (word, host, mail [256]bool) {
	for b := range 128 {
		word[b] = b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_'
		host[b] = word[b] || b == '.' || b == '-'
		mail[b] = host[b] || b == '+' || b == '%'
	}
	return word, host, mail
}()

// letter tells whether a character belongs to a word.
func letter(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 0 && ascii[r]
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}
