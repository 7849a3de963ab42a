// Package updates answers the methods of the namespace updates, and turns what happened into
// updates for the sessions of whom it concerns.
//
// Specification: https://core.telegram.org/api/updates
package updates

import (
	"context"
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/api/encode"
	"github.com/chappe-im/chappe/internal/core/update"
	"github.com/chappe-im/chappe/internal/core/user"
	"github.com/chappe-im/chappe/internal/rpc"
)

// Deps are what the methods call.
type Deps struct {
	Updates *update.Service
	Users   *user.Service
	Now     func() time.Time
}

// Methods returns the lines of the namespace.
func Methods(d Deps) []*rpc.Method {
	return []*rpc.Method{
		rpc.Handle(d.getState),
		rpc.Handle(d.getDifference),
	}
}

// seq stays 1: order within an account is pts alone, and updates outside it can be lost.
const seq = 1

// getState returns the account's pts.
//
// https://core.telegram.org/method/updates.getState
func (d Deps) getState(ctx context.Context, c *rpc.Caller, _ *tg.UpdatesGetStateRequest) (bin.Encoder, error) {
	pts, err := d.Updates.Pts(ctx, c.Account)
	if err != nil {
		return nil, err
	}
	s := d.state(pts)
	return &s, nil
}

func (d Deps) state(pts int) tg.UpdatesState {
	return tg.UpdatesState{Pts: pts, Date: int(d.Now().Unix()), Seq: seq}
}

// getDifference returns what happened after a pts.
//
// https://core.telegram.org/method/updates.getDifference
func (d Deps) getDifference(ctx context.Context, c *rpc.Caller, r *tg.UpdatesGetDifferenceRequest) (bin.Encoder, error) {
	diff, err := d.Updates.Since(ctx, c.Account, r.Pts, r.PtsLimit)
	if err != nil {
		return nil, err
	}
	if total, ok := r.GetPtsTotalLimit(); diff.TooLong || ok && total > 0 && diff.Now-r.Pts > total {
		return &tg.UpdatesDifferenceTooLong{Pts: diff.Now}, nil
	}
	// An account that lost events, as after a restore, is told of its pts even when there is nothing
	// else to tell; a client that is beyond it would ask for ever.
	if len(diff.Events) == 0 && diff.Pts == r.Pts {
		return &tg.UpdatesDifferenceEmpty{Date: int(d.Now().Unix()), Seq: seq}, nil
	}
	var messages []tg.MessageClass
	var others []tg.UpdateClass
	var people []int64
	for _, e := range diff.Events {
		u, ids := lasting(e)
		people = append(people, ids...)
		if arrived, ok := u.(*tg.UpdateNewMessage); ok {
			messages = append(messages, arrived.Message)
		} else if u != nil {
			others = append(others, u)
		}
	}
	users, err := users(ctx, d.Users, c.Account, people)
	if err != nil {
		return nil, err
	}
	state := d.state(diff.Pts)
	if diff.More {
		return &tg.UpdatesDifferenceSlice{NewMessages: messages, OtherUpdates: others, Users: users, IntermediateState: state}, nil
	}
	return &tg.UpdatesDifference{NewMessages: messages, OtherUpdates: others, Users: users, State: state}, nil
}

func users(ctx context.Context, s *user.Service, viewer int64, ids []int64) ([]tg.UserClass, error) {
	views, err := s.Views(ctx, viewer, ids...)
	return encode.Users(views), err
}
