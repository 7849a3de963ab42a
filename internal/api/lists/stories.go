package lists

import (
	"time"

	"github.com/gotd/td/bin"
	"github.com/gotd/td/tg"

	"github.com/chappe-im/chappe/internal/rpc"
)

// stories are stories.
//
// https://core.telegram.org/api/stories
func stories(now func() time.Time) []*rpc.Method {
	return []*rpc.Method{
		empty[tg.StoriesGetAllStoriesRequest, tg.StoriesAllStories](),
		empty[tg.StoriesGetPinnedStoriesRequest, tg.StoriesStories](),
		empty[tg.StoriesGetStoriesArchiveRequest, tg.StoriesStories](),
		empty[tg.StoriesGetAlbumsRequest, tg.StoriesAlbums](),
		empty[tg.StoriesGetChatsToSendRequest, tg.MessagesChats](),
		with(func(*tg.StoriesGetAllReadPeerStoriesRequest) bin.Encoder { return nothing(now) }),
		with(func(r *tg.StoriesGetPeerMaxIDsRequest) bin.Encoder {
			return &tg.RecentStoryVector{Elems: make([]tg.RecentStory, len(r.ID))}
		}),
	}
}
