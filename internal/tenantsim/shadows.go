// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
	"github.com/tidegate/tidegate/internal/tenantsim/shelf"
)

// A shadow is what an intent or a group policy configuration does on devices: it
// is evaluated, reported and in conflict like any policy, and no list of settings
// catalog policies shows it.

// Base types of reports (contract b.1). That of intents is ASSUMED: no source
// names it.
const (
	admxBaseType   = "DeviceConfigurationAdmxPolicy"
	intentBaseType = "DeviceManagementIntent"
)

// baseTypeName is the PolicyBaseTypeName of the policy's report rows.
func (p *policy) baseTypeName() string {
	if p.shadowOf == "" {
		return policyBaseType
	}
	return p.shadowOf
}

// exists reports whether a policy, or what a shadow stands for, is still there.
func (s *Server) exists(p *policy) bool {
	return s.policyByID[p.id] == p || slices.Contains(s.shadows, p)
}

// everyPolicy is everything that devices may apply, in a fixed order.
func (s *Server) everyPolicy() []*policy {
	return append(slices.Clone(s.policies), s.shadows...)
}

// shadowed gives the shadow of an object these values of settings catalog
// definitions, and makes it when there is none. Devices hear of a change.
func (s *Server) shadowed(old *policy, head shelf.Meta, name, baseType string, values map[string]string) *policy {
	p := old
	if p == nil {
		id, _ := ids.ParseGUID(head.ID)
		p = &policy{id: id, sequence: head.Sequence, shadowOf: baseType, templateFamily: "none", platformsText: "windows10", technologies: "mdm",
			platforms: platformWindows, created: head.Created}
		s.shadows = append(s.shadows, p)
	}
	payload, err := json.Marshal(values)
	if err != nil { // a map of texts always marshals
		panic(fmt.Sprintf("tenantsim: marshal the values of %s: %v", name, err))
	}
	changed := string(payload) != p.payloadKey
	p.name, p.values, p.payloadKey = name, values, string(payload)
	p.requires, p.passkey = requirement{}, s.passkeyEffect(values)
	for _, id := range sortedKeys(values) {
		if d := s.catalog.Known(id); d != nil {
			p.requires = p.requires.and(needsOf(d))
		}
	}
	s.indexAssigned()
	if changed {
		s.notify(s.targets(p), s.clock.Now().Unix())
	}
	return p
}

// standing assigns a shadow as if it had stood since long ago, without lag.
func (s *Server) standing(p *policy, target assignment) {
	s.retarget(func() {
		p.assignments = []assignment{target}
		p.reach = reachCache{}
	})
	p.unreported = nil
}

// dropShadow ends what an object that is being deleted does on devices.
func (s *Server) dropShadow(p *policy) {
	if p == nil {
		return
	}
	s.retarget(func() { s.shadows = slices.DeleteFunc(s.shadows, func(q *policy) bool { return q == p }) })
}

// readAssignments reads the list of an assign action of these kinds.
func (c *call) readAssignments(typeName string) ([]assignment, error) {
	body := c.Body
	delete(body, "@odata.type") // an action body has no type of its own
	if err := assignShape.Check(&c.Request, body, true); err != nil {
		return nil, err
	}
	item := shape.Shape{TypeName: "microsoft.graph." + typeName, Members: map[string]shape.Member{"id": {Kind: shape.String, ReadOnly: true},
		"lastModifiedDateTime": {Kind: shape.Date, ReadOnly: true}, "target": {Kind: shape.Object, Required: true}}}
	out := []assignment{}
	for _, given := range objects(body["assignments"]) {
		if err := item.Check(&c.Request, given, true); err != nil {
			return nil, err
		}
		a, err := c.assignment(inner(given, "target"), platformWindows)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func targetObjects(assignments []assignment) []object {
	out := make([]object, len(assignments))
	for i, a := range assignments {
		out[i] = a.targetObject()
	}
	return out
}

// expansion is one item of $expand: a navigation and what $select keeps of it.
type expansion struct {
	name     string
	selected []string
}

// expansions reads $expand with an inner $select, and refuses what is not known.
func (c *call) expansions(known ...string) ([]expansion, error) {
	var out []expansion
	for _, item := range c.Query.Expand {
		name, options, _ := strings.Cut(strings.TrimSuffix(item, ")"), "(")
		if !slices.Contains(known, name) {
			return nil, c.BadRequest("Parsing OData Select and Expand failed: Could not find a navigation property named '%s'.", name)
		}
		e := expansion{name: name}
		if options != "" {
			list, ok := strings.CutPrefix(options, "$select=")
			if !ok {
				return nil, c.BadRequest("Parsing OData Select and Expand failed: '%s' is not supported here.", options) // contract-2 w: nested expand is not proven
			}
			e.selected = odata.SplitList(list)
		}
		out = append(out, e)
	}
	return out, nil
}

// keep narrows an object to what $select names.
func (e expansion) keep(o object) object {
	if len(e.selected) == 0 {
		return o
	}
	out := object{}
	for _, name := range append([]string{"@odata.type"}, e.selected...) {
		if v, present := o[name]; present {
			out[name] = v
		}
	}
	return out
}
