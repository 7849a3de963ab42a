package lists

import (
	"context"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/core/fault"
	"github.com/chappe-im/chappe/internal/rpc"
)

// search looks for kinds of messages that do not exist: those with files, pinned ones, calls. A look
// for text or links fails with INPUT_FILTER_INVALID, for there could be some.
//
// https://core.telegram.org/api/search
func search() []*rpc.Method {
	return []*rpc.Method{
		rpc.Handle(func(_ context.Context, _ *rpc.Caller, r *tg.MessagesSearchRequest) (bin.Encoder, error) {
			return none(r.Filter, &tg.MessagesMessages{})
		}),
		rpc.Handle(func(_ context.Context, _ *rpc.Caller, r *tg.MessagesSearchGlobalRequest) (bin.Encoder, error) {
			return none(r.Filter, &tg.MessagesMessages{})
		}),
		rpc.Handle(func(_ context.Context, _ *rpc.Caller, r *tg.MessagesSearchSentMediaRequest) (bin.Encoder, error) {
			return none(r.Filter, &tg.MessagesMessages{})
		}),
		rpc.Handle(func(_ context.Context, _ *rpc.Caller, r *tg.MessagesGetSearchResultsPositionsRequest) (bin.Encoder, error) {
			return none(r.Filter, &tg.MessagesSearchResultsPositions{})
		}),
		rpc.Handle(func(_ context.Context, _ *rpc.Caller, r *tg.MessagesGetSearchResultsCalendarRequest) (bin.Encoder, error) {
			return none(r.Filter, &tg.MessagesSearchResultsCalendar{})
		}),
		with(counters),
	}
}

// mayExist says whether there could be messages that a filter selects.
func mayExist(filter tg.MessagesFilterClass) bool {
	switch filter.(type) {
	case *tg.InputMessagesFilterEmpty, *tg.InputMessagesFilterURL:
		return true
	}
	return false
}

func none(filter tg.MessagesFilterClass, answer bin.Encoder) (bin.Encoder, error) {
	if mayExist(filter) {
		return nil, fault.InputFilterInvalid
	}
	return answer, nil
}

// counters counts messages by kind, and leaves out the kinds that nobody counted.
//
// https://core.telegram.org/method/messages.getSearchCounters
func counters(r *tg.MessagesGetSearchCountersRequest) bin.Encoder {
	answer := &tg.MessagesSearchCounterVector{}
	for _, filter := range r.Filters {
		if !mayExist(filter) {
			answer.Elems = append(answer.Elems, tg.MessagesSearchCounter{Filter: filter})
		}
	}
	return answer
}
