// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// keptAccess is how long a deleted conditional access policy can be restored.
// The contract says that deletion is soft, not for how long: ASSUMED, as groups.
const keptAccess = keptDeleted

const accessDeletedContext = "identity/conditionalAccess/deletedItems/policies"

// removeAccess puts a policy into the recycle bin.
func (s *Server) removeAccess(p *accessPolicy, now time.Time) {
	s.access.remove(s, p)
	kept := *p
	kept.deleted = now
	s.accessDeleted = append(s.accessDeleted, &kept)
}

// purgeAccess ends the policies whose time in the recycle bin is over.
func (s *Server) purgeAccess(now time.Time) {
	before := len(s.accessDeleted)
	s.accessDeleted = slices.DeleteFunc(s.accessDeleted, func(p *accessPolicy) bool { return now.Sub(p.deleted) >= keptAccess })
	s.changes += uint64(before - len(s.accessDeleted))
}

// shownDeleted adds the member that live policies show only when asked.
func (c *call) shownDeleted(p *accessPolicy, out object) {
	c.shownAccess(out)
	if len(c.query.selected) == 0 {
		out["deletedDateTime"] = intuneTime(p.deleted)
	}
}

func listDeletedAccess(c *call) (*reply, error) {
	all := c.server.accessDeleted
	return listReply(c, c.query, accessPolicyEntity, eachOf(all), listStyle{context: accessDeletedContext, size: 100, max: 999,
		decorate: func(key int64, out object) error {
			c.shownDeleted(all[key], out)
			return nil
		}})
}

func (c *call) deletedAccess() (*accessPolicy, error) {
	for _, p := range c.server.accessDeleted {
		if p.id == c.params["id"] {
			return p, nil
		}
	}
	return nil, c.notFound(c.params["id"])
}

func getDeletedAccess(c *call) (*reply, error) {
	members, err := accessPolicyEntity.projection(c, c.query.selected)
	if err != nil {
		return nil, err
	}
	p, err := c.deletedAccess()
	if err != nil {
		return nil, err
	}
	out := render(p, members)
	c.shownDeleted(p, out)
	return c.entityReply(http.StatusOK, accessDeletedContext+"/$entity", out), nil
}

// restoreAccess brings a policy back with its id and its state. What it refers
// to must still exist.
func restoreAccess(c *call) (*reply, error) {
	p, err := c.deletedAccess()
	if err != nil {
		return nil, err
	}
	s := c.server
	if len(c.body) > 0 {
		return nil, c.badRequest("The action 'restore' takes no parameters.")
	}
	if len(s.access.items) >= maxAccessPolicies {
		return nil, c.badRequest("The maximum number of policies (%d) is reached.", maxAccessPolicies)
	}
	if err := c.checkAccess(p.doc); err != nil {
		return nil, err
	}
	s.dropDeletedAccess(p)
	// A copy: reads that lag may still show the one that was deleted.
	back := *p
	back.deleted, back.modified = time.Time{}, c.now
	at, _ := slices.BinarySearchFunc(s.access.items, back.sequence, func(o *accessPolicy, n uint64) int { return cmp.Compare(o.sequence, n) })
	s.access.items = slices.Insert(s.access.items, at, &back)
	s.access.trail.created(s, &back)
	c.changed()
	return c.accessReply(http.StatusOK, &back, nil)
}

func (s *Server) dropDeletedAccess(p *accessPolicy) {
	s.accessDeleted = slices.DeleteFunc(s.accessDeleted, func(o *accessPolicy) bool { return o == p })
}

// purgeDeletedAccess deletes for good.
func purgeDeletedAccess(c *call) (*reply, error) {
	p, err := c.deletedAccess()
	if err != nil {
		return nil, err
	}
	c.server.dropDeletedAccess(p)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}
