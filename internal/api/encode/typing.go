package encode

import "github.com/gotd/td/tg"

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
func Action(name string) tg.SendMessageActionClass {
	if make := actions[name]; make != nil {
		return make()
	}
	return &tg.SendMessageTypingAction{}
}

// FromAction reads what a client says somebody is doing; what has no name here is typing.
func FromAction(a tg.SendMessageActionClass) string {
	if name := actionNames[a.TypeID()]; name != "" {
		return name
	}
	return "typing"
}
