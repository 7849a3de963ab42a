package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/chappe-im/chappe/internal/core/fault"
)

func TestError(t *testing.T) {
	for _, test := range []struct {
		err  *fault.Error
		code int
		text string
	}{
		{fault.PeerIDInvalid, 400, "PEER_ID_INVALID"},
		{fault.FloodWait(30), 420, "FLOOD_WAIT_30"},
		{fault.PreviousChatImportActiveWaitMinutes(5), 406, "PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_5MIN"},
		{fault.SessionPasswordNeeded, 401, "SESSION_PASSWORD_NEEDED"},
		{fault.Internal, 500, "INTERNAL"},
	} {
		if test.err.Code != test.code || test.err.Error() != test.text {
			t.Errorf("got %d %s, want %d %s", test.err.Code, test.err, test.code, test.text)
		}
	}
}

func TestIs(t *testing.T) {
	err := fmt.Errorf("send: %w", fault.FloodWait(30))
	if errors.Is(err, fault.PeerFlood) || errors.Is(err, fault.FloodWait(31)) {
		t.Error("matches another error")
	}
	if !errors.Is(err, fault.FloodWait(0)) || !errors.Is(err, fault.FloodWait(30)) {
		t.Error("does not match itself")
	}
}
