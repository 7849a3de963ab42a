package admin

// The operations that commands of their own stand for. Everything else is reached through
// 'chappe admin NAME'.
const (
	// OpCode takes a [CodeRequest] and answers with a [CodeReply].
	OpCode = "code"
	// OpInvite takes an [InviteRequest] and answers with an [InviteReply].
	OpInvite = "invite"
)

// CodeRequest asks for the pending login code of a number.
type CodeRequest struct {
	Number string `json:"number"` // digits, with or without + and spaces
}

// CodeReply is a login code.
type CodeReply struct {
	Code string `json:"code"`
}

// InviteRequest asks for a sign-up link.
type InviteRequest struct {
	Uses  int `json:"uses"`  // how many people may use it, at least 1
	Hours int `json:"hours"` // how long it works, at least 1
}

// InviteReply is a sign-up link.
type InviteReply struct {
	URL string `json:"url"`
}
