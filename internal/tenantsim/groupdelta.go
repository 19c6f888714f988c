// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Delta pages hold so many groups, and so many member changes of one group. The
// service publishes neither number. ASSUMED.
const (
	deltaGroups  = 100
	deltaMembers = 1000
)

// deltaTokenLife is how long a delta link works in virtual time. ASSUMED: the
// contract says only that tokens expire.
const deltaTokenLife = 7 * 24 * time.Hour

// memberChange is one line of a group's log.
type memberChange struct {
	gen     uint64
	member  memberRef
	removed bool
}

type purgedGroup struct {
	id  ids.GUID
	gen uint64
}

// deltaMoment is when a generation began.
type deltaMoment struct {
	gen uint64
	at  time.Time
}

// nextDelta begins a generation, and forgets moments that every read has behind it.
func (s *Server) nextDelta(at time.Time) {
	s.deltaGen++
	if s.scenario.Lag == nil {
		return
	}
	before := at.Add(-s.scenario.Lag.Longest())
	s.deltaMoments = append(slices.DeleteFunc(s.deltaMoments, func(m deltaMoment) bool { return m.at.Before(before) }), deltaMoment{s.deltaGen, at})
}

// deltaSeen is the newest generation that a moment shows. The documentation of delta
// queries says so: a change may not be in the next answer, and appears later.
func (s *Server) deltaSeen(asOf time.Time) uint64 {
	for _, m := range s.deltaMoments {
		if m.at.After(asOf) {
			return m.gen - 1
		}
	}
	return s.deltaGen
}

// touchGroup notes a change of a group itself.
func (s *Server) touchGroup(g *group) {
	s.nextDelta(s.clock.Now())
	g.touched = s.deltaGen
	s.directoryGen++
}

// logMembers notes how the members differ from before.
func (s *Server) logMembers(g *group, before, after membership, at time.Time) {
	s.nextDelta(at)
	difference(before.direct, after.direct, len(s.users)+len(s.fleet.devices)).Each(func(i int) {
		g.log = append(g.log, memberChange{s.deltaGen, memberRef{index: i}, before.direct.Has(i)})
	})
	for _, n := range before.nested {
		if !slices.Contains(after.nested, n) {
			g.log = append(g.log, memberChange{s.deltaGen, memberRef{index: -1, group: n}, true})
		}
	}
	for _, n := range after.nested {
		if !slices.Contains(before.nested, n) {
			g.log = append(g.log, memberChange{s.deltaGen, memberRef{index: -1, group: n}, false})
		}
	}
}

// deltaToken is the state of a delta query. It travels in the link.
type deltaToken struct {
	// Since is the generation that the client has, 0: nothing; Until is the one
	// that it will have after the last page.
	Since   uint64   `json:"s"`
	Until   uint64   `json:"u"`
	Issued  int64    `json:"t"`
	Select  []string `json:"p,omitempty"`
	IDs     []string `json:"i,omitempty"`
	Minimal bool     `json:"m,omitempty"`
	// AsOf is the moment that all pages of the round show, in Unix nanoseconds.
	AsOf int64 `json:"w"`
	// After is the sequence of the last group that was sent whole, Offset counts
	// the member changes of the next one that were sent.
	After  uint64 `json:"a,omitempty"`
	Offset int    `json:"o,omitempty"`
}

func (c *call) encodeDelta(t deltaToken) string {
	raw, err := json.Marshal(t)
	if err != nil { // numbers and text always marshal
		return ""
	}
	text := base64.RawURLEncoding.EncodeToString(raw)
	return text + "." + c.server.signature("delta " + text)[:12]
}

// decodeDelta refuses tokens that were changed, and with 410 those that are too
// old (contract g: resync).
func (c *call) decodeDelta(token string) (deltaToken, error) {
	var t deltaToken
	text, mark := token, ""
	if i := len(token) - 13; i > 0 && token[i] == '.' {
		text, mark = token[:i], token[i+1:]
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || mark != c.server.signature("delta " + text)[:12] || json.Unmarshal(raw, &t) != nil {
		return t, c.BadRequest("Badly formed token.")
	}
	if c.now.Sub(time.Unix(t.Issued, 0)) > deltaTokenLife {
		e := odata.Fail(http.StatusGone, "resyncRequired", "The sync state generation is not found; a full sync is needed.")
		e.Header = http.Header{"Location": {c.base() + "/groups/delta"}}
		return t, e
	}
	return t, nil
}

// groupsDelta is GET /groups/delta.
func groupsDelta(c *call) (*reply, error) {
	t, err := c.beginDelta()
	if err != nil {
		return nil, err
	}
	body := object{"@odata.context": c.context("groups", t.Select), "value": []object{}}
	page, next := c.deltaPage(t)
	body["value"] = page
	if next != nil {
		body["@odata.nextLink"] = c.origin() + c.HTTP.URL.EscapedPath() + "?$skiptoken=" + url.QueryEscape(c.encodeDelta(*next))
	} else {
		t.Since, t.After, t.Offset, t.Issued = t.Until, 0, 0, c.now.Unix()
		body["@odata.deltaLink"] = c.origin() + c.HTTP.URL.EscapedPath() + "?$deltatoken=" + url.QueryEscape(c.encodeDelta(t))
	}
	return &reply{status: http.StatusOK, body: body}, nil
}

// beginDelta reads the link's token, or starts a new query.
func (c *call) beginDelta() (deltaToken, error) {
	asOf := c.membersAsOf()
	now := c.server.deltaSeen(asOf)
	switch {
	case c.Query.Token != "":
		return c.decodeDelta(c.Query.Token)
	case c.Query.Delta == "latest":
		return deltaToken{Since: now, Until: now, Issued: c.now.Unix(), Select: c.Query.Selected}, nil
	case c.Query.Delta != "":
		t, err := c.decodeDelta(c.Query.Delta)
		// The replica may be further behind than the one before.
		t.Until, t.AsOf, t.Minimal = max(now, t.Since), asOf.UnixNano(), c.prefers("return=minimal")
		return t, err
	}
	t := deltaToken{Until: now, AsOf: asOf.UnixNano(), Issued: c.now.Unix(), Select: c.Query.Selected, Minimal: c.prefers("return=minimal")}
	for _, name := range t.Select {
		if _, known := groupEntity.Selectable(name, c.Version); !known {
			return t, c.BadRequest("Could not find a property named '%s' on type '%s'.", name, groupEntity.Name)
		}
	}
	if c.Query.Filter == nil {
		return t, nil
	}
	var bad bool
	c.Query.Filter.Walk(func(e *odata.Comparison) {
		id, isText := e.Values[0].Value.(string)
		bad = bad || e.Path != "id" || e.Op != odata.Eq || !isText
		t.IDs = append(t.IDs, id)
	})
	if bad || len(t.IDs) > 50 { // contract g
		return t, odata.Fail(http.StatusBadRequest, odata.CodeUnsupportedQuery, "A delta query filters by id only: up to 50 of id eq '…', joined by or.")
	}
	return t, nil
}

// deltaPage renders one page; next is nil on the last.
func (c *call) deltaPage(t deltaToken) (page []object, next *deltaToken) {
	s := c.server
	page = []object{}
	size := deltaGroups
	if want := c.preferredPageSize(); want > 0 {
		size = min(size, want)
	}
	for _, g := range s.ordered {
		if g.sequence <= t.After || len(t.IDs) > 0 && !slices.Contains(t.IDs, g.id.String()) {
			continue
		}
		item, left := c.deltaItem(g, t)
		if item == nil {
			continue
		}
		if len(page) == size {
			return page, &t
		}
		page = append(page, item)
		if left {
			t.Offset += deltaMembers
			return page, &t
		}
		t.After, t.Offset = g.sequence, 0
	}
	for _, p := range s.purged {
		if p.gen > t.Since && p.gen <= t.Until && t.Since > 0 && (len(t.IDs) == 0 || slices.Contains(t.IDs, p.id.String())) {
			page = append(page, object{"id": p.id.String(), "@removed": object{"reason": "deleted"}})
		}
	}
	return page, nil
}

// deltaItem renders what changed on a group, nil if nothing did. left tells that
// more member changes follow. A change that the moment does not show yet is left to a later round.
func (c *call) deltaItem(g *group, t deltaToken) (item object, left bool) {
	changed, seen := t.Since == 0 || g.touched > t.Since && g.touched <= t.Until, g
	if g.touched > t.Until {
		seen = c.server.groupTrail.At(g, time.Unix(0, t.AsOf))
	}
	switch {
	case seen == nil:
		return nil, false
	case isDeleted(seen):
		if t.Since == 0 || !changed {
			return nil, false
		}
		return object{"id": g.id.String(), "@removed": object{"reason": "changed"}}, false // it can be restored
	}
	var members []object
	if len(t.Select) == 0 || slices.Contains(t.Select, "members") {
		members = c.memberDelta(g, t)
	}
	if !changed && len(members) == 0 {
		return nil, false
	}
	item = object{"id": g.id.String()}
	if changed || !t.Minimal {
		t.describe(seen, item, c.Beta)
	}
	from := min(t.Offset, len(members))
	to := min(from+deltaMembers, len(members))
	if to > from {
		item["members@delta"] = members[from:to]
	}
	return item, to < len(members)
}

// describe adds the selected properties of the group.
func (t *deltaToken) describe(g *group, item object, beta bool) {
	for i := range groupEntity.Properties {
		p := &groupEntity.Properties[i]
		if p.Exists(beta) && (len(t.Select) == 0 && !p.Hidden || slices.Contains(t.Select, p.Name)) {
			item[p.Name] = p.Get(g)
		}
	}
}

// memberDelta lists all members, or how they changed since a generation.
func (c *call) memberDelta(g *group, t deltaToken) []object {
	var out []object
	if c.hides(g) {
		return nil
	}
	if t.Since == 0 {
		direct, nested := c.server.membersAt(g, false, time.Unix(0, t.AsOf))
		direct.Each(func(i int) { out = append(out, c.deltaMember(memberRef{index: i}, false)) })
		for _, n := range nested {
			out = append(out, c.deltaMember(memberRef{index: -1, group: n}, false))
		}
		return out
	}
	last := map[memberRef]int{}
	for i, m := range g.log {
		if m.gen > t.Since && m.gen <= t.Until {
			last[m.member] = i
		}
	}
	for i, m := range g.log {
		if at, ok := last[m.member]; ok && at == i {
			out = append(out, c.deltaMember(m.member, m.removed))
		}
	}
	return out
}

func (c *call) deltaMember(ref memberRef, removed bool) object {
	kind := "#microsoft.graph.device"
	switch {
	case ref.group != nil:
		kind = "#microsoft.graph.group"
	case ref.index < len(c.server.users):
		kind = "#microsoft.graph.user"
	}
	out := object{"@odata.type": kind, "id": anyMember{c, ref}.id()}
	if removed {
		out["@removed"] = object{"reason": "deleted"}
	}
	return out
}
