// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
)

const accessDeletedContext = "identity/conditionalAccess/deletedItems/policies"

// keptAccess is how long something deleted from conditional access can be
// restored. The contract says that deletion is soft, not for how long: ASSUMED,
// as groups.
const keptAccess = keptDeleted

// purgeAccess empties the bins of conditional access.
func (s *Server) purgeAccess(now time.Time) {
	s.changes += s.accessDeleted.Purge(now, keptAccess) + s.locationsDeleted.Purge(now, keptAccess)
}

// shownDeleted adds the member that live policies show only when asked.
func (c *call) shownDeleted(p *accessPolicy, out object) {
	c.shownAccess(out)
	if len(c.Query.Selected) == 0 {
		out["deletedDateTime"] = intuneTime(p.Deleted)
	}
}

func listDeletedAccess(c *call) (*reply, error) {
	all := c.server.accessDeleted.All()
	return listReply(c, c.Query, accessPolicyEntity, entity.EachOf(all), listStyle{context: accessDeletedContext, size: 100, max: 999,
		decorate: func(key int64, out object) error {
			c.shownDeleted(all[key], out)
			return nil
		}})
}

func getDeletedAccess(c *call) (*reply, error) {
	members, err := accessPolicyEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	p, err := c.server.accessDeleted.Find(&c.Request, c.params["id"])
	if err != nil {
		return nil, err
	}
	out := entity.Render(p, members)
	c.shownDeleted(p, out)
	return c.entityReply(http.StatusOK, accessDeletedContext+"/$entity", out), nil
}

// restoreAccess brings a policy back with its id and its state. What it refers
// to must still exist.
func restoreAccess(c *call) (*reply, error) {
	s := c.server
	p, err := s.accessDeleted.Find(&c.Request, c.params["id"])
	if err != nil {
		return nil, err
	}
	if len(c.Body) > 0 {
		return nil, c.BadRequest("The action 'restore' takes no parameters.")
	}
	if len(s.access.All()) >= maxAccessPolicies {
		return nil, c.BadRequest("The maximum number of policies (%d) is reached.", maxAccessPolicies)
	}
	if err := c.checkAccess(p.doc, p.doc); err != nil {
		return nil, err
	}
	back := s.accessDeleted.Restore(s.instant(), &s.access, p, c.now)
	c.changed()
	return c.accessReply(http.StatusOK, back, nil)
}

// purgeDeletedAccess deletes for good.
func purgeDeletedAccess(c *call) (*reply, error) {
	p, err := c.server.accessDeleted.Find(&c.Request, c.params["id"])
	if err != nil {
		return nil, err
	}
	c.server.accessDeleted.Drop(p)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}
