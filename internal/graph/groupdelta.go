// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/groups"
)

// GroupChange is what changed in one group since a delta link was made (contract g).
type GroupChange struct {
	// GroupID is the group.
	GroupID string
	// Deleted is true when the group is gone, softly or for good.
	Deleted bool
	// DisplayName is nil when it did not change.
	DisplayName *string
	// Joined and Left are direct members; what the feed says last of a member counts, so it is in one of the two.
	Joined []Member
	Left   []string

	seen map[string]bool // whether a member left, while the feed is read
}

// GroupDelta is the outcome of one round.
type GroupDelta struct {
	// Changes has one entry per group.
	Changes []GroupChange
	// Link starts the next round: it is opaque and belongs to the host that gave it.
	Link string
}

// maxDeltaGroups is how many ids one feed may be filtered to (contract g).
const maxDeltaGroups = 50

// wireGroupDelta is one object of the feed.
type wireGroupDelta struct {
	ID          string          `json:"id"`
	DisplayName *string         `json:"displayName"`
	Removed     json.RawMessage `json:"@removed"`
	Members     []struct {
		wireMember
		Removed json.RawMessage `json:"@removed"`
	} `json:"members@delta"`
}

// GroupDelta reads what changed in at most 50 groups. With an empty link the first round reports all members; later
// rounds take the link of the round before, and groupIDs are then not used. A link that is too old is Gone: start
// again without one. A round that fails on the way returns no changes, so that none is taken for the whole.
func (c *Client) GroupDelta(ctx context.Context, groupIDs []string, link string) (GroupDelta, error) {
	op := groupRead("GroupDelta", 2)
	ri, err := c.deltaRequest(ctx, op, groupIDs, link)
	if err != nil {
		return GroupDelta{}, err
	}
	var out GroupDelta
	index := map[string]int{}
	headers := ri.Headers
	for {
		var page []wireGroupDelta
		var links pageLinks
		err := c.send(ctx, op, ri, func(resp *http.Response) error {
			var err error
			page, links, err = decodeLinks(io.LimitReader(resp.Body, maxPageBody), page[:0])
			return err
		})
		if err != nil {
			return GroupDelta{}, err
		}
		for _, w := range page {
			if w.ID == "" {
				return GroupDelta{}, withoutID(op, "group")
			}
			out.add(index, w)
		}
		if links.next == "" {
			out.Link = links.delta
			break
		}
		if ri, err = c.follow(op, links.next, ri, headers); err != nil {
			return GroupDelta{}, err
		}
	}
	for i := range out.Changes {
		out.Changes[i].seen = nil
	}
	if out.Link == "" {
		return GroupDelta{}, &Error{Kind: KindTransient, Op: op.op, Message: "the feed ended without a link to the next round"}
	}
	return out, nil
}

// deltaRequest starts a feed or goes on with one.
func (c *Client) deltaRequest(ctx context.Context, op call, groupIDs []string, link string) (*abs.RequestInformation, error) {
	if link != "" {
		start := abs.NewRequestInformation()
		start.Method = abs.GET
		start.SetUri(url.URL{})
		headers := abs.NewRequestHeaders()
		headers.TryAdd("Accept", "application/json")
		return c.follow(op, link, start, headers)
	}
	if n := len(groupIDs); n == 0 || n > maxDeltaGroups {
		return nil, invalid(op.op, "%d groups: name 1 to %d, and use several feeds for more", n, maxDeltaGroups)
	}
	terms := make([]string, len(groupIDs))
	for i, id := range groupIDs {
		if err := needID(op.op, "group id", id); err != nil {
			return nil, err
		}
		terms[i] = "id eq " + quote(id)
	}
	ri, err := groups.NewDeltaRequestBuilderInternal(map[string]string{}, c.adapter).ToGetRequestInformation(ctx, &groups.DeltaRequestBuilderGetRequestConfiguration{
		QueryParameters: &groups.DeltaRequestBuilderGetQueryParameters{Filter: ptr(strings.Join(terms, " or ")), Select: []string{"id", "displayName", "members"}}})
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	return ri, nil
}

// add merges one object of the feed; a large group comes in several.
func (d *GroupDelta) add(index map[string]int, w wireGroupDelta) {
	i, ok := index[w.ID]
	if !ok {
		i = len(d.Changes)
		index[w.ID] = i
		d.Changes = append(d.Changes, GroupChange{GroupID: w.ID})
	}
	change := &d.Changes[i]
	change.Deleted = len(w.Removed) > 0 && string(w.Removed) != "null"
	if w.DisplayName != nil {
		change.DisplayName = w.DisplayName
	}
	for _, m := range w.Members {
		change.settle(m.member(), len(m.Removed) > 0 && string(m.Removed) != "null")
	}
}

// settle notes that a member joined or left, whatever was noted of it before.
func (g *GroupChange) settle(m Member, left bool) {
	if g.seen == nil {
		g.seen = map[string]bool{}
	}
	if was, known := g.seen[m.ID]; known {
		if was == left {
			return
		}
		g.Joined = slices.DeleteFunc(g.Joined, func(o Member) bool { return o.ID == m.ID })
		g.Left = slices.DeleteFunc(g.Left, func(id string) bool { return id == m.ID })
	}
	g.seen[m.ID] = left
	if left {
		g.Left = append(g.Left, m.ID)
	} else {
		g.Joined = append(g.Joined, m)
	}
}
