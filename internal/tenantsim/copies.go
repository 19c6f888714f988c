// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// copyPolicy is the action createCopy (contract a14): the same settings under
// another name, assigned to nobody. Status and required members are ASSUMED.
func copyPolicy(c *call) (*reply, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	in := shape.Shape{TypeName: "microsoft.graph.createCopy", Members: map[string]shape.Member{
		"displayName": {Kind: shape.String, Required: true}, "description": {Kind: shape.String, Max: 1500}}}
	if err := in.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	if text(c.Body, "displayName") == "" {
		return nil, c.BadRequest("A value is required for parameter 'displayName'.")
	}
	s := c.server
	twin := &policy{name: text(c.Body, "displayName"), description: p.description, platformsText: p.platformsText, technologies: p.technologies,
		scopeTags: p.scopeTags, template: p.template, templateFamily: p.templateFamily, creationSource: p.creationSource,
		created: c.now, modified: c.now, settings: p.settings, secrets: p.secrets, noGroups: p.noGroups,
		platforms: p.platforms, values: p.values, payloadKey: p.payloadKey, requires: p.requires, passkey: p.passkey}
	if _, given := c.Body["description"]; given {
		twin.description = text(c.Body, "description")
	}
	s.addPolicy(twin)
	s.policyTrail.Created(s.instant(), twin)
	c.changed()
	members, err := policyEntity.Projection(&c.Request, nil)
	if err != nil {
		return nil, err
	}
	return c.policyReply(twin, members), nil
}

// reorderPolicy moves a policy to a place among those that have a priority, 1
// being the first; the others make room (contract a14). That every policy can
// have one, and the answer, are ASSUMED.
func reorderPolicy(c *call) (*reply, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	in := shape.Shape{TypeName: "microsoft.graph.reorder", Members: map[string]shape.Member{"priority": {Kind: shape.Int, Required: true}}}
	if err := in.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	given, _ := c.Body["priority"].(json.Number)
	place, err := given.Int64()
	if err != nil || place < 1 {
		return nil, c.BadRequest("Parameter 'priority' is '%s': it must be 1 or more.", given)
	}
	var ranked []*policy
	for _, o := range c.server.policies {
		if o.priority > 0 && o != p {
			ranked = append(ranked, o)
		}
	}
	slices.SortFunc(ranked, func(a, b *policy) int { return cmp.Compare(a.priority, b.priority) })
	ranked = slices.Insert(ranked, min(int(place)-1, len(ranked)), p)
	for i, o := range ranked {
		if o.priority != i+1 {
			c.server.policyTrail.Changing(c.server.instant(), o)
			o.priority, o.modified = i+1, c.now
		}
	}
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// priorityMeta is null until a policy was given a place.
func (p *policy) priorityMeta() any {
	if p.priority == 0 {
		return nil
	}
	return object{"priority": p.priority}
}
