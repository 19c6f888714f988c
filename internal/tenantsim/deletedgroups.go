// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"iter"
	"net/http"
	"slices"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// keptDeleted is how long a deleted group can be restored (contract g).
const keptDeleted = 30 * 24 * time.Hour

// purgeDue is the second in which the next group leaves the recycle bin. It is one
// of the things that settle lets happen in their order: what is drawn for it must
// not depend on how far the clock moves at once.
func (s *Server) purgeDue() int64 {
	if s.nextPurge.IsZero() {
		return never
	}
	return s.nextPurge.Add(time.Second - 1).Unix()
}

// purgeGroups ends the groups whose time in the recycle bin is over.
func (s *Server) purgeGroups(now time.Time) {
	s.nextPurge = time.Time{}
	for _, g := range slices.Clone(s.ordered) {
		switch {
		case g.deleted.IsZero():
		case now.Sub(g.deleted) >= keptDeleted:
			s.purgeGroup(g, now)
		case s.nextPurge.IsZero() || g.deleted.Add(keptDeleted).Before(s.nextPurge):
			s.nextPurge = g.deleted.Add(keptDeleted)
		}
	}
}

// purgeGroup ends a deleted group for good and frees its unique name.
func (s *Server) purgeGroup(g *group, at time.Time) {
	if g.known != nil { // Intune has not heard of the deletion
		s.leaving = append(s.leaving, g)
	}
	delete(s.groups, g.id)
	s.ordered = slices.DeleteFunc(s.ordered, func(o *group) bool { return o == g })
	for _, parent := range s.ordered {
		if slices.Contains(parent.nested, g) {
			s.changeMembersAt(parent, at, func() {
				parent.nested = slices.DeleteFunc(parent.nested, func(o *group) bool { return o == g })
			})
		}
	}
	s.nextDelta(at)
	s.purged = append(s.purged, purgedGroup{g.id, s.deltaGen})
	s.directoryGen++
	s.changes++
}

// binAsOf yields the deleted groups as a list of the moment shows them.
func (s *Server) binAsOf(asOf time.Time) entity.Keyed[*group] {
	return func(after int64) iter.Seq2[int64, *group] {
		return func(yield func(int64, *group) bool) {
			for _, g := range s.ordered {
				seen := s.groupTrail.At(g, asOf)
				if key := int64(g.sequence); key > after && isDeleted(seen) && !yield(key, seen) {
					return
				}
			}
		}
	}
}

func isDeleted(g *group) bool { return g != nil && !g.deleted.IsZero() }

// listDeletedGroups is /directory/deletedItems/microsoft.graph.group.
func listDeletedGroups(c *call) (*reply, error) {
	if err := c.AdvancedQuery(&c.Query); err != nil {
		return nil, err
	}
	return listReply(c, c.Query, groupEntity, c.server.binAsOf(c.listAsOf()),
		listStyle{context: "groups", size: 100, max: 999, refuseAbove: true})
}

// deletedGroup finds the group of the path in the bin, as it is and as a read sees
// it. Until a deletion is replicated the bin does not have it (contract g).
func (c *call) deletedGroup() (live, seen *group, err error) {
	id, ok := ids.ParseGUID(c.params["id"])
	if live = c.server.groups[id]; ok && live != nil {
		if seen = c.server.groupTrail.At(live, c.readAsOf()); isDeleted(seen) {
			return live, seen, nil
		}
	}
	return nil, nil, c.NotFound(c.params["id"])
}

// inBin finds the group of the path for a write: it must truly be in the bin.
func (c *call) inBin() (*group, error) {
	g, _, err := c.deletedGroup()
	if err == nil && !isDeleted(g) {
		return nil, c.NotFound(c.params["id"])
	}
	return g, err
}

func getDeletedGroup(c *call) (*reply, error) {
	members, err := groupEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	_, seen, err := c.deletedGroup()
	if err != nil {
		return nil, err
	}
	out := entity.Render(seen, members)
	out["@odata.type"] = "#" + groupEntity.Name
	return c.entityReply(http.StatusOK, "directoryObjects/$entity", out), nil
}

// restoreGroup brings a deleted group back with its id, members and name.
func restoreGroup(c *call) (*reply, error) {
	g, err := c.inBin()
	if err != nil {
		return nil, err
	}
	s := c.server
	s.groupTrail.Changing(s.instant(), g)
	s.changeMembers(g, func() {
		g.deleted = time.Time{}
		s.touchGroup(g)
	})
	s.ruleChanged(g, c.now)
	c.changed()
	members, err := groupEntity.Projection(&c.Request, nil)
	if err != nil {
		return nil, err
	}
	out := entity.Render(g, members)
	out["@odata.type"] = "#" + groupEntity.Name
	return c.entityReply(http.StatusOK, "directoryObjects/$entity", out), nil
}

// purgeDeletedGroup is DELETE /directory/deletedItems/{id}.
func purgeDeletedGroup(c *call) (*reply, error) {
	g, err := c.inBin()
	if err != nil {
		return nil, err
	}
	c.server.purgeGroup(g, c.now)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}
