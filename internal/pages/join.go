package pages

import (
	"errors"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/core/login"
)

// joinForm shows the button that gets a number, or why there is none.
func (s *site) joinForm(w http.ResponseWriter, r *http.Request) {
	invite := r.PathValue("invite")
	if err := s.Login.MayJoin(r.Context(), invite); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.show(w, http.StatusOK, "join", map[string]string{"Action": r.URL.EscapedPath(), "Host": s.host()})
}

// join hands out a number: as a page, or as JSON to who asks for that.
func (s *site) join(w http.ResponseWriter, r *http.Request) {
	h, err := s.Login.HandOut(r.Context(), address(r), r.PathValue("invite"))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if wantsJSON(r) {
		s.answer(w, http.StatusCreated, map[string]any{"number": "+" + h.Number, "code": h.Code, "expires": h.Expires.Unix()})
		return
	}
	s.show(w, http.StatusCreated, "number", map[string]any{
		"Number": spaced(h.Number), "Code": h.Code, "Expires": h.Expires.UTC().Format("15:04 UTC"),
		"Minutes": int(h.Expires.Sub(s.Login.Now()).Round(time.Minute) / time.Minute),
		"Server":  s.server(), "DC": s.DC, "Host": s.host(),
	})
}

// refuse says why there is no number.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var wait *fault.Error
	status, m := http.StatusInternalServerError, message{"Something went wrong", "Please try again later."}
	switch {
	case errors.Is(err, login.ErrClosed):
		status, m = http.StatusForbidden, message{"Sign-up is closed", "This server takes nobody new at the moment."}
	case errors.Is(err, login.ErrInvite):
		status, m = http.StatusForbidden, message{
			"You need an invite", "Ask somebody who runs this server for an invite link. A link you have may be used up, or too old.",
		}
	case errors.As(err, &wait) && errors.Is(err, fault.FloodWait(0)):
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", strconv.Itoa(wait.Arg))
		m = message{"Too many numbers", "Your network got several numbers already. Please try again in an hour, or tomorrow."}
	default:
		s.Log.Error("no number handed out", "err", err)
	}
	if wantsJSON(r) {
		s.answer(w, status, map[string]string{"error": m.Title})
		return
	}
	s.show(w, status, "message", m)
}

// wantsJSON tells whether a request asks for JSON before anything else.
func wantsJSON(r *http.Request) bool {
	first, _, _ := strings.Cut(r.Header.Get("Accept"), ",")
	kind, _, err := mime.ParseMediaType(first)
	return err == nil && kind == "application/json"
}

// address is where a request comes from.
func address(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}

// spaced is a number of the server as people read it: 888 1234 5678.
func spaced(number string) string {
	if len(number) != 11 {
		return number
	}
	return number[:3] + " " + number[3:7] + " " + number[7:]
}
