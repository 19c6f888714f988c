// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/json"
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
	round := deltaRound{index: map[string]int{}, left: map[string]bool{}}
	round.link, err = feed(ctx, c, op, ri, func(w wireGroupDelta) error {
		if w.ID == "" {
			return withoutID(op, "group")
		}
		round.add(w)
		return nil
	})
	if err != nil {
		return GroupDelta{}, err
	}
	if round.link == "" {
		return GroupDelta{}, &Error{Kind: KindTransient, Op: op.op, Message: "the feed ended without a link to the next round"}
	}
	return GroupDelta{Changes: round.changes, Link: round.link}, nil
}

// deltaRequest starts a feed or goes on with one.
func (c *Client) deltaRequest(ctx context.Context, op call, groupIDs []string, link string) (*abs.RequestInformation, error) {
	if link != "" {
		return c.resume(op, link)
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

// deltaRound gathers the pages of one round.
type deltaRound struct {
	changes []GroupChange
	link    string
	index   map[string]int  // position of a group in changes
	left    map[string]bool // by group and member: whether the last word was that it left
}

// add merges one object of the feed; a large group comes in several.
func (r *deltaRound) add(w wireGroupDelta) {
	i, ok := r.index[w.ID]
	if !ok {
		i = len(r.changes)
		r.index[w.ID] = i
		r.changes = append(r.changes, GroupChange{GroupID: w.ID})
	}
	change := &r.changes[i]
	change.Deleted = isSet(w.Removed)
	if w.DisplayName != nil {
		change.DisplayName = w.DisplayName
	}
	for _, m := range w.Members {
		left, key := isSet(m.Removed), w.ID+"/"+m.ID
		was, known := r.left[key]
		if known && was == left {
			continue
		}
		if known {
			change.Joined = slices.DeleteFunc(change.Joined, func(o Member) bool { return o.ID == m.ID })
			change.Left = slices.DeleteFunc(change.Left, func(id string) bool { return id == m.ID })
		}
		r.left[key] = left
		if left {
			change.Left = append(change.Left, m.ID)
		} else {
			change.Joined = append(change.Joined, m.member())
		}
	}
}

// isSet reports whether a member is there and not null.
func isSet(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }
