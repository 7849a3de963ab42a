package file_test

import (
	"strings"
	"testing"

	"github.com/chappe-im/chappe/internal/core/file"
)

func TestCleanName(t *testing.T) {
	for name, want := range map[string]string{
		"":                       "",
		"..":                     "",
		"a.txt":                  "a.txt",
		"/etc/passwd":            "passwd",
		`C:\Windows\evil.exe`:    "evil.exe",
		"dir/":                   "",
		"a\x00b\nc\x7f.txt":      "abc.txt",
		"invoice\u202efdp.exe":   "invoicefdp.exe",
		"\u2066a\u2069\u200f.md": "a.md",
		" name. ":                "name",
		"\xff\xfe.bin":           "_.bin",
		"фото 📷.jpg":             "фото 📷.jpg",
	} {
		if got := file.CleanName(name); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
	long := file.CleanName(strings.Repeat("ж", 300) + ".pdf")
	if len(long) > 255 || !strings.HasSuffix(long, "ж.pdf") {
		t.Errorf("a long name became %q", long)
	}
}

func TestMime(t *testing.T) {
	w := alone(t)
	for i, c := range []struct{ given, content, want string }{
		{"", "\x89PNG\r\n\x1a\n", "image/png"},
		{"nonsense", "plain", "text/plain"},
		{"application/octet-stream", "%PDF-1.7", "application/pdf"},
		{"image/jpeg", "<html><script>alert(1)</script>", "text/html"},
		{"text/markdown", "<html>", "text/markdown"},
		{"application/x-tgsticker", "\x1f\x8b\x08", "application/x-tgsticker"},
		{"Video/MP4; codecs=avc1", "x", "video/mp4"},
	} {
		up := w.upload(int64(i), []byte(c.content), 1<<10)
		f, err := w.ClaimDocument(t.Context(), ann, up, file.Description{Mime: c.given})
		if err != nil || f.Mime != c.want {
			t.Errorf("%q as %q became %q, %v", c.content, c.given, f.Mime, err)
		}
	}
}
