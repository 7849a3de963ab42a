package message

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// marked writes what detect finds as kind:stretch.
func marked(text string, given ...Entity) (out []string) {
	wide := utf16.Encode([]rune(text))
	for _, e := range detect(text, given) {
		if found[e.Kind] {
			out = append(out, e.Kind+":"+string(utf16.Decode(wide[e.Offset:e.Offset+e.Length])))
		}
	}
	return out
}

func TestDetectNothing(t *testing.T) {
	for _, text := range []string{
		"", "plain text", "a.b", "e.g. this", "i.e.", "wait...", "...", "1.5", "3.14.15", "v1.2.3", "http://", "https://.", "http://x",
		"://example.com"[:3], "x@", "@", "@ab", "@a", "a@b", "foo@bar", "@@", "#", "# x", "#123", "a#tag", "##tag", "#tag#other"[:5],
		"/", "//", "/ x", "a/b", "</b>", "and/or", "1/2", "@name.", "file.unknowntld", ".com", "com.", "-.com", "a..b", "a_.b_",
		"10.0.0.1", "$a.com", "\\\\host.com", "x@y@z", "javascript://example", "hthttp://q", "main.go!", "foo.bar_com", "@тест",
	} {
		if text == "#tag#" || text == "@name." {
			continue
		}
		if got := marked(text); len(got) != 0 {
			t.Errorf("%q has %q", text, got)
		}
	}
	if got := detect("see example.com", make([]Entity, maxEntities)); len(got) != maxEntities {
		t.Errorf("%d entities", len(got))
	}
}

func TestDetect(t *testing.T) {
	for text, want := range map[string]string{
		"see example.com.":                      "url:example.com",
		"EXAMPLE.COM":                           "url:EXAMPLE.COM",
		"(www.example.co.uk)":                   "url:www.example.co.uk",
		"wait...example.com":                    "url:example.com",
		"http://localhost:8484/join":            "url:http://localhost:8484/join",
		"https://a.invalid":                     "url:https://a.invalid",
		"http://10.0.0.1:80/x":                  "url:http://10.0.0.1:80/x",
		"HTTPS://Example.org/?q=1#f, and":       "url:HTTPS://Example.org/?q=1#f",
		"example.com:8080":                      "url:example.com:8080",
		"example.com: yes":                      "url:example.com",
		"example.com/a_(b)/c)":                  "url:example.com/a_(b)/c",
		"«example.com/ü»":                       "url:example.com/ü",
		"[x](https://e.org/a.b)":                "url:https://e.org/a.b",
		"пример.рф/путь!":                       "url:пример.рф/путь",
		"xn--e1afmkfd.xn--p1ai":                 "url:xn--e1afmkfd.xn--p1ai",
		"tg://resolve?domain=x":                 "url:tg://resolve?domain=x",
		"😀😀 t.me/durov 😀":                       "url:t.me/durov",
		"a.com b.org":                           "url:a.com url:b.org",
		"john.doe+x@mail.example.com.":          "email:john.doe+x@mail.example.com",
		"<a@b.de>":                              "email:a@b.de",
		"a@b.de,c@d.fr":                         "email:a@b.de email:c@d.fr",
		"@chappe":                               "mention:@chappe",
		"hi @chappe, @bob!":                     "mention:@chappe mention:@bob",
		"(@chappe_im)":                          "mention:@chappe_im",
		"@name.":                                "mention:@name",
		"@" + strings.Repeat("x", 32):           "mention:@" + strings.Repeat("x", 32),
		"@" + strings.Repeat("x", 33):           "",
		"#tag #Größe #2025wahl":                 "hashtag:#tag hashtag:#Größe hashtag:#2025wahl",
		"#" + strings.Repeat("x", 257):          "",
		"#tag#other":                            "",
		"/start":                                "command:/start",
		"say /start@chappe_bot now":             "command:/start@chappe_bot",
		"/start/":                               "",
		"/help /me":                             "command:/help command:/me",
		"example.com/start":                     "url:example.com/start",
		"http://user.example.com @x_y #z /help": "url:http://user.example.com mention:@x_y hashtag:#z command:/help",
	} {
		if got := strings.Join(marked(text), " "); got != want {
			t.Errorf("%q has %q, want %q", text, got, want)
		}
	}
}

func TestDetectBesideMarks(t *testing.T) {
	const text = "@chappe a.com"
	for kind, want := range map[string]int{"bold": 3, "spoiler": 3, "code": 2, "pre": 2, "link": 2, "name": 2} {
		given := []Entity{{Kind: kind, Offset: 2, Length: 3}}
		got := detect(text, given)
		if len(got) != want || len(given) != 1 {
			t.Errorf("beside %s: %+v", kind, got)
		}
		if !slices.IsSortedFunc(got, func(a, b Entity) int { return a.Offset - b.Offset }) {
			t.Errorf("out of order: %+v", got)
		}
	}
}

// hostile are texts that make a careless scanner look at the same bytes again and again.
func hostile(length int) map[string]string {
	out := map[string]string{}
	for _, unit := range []string{
		".", "@", "#", "/", ":", "a.", ".a", "a@", "@a", "a.a@", "#a", "/a", " /a", "http://", "http://a", "://", "(", "a.com/(", "a.com",
		"http://a.com", "a.com ", "😀", "я.", "-.", "..", "@aaa", " @aaa", "a.b@c.", "\u200c#", "a", " ", "http://a.com/((",
	} {
		out[unit] = string([]rune(strings.Repeat(unit, length))[:length])
	}
	return out
}

func TestDetectHostile(t *testing.T) {
	for unit, text := range hostile(100 * MaxText) { // quadratic time would be minutes
		start := time.Now()
		check(t, text)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%q over and over took %v", unit, took)
		}
	}
	parts := []rune(".@#/:ahtp-_()[]<>\"'0 я😀\u200c\n%+?")
	for range 20_000 {
		text := make([]rune, rand.IntN(40))
		for i := range text {
			text[i] = parts[rand.IntN(len(parts))]
		}
		check(t, string(text))
	}
}

func FuzzDetect(f *testing.F) {
	for _, text := range hostile(MaxText) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) {
			check(t, text)
		}
	})
}

// check holds what is found to lie inside of the text, in order, apart from each other.
func check(t *testing.T, text string) {
	t.Helper()
	end := 0
	for _, e := range detect(text, nil) {
		if e.Offset < end || e.Length <= 0 {
			t.Fatalf("%q: %+v begins before %d", text, e, end)
		}
		end = e.Offset + e.Length
	}
	if end > units(text) {
		t.Fatalf("%q: ends at %d of %d", text, end, units(text))
	}
}

// BenchmarkDetect scans the longest messages; the budget is 20 µs.
func BenchmarkDetect(b *testing.B) {
	prose := string([]rune(strings.Repeat("Meet at https://example.org/a?b=c, or write to ann@example.com. It costs 3.50, e.g. for @chappe #now! Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy eirmod tempor invidunt. ", 30))[:MaxText])
	texts := hostile(MaxText)
	for name, text := range map[string]string{
		"prose": prose, "letters": texts["a"], "emoji": texts["😀"], "dots": texts["a."], "hosts": texts["a.com "],
		"cyrillic": texts["я."], "schemes": texts["http://a"], "ats": texts["a.a@"], "slashes": texts[" /a"],
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				detect(text, nil)
			}
		})
	}
}
