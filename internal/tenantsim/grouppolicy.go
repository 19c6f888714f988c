// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
	"github.com/tidegate/tidegate/internal/tenantsim/shelf"
)

// groupPolicy is a groupPolicyConfiguration: administrative templates from the
// cloud (contract e, contract-2 w).
type groupPolicy struct {
	shelf.Meta
	displayName, description string
	scopeTags                []string
	assignments              []assignment
	values                   []admxValue
	shadow                   *policy
}

// admxValue is a definition that a configuration enables or disables.
type admxValue struct {
	id                string
	definition        admxDefinition
	enabled           bool
	configuration     string // empty: never said
	created, modified time.Time
	presentations     []object // with ids, as they are shown
}

var groupPolicyEntity = &entity.Type[*groupPolicy]{Name: "microsoft.graph.groupPolicyConfiguration", Properties: []entity.Property[*groupPolicy]{
	{Name: "id", Ops: odata.Eq, Get: func(g *groupPolicy) any { return g.ID }},
	{Name: "displayName", Ops: odata.Eq | odata.Contains | odata.StartsWith, Get: func(g *groupPolicy) any { return g.displayName }},
	{Name: "description", Get: func(g *groupPolicy) any { return g.description }},
	{Name: "createdDateTime", Get: func(g *groupPolicy) any { return intuneTime(g.Created) }},
	{Name: "lastModifiedDateTime", Get: func(g *groupPolicy) any { return intuneTime(g.Modified) }},
	{Name: "roleScopeTagIds", Get: func(g *groupPolicy) any { return g.scopeTags }},
	{Name: "policyConfigurationIngestionType", Ops: odata.Eq, Get: func(*groupPolicy) any { return "builtIn" }},
}}

var groupPolicyShape = shape.Shape{TypeName: "microsoft.graph.groupPolicyConfiguration", Members: map[string]shape.Member{
	"id": {Kind: shape.String, ReadOnly: true}, "createdDateTime": {Kind: shape.Date, ReadOnly: true}, "lastModifiedDateTime": {Kind: shape.Date, ReadOnly: true},
	"policyConfigurationIngestionType": {Kind: shape.String, ReadOnly: true},
	"displayName":                      {Kind: shape.String, Required: true}, "description": {Kind: shape.String}, "roleScopeTagIds": {Kind: shape.Strings},
}}

const groupPolicyContext = "deviceManagement/groupPolicyConfigurations"

func listGroupPolicies(c *call) (*reply, error) {
	return listReply(c, c.Query, groupPolicyEntity, c.server.groupPolicies.Listed(c.listAsOf()), listStyle{context: groupPolicyContext, size: 100, max: 1000, count: countPage})
}

// getGroupPolicy says the ingestion type unknown, where the list knows it
// (contract-2 w).
func getGroupPolicy(c *call) (*reply, error) {
	g, err := c.server.groupPolicies.See(c.byID())
	if err != nil {
		return nil, err
	}
	return c.groupPolicyReply(http.StatusOK, g)
}

func (c *call) groupPolicyReply(status int, g *groupPolicy) (*reply, error) {
	members, err := groupPolicyEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	out := entity.Render(g, members)
	if _, shown := out["policyConfigurationIngestionType"]; shown {
		out["policyConfigurationIngestionType"] = "unknown"
	}
	return c.entityReply(status, groupPolicyContext+"/$entity", out), nil
}

func createGroupPolicy(c *call) (*reply, error) {
	g := &groupPolicy{scopeTags: []string{"0"}}
	if err := c.fillGroupPolicy(g, true); err != nil {
		return nil, err
	}
	shelve(c.server, &c.server.groupPolicies, g, "groupPolicyConfiguration")
	c.changed()
	return c.groupPolicyReply(http.StatusCreated, g)
}

func patchGroupPolicy(c *call) (*reply, error) {
	s := c.server
	g, err := s.groupPolicies.Find(c.byID())
	if err != nil {
		return nil, err
	}
	next := *g
	if err := c.fillGroupPolicy(&next, false); err != nil {
		return nil, err
	}
	s.groupPolicies.Change(s.instant(), g)
	g.displayName, g.description, g.scopeTags = next.displayName, next.description, next.scopeTags
	s.applyGroupPolicy(g)
	c.changed()
	return c.groupPolicyReply(http.StatusOK, g)
}

func (c *call) fillGroupPolicy(g *groupPolicy, create bool) error {
	body := c.Body
	if err := groupPolicyShape.Check(&c.Request, body, create); err != nil {
		return err
	}
	if name, given := body["displayName"]; given {
		if g.displayName, _ = name.(string); g.displayName == "" {
			return c.BadRequest("A value is required for property 'displayName' of resource 'groupPolicyConfiguration'.")
		}
	}
	if _, given := body["description"]; given {
		g.description = text(body, "description")
	}
	if tags, given := body["roleScopeTagIds"]; given {
		g.scopeTags = scopeTagsOf(tags)
	}
	return nil
}

func deleteGroupPolicy(c *call) (*reply, error) {
	s := c.server
	g, err := s.groupPolicies.Find(c.byID())
	if err != nil {
		return nil, err
	}
	s.groupPolicies.Remove(s.instant(), g)
	s.releaseFilters(g.assignments, nil, c.now)
	s.dropShadow(g.shadow)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// assignGroupPolicy replaces the whole set: 200 with the list.
func assignGroupPolicy(c *call) (*reply, error) {
	s := c.server
	g, err := s.groupPolicies.Find(c.byID())
	if err != nil {
		return nil, err
	}
	next, err := c.readAssignments("groupPolicyConfigurationAssignment")
	if err != nil {
		return nil, err
	}
	s.groupPolicies.Change(s.instant(), g)
	s.releaseFilters(g.assignments, next, c.now)
	g.assignments = next
	s.applyGroupPolicy(g)
	s.changeAssignments(g.shadow, next, c.now)
	c.changed()
	return c.groupPolicyAssignments(g), nil
}

func listGroupPolicyAssignments(c *call) (*reply, error) {
	g, err := c.server.groupPolicies.See(c.byID())
	if err != nil {
		return nil, err
	}
	return c.groupPolicyAssignments(g), nil
}

func (c *call) groupPolicyAssignments(g *groupPolicy) *reply {
	out := []object{}
	for _, a := range g.assignments {
		out = append(out, object{"id": g.ID + "_" + a.suffix(), "lastModifiedDateTime": intuneTime(g.Modified), "target": a.targetObject()})
	}
	return &reply{status: http.StatusOK, body: object{"@odata.context": c.context(groupPolicyContext+"('"+g.ID+"')/assignments", nil), "value": out}}
}

// applyGroupPolicy brings the state of a configuration to devices.
func (s *Server) applyGroupPolicy(g *groupPolicy) {
	values := map[string]string{}
	for _, v := range g.values {
		d := v.definition.setting
		end := "_0"
		if v.enabled {
			end = "_1"
		}
		values[d.ID] = d.ID + end
		for _, p := range v.presentations {
			values[text(p, "setting")] = fmt.Sprint(p["value"], p["values"])
		}
	}
	g.shadow = s.shadowed(g.shadow, g.Meta, g.displayName, admxBaseType, values)
}

// presentationObjects show the inputs, with their presentation on request.
func (v *admxValue) presentationObjects(c *call, expanded bool) []object {
	out := []object{}
	for _, p := range v.presentations {
		shown := object{}
		for _, name := range []string{"@odata.type", "id", "value", "values", "createdDateTime", "lastModifiedDateTime"} {
			if value, present := p[name]; present {
				shown[name] = value
			}
		}
		for _, known := range c.server.presentations(&v.definition) {
			if expanded && known.setting.ID == p["setting"] {
				shown["presentation"] = known.object()
			}
		}
		out = append(out, shown)
	}
	return out
}

// valueOf finds a definition value of the path as a read sees it.
func (c *call) valueOf() (*groupPolicy, *admxValue, error) {
	g, err := c.server.groupPolicies.See(c.byID())
	if err != nil {
		return nil, nil, err
	}
	for i := range g.values {
		if ids.Same(g.values[i].id, c.params["value"]) {
			return g, &g.values[i], nil
		}
	}
	return nil, nil, c.NotFound(c.params["value"])
}

func getValueDefinition(c *call) (*reply, error) {
	_, v, err := c.valueOf()
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, admxDefinitionsContext+"/$entity", v.definition.object(c)), nil
}

func listPresentationValues(c *call) (*reply, error) {
	expands, err := c.expansions("presentation")
	if err != nil {
		return nil, err
	}
	g, v, err := c.valueOf()
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context(groupPolicyContext+"('"+g.ID+"')/definitionValues('"+v.id+"')/presentationValues", nil),
		"value":          v.presentationObjects(c, len(expands) > 0)}}, nil
}

var (
	updateValuesShape = shape.Shape{TypeName: "microsoft.graph.updateDefinitionValuesPostRequestBody", Members: map[string]shape.Member{
		"added": {Kind: shape.Objects}, "updated": {Kind: shape.Objects}, "deletedIds": {Kind: shape.Strings}}}
	definitionValueShape = shape.Shape{TypeName: "microsoft.graph.groupPolicyDefinitionValue", Members: map[string]shape.Member{
		"id": {Kind: shape.String}, "enabled": {Kind: shape.Bool}, "configurationType": {Kind: shape.Enum, Values: []string{"policy", "preference"}},
		"createdDateTime": {Kind: shape.Date, ReadOnly: true}, "lastModifiedDateTime": {Kind: shape.Date, ReadOnly: true},
		"definition@odata.bind": {Kind: shape.String}, "presentationValues": {Kind: shape.Objects}}}
	presentationValueMembers = []string{"@odata.type", "id", "value", "values", "presentation@odata.bind", "createdDateTime", "lastModifiedDateTime"}
)

// updateDefinitionValues adds, changes and deletes at once: 204, and the id of
// what was added is not told (contract-2 w).
func updateDefinitionValues(c *call) (*reply, error) {
	s := c.server
	g, err := s.groupPolicies.Find(c.byID())
	if err != nil {
		return nil, err
	}
	body := c.Body
	delete(body, "@odata.type")
	if err := updateValuesShape.Check(&c.Request, body, true); err != nil {
		return nil, err
	}
	next := slices.Clone(g.values)
	for _, id := range texts(body["deletedIds"]) {
		before := len(next)
		if next = slices.DeleteFunc(next, func(v admxValue) bool { return ids.Same(v.id, id) }); len(next) == before {
			return nil, c.NotFound(id)
		}
	}
	for _, given := range objects(body["updated"]) {
		i := slices.IndexFunc(next, func(v admxValue) bool { return ids.Same(v.id, text(given, "id")) })
		if i < 0 {
			return nil, c.NotFound(text(given, "id"))
		}
		if err := c.readDefinitionValue(&next[i], given, next); err != nil {
			return nil, err
		}
	}
	for _, given := range objects(body["added"]) {
		v := admxValue{created: c.now}
		if err := c.readDefinitionValue(&v, given, next); err != nil {
			return nil, err
		}
		next = append(next, v)
	}
	c.setDefinitionValues(g, next)
	return &reply{status: http.StatusNoContent}, nil
}

// setDefinitionValues numbers what is new and brings it to devices.
func (c *call) setDefinitionValues(g *groupPolicy, next []admxValue) {
	s := c.server
	for i := range next {
		if next[i].id == "" {
			id, _ := s.nextID("groupPolicyDefinitionValue")
			next[i].id = id.String()
		}
		for _, p := range next[i].presentations {
			if text(p, "id") == "" {
				id, _ := s.nextID("groupPolicyPresentationValue")
				p["id"] = id.String()
			}
		}
	}
	s.groupPolicies.Change(s.instant(), g)
	g.values = next
	s.applyGroupPolicy(g)
	c.changed()
}

// readDefinitionValue reads one value; its definition is bound by address, whose
// host is the one of the request (contract e).
func (c *call) readDefinitionValue(v *admxValue, given object, all []admxValue) error {
	if err := definitionValueShape.Check(&c.Request, given, true); err != nil {
		return err
	}
	if bound, present := given["definition@odata.bind"].(string); present || v.id == "" {
		d := c.server.admxDefinition(boundID(bound, "groupPolicyDefinitions"))
		if d == nil {
			return c.BadRequest("The group policy definition '%s' was not found.", bound) // ASSUMED text
		}
		if slices.ContainsFunc(all, func(o admxValue) bool { return o.id != v.id && o.definition.id == d.id }) {
			return c.BadRequest("The group policy definition '%s' is configured already.", d.id) // ASSUMED
		}
		v.definition = *d
	}
	if _, present := given["enabled"]; present {
		v.enabled = boolean(given, "enabled")
	}
	if _, present := given["configurationType"]; present {
		v.configuration = text(given, "configurationType")
	}
	v.modified = c.now
	if given["presentationValues"] == nil {
		return nil
	}
	v.presentations = []object{}
	for _, p := range objects(given["presentationValues"]) {
		read, err := c.readPresentationValue(v, p)
		if err != nil {
			return err
		}
		v.presentations = append(v.presentations, read)
	}
	return nil
}

// presentationKinds are the inputs' types of value and the member that holds it.
var presentationKinds = map[string]string{"Text": "value", "Decimal": "value", "LongDecimal": "value", "Boolean": "value", "MultiText": "values", "List": "values"}

func (c *call) readPresentationValue(v *admxValue, given object) (object, error) {
	const prefix = "#microsoft.graph.groupPolicyPresentationValue"
	member := presentationKinds[strings.TrimPrefix(text(given, "@odata.type"), prefix)]
	if member == "" || given[member] == nil {
		return nil, c.BadRequest("A presentation value needs '@odata.type' %s followed by Text, Decimal, LongDecimal, Boolean, MultiText or List, and its value.", prefix) // ASSUMED text
	}
	for _, name := range sortedKeys(given) {
		if !slices.Contains(presentationValueMembers, name) {
			return nil, c.BadRequest("The property '%s' does not exist on type 'microsoft.graph.groupPolicyPresentationValue'. Make sure to only use property names that are defined by the type.", name)
		}
	}
	id := boundID(text(given, "presentation@odata.bind"), "presentations")
	for _, known := range c.server.presentations(&v.definition) {
		if known.id == id {
			return object{"@odata.type": given["@odata.type"], "id": given["id"], member: given[member], "setting": known.setting.ID,
				"createdDateTime": intuneTime(v.created), "lastModifiedDateTime": intuneTime(c.now)}, nil
		}
	}
	return nil, c.BadRequest("The presentation '%s' is not one of definition '%s'.", text(given, "presentation@odata.bind"), v.definition.id) // ASSUMED text
}

// boundID reads the key that follows a collection in the address of a bind.
func boundID(address, collection string) string {
	i := strings.LastIndex(address, "/"+collection)
	if i < 0 {
		return ""
	}
	key := strings.Trim(address[i+len(collection)+1:], "/()")
	key, _, _ = strings.Cut(key, "/")
	return strings.Trim(key, "'()")
}

// addAdmxBaseline is a scenario's foreign policy as a group policy configuration.
func (s *Server) addAdmxBaseline(name string, d *definition, enabled bool, target assignment) error {
	known, err := s.baselineAdmx(d)
	if err != nil {
		return err
	}
	g := &groupPolicy{displayName: name, scopeTags: []string{"0"}, assignments: []assignment{target},
		values: []admxValue{{id: ids.NewGUID(s.options.Seed, "baseline value", 0).String(), definition: known, enabled: enabled, created: s.clock.Now(), modified: s.clock.Now()}}}
	shelve(s, &s.groupPolicies, g, "groupPolicyConfiguration")
	s.applyGroupPolicy(g)
	s.standing(g.shadow, target)
	s.baselineParts = func() {
		if s.groupPolicies.Get(g.ID) != nil { // an admin may have deleted it
			s.groupPolicies.Remove(s.instant(), g)
			s.dropShadow(g.shadow)
		}
	}
	return nil
}

// baselineAdmx finds the policy of an ADMX file behind a definition.
func (s *Server) baselineAdmx(d *definition) (admxDefinition, error) {
	for _, known := range s.admxDefinitions() {
		if known.setting.ID == d.ID && d.Kind == catalog.Choice {
			return known, nil
		}
	}
	return admxDefinition{}, fmt.Errorf("scenario: conflictingBaseline.definition %q is no Windows policy of an ADMX file", d.ID)
}
