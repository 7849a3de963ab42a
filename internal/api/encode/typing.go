package encode

import (
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
)

// actions are what somebody may be doing, by the names core knows them under.
var actions = map[string]func() tg.SendMessageActionClass{
	"typing":       func() tg.SendMessageActionClass { return &tg.SendMessageTypingAction{} },
	"cancel":       func() tg.SendMessageActionClass { return &tg.SendMessageCancelAction{} },
	"record video": func() tg.SendMessageActionClass { return &tg.SendMessageRecordVideoAction{} },
	"send video":   func() tg.SendMessageActionClass { return &tg.SendMessageUploadVideoAction{} },
	"record voice": func() tg.SendMessageActionClass { return &tg.SendMessageRecordAudioAction{} },
	"send voice":   func() tg.SendMessageActionClass { return &tg.SendMessageUploadAudioAction{} },
	"send photo":   func() tg.SendMessageActionClass { return &tg.SendMessageUploadPhotoAction{} },
	"send file":    func() tg.SendMessageActionClass { return &tg.SendMessageUploadDocumentAction{} },
	"place":        func() tg.SendMessageActionClass { return &tg.SendMessageGeoLocationAction{} },
	"contact":      func() tg.SendMessageActionClass { return &tg.SendMessageChooseContactAction{} },
	"sticker":      func() tg.SendMessageActionClass { return &tg.SendMessageChooseStickerAction{} },
	"record round": func() tg.SendMessageActionClass { return &tg.SendMessageRecordRoundAction{} },
	"send round":   func() tg.SendMessageActionClass { return &tg.SendMessageUploadRoundAction{} },
}

var actionNames = func() map[uint32]string {
	m := make(map[uint32]string, len(actions))
	for name, make := range actions {
		m[make().TypeID()] = name
	}
	return m
}()

// Action is what somebody is doing.
//
// https://core.telegram.org/type/SendMessageAction
func Action(name string) tg.SendMessageActionClass { return actions[name]() }

// FromAction reads what a client says somebody is doing: INPUT_METHOD_INVALID for what is done with things
// that are not here, as games and calls.
func FromAction(a tg.SendMessageActionClass) (string, error) {
	if name := actionNames[a.TypeID()]; name != "" {
		return name, nil
	}
	return "", fault.InputMethodInvalid
}
