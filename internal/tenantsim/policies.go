// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// policy is one settings catalog policy.
type policy struct {
	id                ids.GUID
	sequence          uint64
	name, description string
	platformsText     string
	technologies      string
	scopeTags         []string
	template          *policyTemplate // nil: made without one
	templateFamily    string
	priority          int // 0: none
	creationSource    any
	created, modified time.Time
	settings          []object // canonical setting instances
	secrets           map[string]string
	noGroups          bool   // disableEntraGroupPolicyAssignment
	shadowOf          string // base type in reports; "": a settings catalog policy
	assignments       []assignment

	// What devices need, derived from the settings.
	platforms  platform
	values     map[string]string // definition id to value
	payloadKey string            // equal for equal settings
	requires   requirement
	passkey    passkeyState
	rivals     []*policy
	// known are the assignments that Intune acts on while changes are on their
	// way to its targeting engine; nil: the newest.
	known *[]assignment
	reach reachCache
	late  arrivals
	// unreported are changes of the reach, in their order, that the assignment
	// status report has yet to take in.
	unreported []unreported
}

var platformNames = []string{"none", "android", "iOS", "macOS", "windows10X", "windows10", "linux", "androidEnterprise", "aosp", "visionOS", "tvOS"}
var technologyNames = []string{"none", "mdm", "windows10XManagement", "configManager", "intuneManagementExtension", "thirdParty", "documentGateway",
	"appleRemoteManagement", "microsoftSense", "exchangeOnline", "mobileApplicationManagement", "linuxMdm", "enrollment",
	"endpointPrivilegeManagement", "windowsOsRecovery", "android", "extensibility"}

var policyEntity = &entity.Type[*policy]{Name: "microsoft.graph.deviceManagementConfigurationPolicy", Properties: []entity.Property[*policy]{
	{Name: "id", Ops: odata.OpsEquality, Get: func(p *policy) any { return p.id.String() }},
	{Name: "name", Ops: odata.Eq | odata.Contains | odata.StartsWith, Get: func(p *policy) any { return p.name }},
	{Name: "description", Get: func(p *policy) any { return p.description }},
	{Name: "platforms", Ops: odata.Eq | odata.Has, Get: func(p *policy) any { return p.platformsText }},
	{Name: "technologies", Ops: odata.Eq | odata.Has, Get: func(p *policy) any { return p.technologies }},
	{Name: "createdDateTime", Ops: odata.OpsOrder, Get: func(p *policy) any { return intuneTime(p.created) }},
	{Name: "lastModifiedDateTime", Ops: odata.OpsOrder, Get: func(p *policy) any { return intuneTime(p.modified) }},
	{Name: "settingCount", Get: func(p *policy) any { return len(p.settings) }},
	{Name: "creationSource", Ops: odata.Eq, Get: func(p *policy) any { return p.creationSource }},
	{Name: "roleScopeTagIds", Get: func(p *policy) any { return p.scopeTags }},
	{Name: "isAssigned", Ops: odata.Eq, Get: func(p *policy) any { return len(p.assignments) > 0 }},
	{Name: "templateReference", Get: func(p *policy) any { return p.templateReference() }},
	{Name: "priorityMetaData", Get: func(p *policy) any { return p.priorityMeta() }},
	{Name: "disableEntraGroupPolicyAssignment", Hidden: true, Get: func(p *policy) any { return p.noGroups }},
	{Name: "templateReference/templateFamily", Ops: odata.Eq, Hidden: true, Get: func(p *policy) any { return p.templateFamily }},
	// The names as tools write them, too (contract-2 u).
	{Name: "templateReference/TemplateFamily", Ops: odata.Eq, Hidden: true, Get: func(p *policy) any { return p.templateFamily }},
	{Name: "templateReference/TemplateId", Ops: odata.Eq, Hidden: true, Get: func(p *policy) any { return p.templateReference()["templateId"] }},
	{Name: "templateReference/templateId", Ops: odata.Eq, Hidden: true, Get: func(p *policy) any { return p.templateReference()["templateId"] }},
}}

// policyShape is the body of POST and PUT. Limits of name and description are
// advised ones (contract a.1); the service publishes none for names.
var policyShape = shape.Shape{TypeName: "microsoft.graph.deviceManagementConfigurationPolicy", Members: map[string]shape.Member{
	"id":                                {Kind: shape.String, ReadOnly: true},
	"createdDateTime":                   {Kind: shape.Date, ReadOnly: true},
	"lastModifiedDateTime":              {Kind: shape.Date, ReadOnly: true},
	"settingCount":                      {Kind: shape.Int, ReadOnly: true},
	"isAssigned":                        {Kind: shape.Bool, ReadOnly: true},
	"name":                              {Kind: shape.String, Required: true},
	"description":                       {Kind: shape.String, Max: 1500},
	"platforms":                         {Kind: shape.Flags, Required: true, Values: platformNames},
	"technologies":                      {Kind: shape.Flags, Required: true, Values: technologyNames},
	"roleScopeTagIds":                   {Kind: shape.Strings},
	"creationSource":                    {Kind: shape.String},
	"disableEntraGroupPolicyAssignment": {Kind: shape.Bool},
	"priorityMetaData":                  {Kind: shape.Object, Of: priorityShape},
	"templateReference":                 {Kind: shape.Object, Of: templateReferenceShape},
	"settings":                          {Kind: shape.Objects},
}}

var priorityShape = shapeOf("deviceManagementPriorityMetaData", map[string]shape.Member{"priority": {Kind: shape.Int}})

func sequenceOf(p *policy) uint64 { return p.sequence }

func listPolicies(c *call) (*reply, error) {
	if err := c.checkExpand("settings", "assignments"); err != nil {
		return nil, err
	}
	s, asOf := c.server, c.listAsOf()
	var last *policy // the one that decorate is called for
	items := func(after int64) iter.Seq2[int64, *policy] {
		return func(yield func(int64, *policy) bool) {
			for _, p := range s.policyTrail.WithGone(s.policies, sequenceOf) {
				last = s.policyTrail.At(p, asOf)
				if key := int64(p.sequence); key > after && last != nil && !yield(key, last) {
					return
				}
			}
		}
	}
	return listReply(c, c.Query, policyEntity, items, listStyle{
		context: "deviceManagement/configurationPolicies", size: 100, max: 1000, count: countPage, cosmosToken: true,
		decorate: func(_ int64, out object) error {
			last.finish(c, out)
			return nil
		},
	})
}

// checkExpand refuses navigation properties that the resource does not expand.
func (c *call) checkExpand(known ...string) error {
	for _, e := range c.Query.Expand {
		if !slices.Contains(known, e) {
			return c.BadRequest("Parsing OData Select and Expand failed: Could not find a navigation property named '%s'.", e)
		}
	}
	return nil
}

// finish drops filter-only members and adds expanded collections.
func (p *policy) finish(c *call, out object) {
	delete(out, "templateReference/templateFamily")
	delete(out, "templateReference/templateId")
	if p.noGroups && len(c.Query.Selected) == 0 {
		out["disableEntraGroupPolicyAssignment"] = true // captured policies do not show it otherwise
	}
	if slices.Contains(c.Query.Expand, "settings") {
		out["settings"] = p.settingObjects()
	}
	if slices.Contains(c.Query.Expand, "assignments") {
		out["assignments"] = p.assignmentObjects()
	}
}

func getPolicy(c *call) (*reply, error) {
	if err := c.checkExpand("settings", "assignments"); err != nil {
		return nil, err
	}
	members, err := policyEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	p, err := c.seenPolicy()
	if err != nil {
		return nil, err
	}
	return c.policyReply(p, members), nil
}

func (c *call) policyReply(p *policy, members []*entity.Property[*policy]) *reply {
	out := entity.Render(p, members)
	p.finish(c, out)
	return c.entityReply(http.StatusOK, "deviceManagement/configurationPolicies/$entity", out)
}

// policy finds the policy of the path as it truly is. It must be readable by
// now (contract a.5: a new policy may answer 404 to assign for some seconds).
func (c *call) policy() (*policy, error) {
	id, ok := ids.ParseGUID(c.params["id"])
	p := c.server.policyByID[id]
	if !ok || p == nil || c.server.policyTrail.At(p, c.readAsOf()) == nil {
		return nil, c.NotFound(c.params["id"])
	}
	return p, nil
}

// seenPolicy finds the policy of the path as a read sees it.
func (c *call) seenPolicy() (*policy, error) {
	trail := &c.server.policyTrail
	id, ok := ids.ParseGUID(c.params["id"])
	p := c.server.policyByID[id]
	if i := slices.IndexFunc(trail.Gone(), func(g *policy) bool { return g.id == id }); p == nil && i >= 0 {
		p = trail.Gone()[i]
	}
	if ok && p != nil {
		if seen := trail.At(p, c.readAsOf()); seen != nil {
			return seen, nil
		}
	}
	return nil, c.NotFound(c.params["id"])
}

// createPolicy is not idempotent: equal names are accepted (contract a.1).
func createPolicy(c *call) (*reply, error) {
	p := &policy{created: c.now}
	if err := c.fillPolicy(p); err != nil {
		return nil, err
	}
	p.modified = c.now
	s := c.server
	s.addPolicy(p)
	s.policyTrail.Created(s.instant(), p)
	c.changed()
	members, err := policyEntity.Projection(&c.Request, nil)
	if err != nil {
		return nil, err
	}
	out := entity.Render(p, members)
	p.finish(c, out)
	return c.entityReply(http.StatusCreated, "deviceManagement/configurationPolicies/$entity", out), nil
}

func (s *Server) addPolicy(p *policy) {
	p.id, p.sequence = s.nextID("configurationPolicy")
	s.policies = append(s.policies, p)
	s.policyByID[p.id] = p
}

// fillPolicy checks the body of POST and PUT and copies it into p. Nothing is
// changed when it returns an error.
func (c *call) fillPolicy(p *policy) error {
	if err := policyShape.Check(&c.Request, c.Body, true); err != nil {
		return err
	}
	template, family, err := c.readTemplate()
	if err != nil {
		return err
	}
	next := &policy{template: template, name: text(c.Body, "name"), description: text(c.Body, "description"),
		platformsText: text(c.Body, "platforms"), technologies: text(c.Body, "technologies")}
	if next.name == "" {
		return c.BadRequest("A value is required for property 'name' of resource 'deviceManagementConfigurationPolicy'.")
	}
	if err := c.buildSettings(next, p.secrets); err != nil {
		return err
	}
	p.name, p.description = next.name, next.description
	p.platformsText, p.technologies = next.platformsText, next.technologies
	p.template, p.templateFamily = template, family
	p.creationSource = c.Body["creationSource"]
	p.scopeTags = scopeTagsOf(c.Body["roleScopeTagIds"])
	p.noGroups = boolean(c.Body, "disableEntraGroupPolicyAssignment")
	if place, given := inner(c.Body, "priorityMetaData")["priority"].(json.Number); given {
		if n, err := place.Int64(); err == nil { // the shape was checked
			p.priority = int(max(n, 0))
		}
	}
	p.settings, p.secrets, p.values, p.payloadKey = next.settings, next.secrets, next.values, next.payloadKey
	p.platforms, p.requires, p.passkey = next.platforms, next.requires, next.passkey
	return nil
}

// scopeTagsOf reads scope tags: what has none has the default one (contract a.1).
// That a change to none, or to null, does the same is ASSUMED.
func scopeTagsOf(given any) []string {
	if tags := texts(given); len(tags) > 0 {
		return tags
	}
	return []string{"0"}
}

// patchPolicy changes name, description and scope tags. It never changes
// settings (contract a.4).
func patchPolicy(c *call) (*reply, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	if _, present := c.Body["settings"]; present {
		return nil, odata.Fail(http.StatusBadRequest, odata.CodeModelValidation,
			"Cannot apply PATCH to navigation property 'settings' on entity type 'microsoft.management.services.api.deviceManagementConfigurationPolicy'.")
	}
	if err := policyShape.Check(&c.Request, c.Body, false); err != nil {
		return nil, err
	}
	if err := c.keeps(p); err != nil {
		return nil, err
	}
	name, present := c.Body["name"]
	if present && (name == nil || name == "") {
		return nil, c.BadRequest("A value is required for property 'name' of resource 'deviceManagementConfigurationPolicy'.")
	}
	c.server.policyTrail.Changing(c.server.instant(), p)
	if present {
		p.name = text(c.Body, "name")
	}
	if _, present := c.Body["description"]; present {
		p.description = text(c.Body, "description")
	}
	if tags, present := c.Body["roleScopeTagIds"]; present {
		p.scopeTags = scopeTagsOf(tags)
	}
	p.modified = c.now
	c.changed()
	members, err := policyEntity.Projection(&c.Request, nil)
	if err != nil {
		return nil, err
	}
	return c.policyReply(p, members), nil
}

// keeps refuses to change by PATCH what PATCH does not change. In practice only
// name, description and scope tags change (contract a5); that the service says so
// rather than ignoring the others is ASSUMED.
func (c *call) keeps(p *policy) error {
	for _, name := range []string{"platforms", "technologies", "creationSource", "templateReference", "priorityMetaData", "disableEntraGroupPolicyAssignment"} {
		given, present := c.Body[name]
		if !present || given == nil {
			continue
		}
		if now := policyEntity.Lookup(name, true).Get(p); !sameMembers(given, now) {
			return c.BadRequest("Property '%s' cannot be changed by PATCH.", name)
		}
	}
	return nil
}

// sameMembers reports whether everything that was given equals what is there.
func sameMembers(given, now any) bool {
	members, isObject := given.(map[string]any)
	if !isObject {
		return fmt.Sprint(given) == fmt.Sprint(now)
	}
	have, _ := now.(object)
	for name, v := range members {
		if v != nil && fmt.Sprint(v) != fmt.Sprint(have[name]) {
			return false
		}
	}
	return true
}

// putPolicy replaces everything but assignments: 204 (contract a.4).
func putPolicy(c *call) (*reply, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	if p.creationSource != nil && c.Body["creationSource"] != p.creationSource {
		return nil, c.BadRequest("Property 'creationSource' cannot be changed.")
	}
	s := c.server
	before, was := p.payloadKey, *p
	if err := c.fillPolicy(p); err != nil {
		return nil, err
	}
	s.policyTrail.Note(s.instant(), p, &was)
	p.modified = c.now
	s.keepTargets() // settings say nothing about whom the policy reaches
	s.indexAssigned()
	if p.payloadKey != before {
		s.notify(s.targets(p), c.now.Unix())
	}
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

func deletePolicy(c *call) (*reply, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	c.server.removePolicy(p)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

func (s *Server) removePolicy(p *policy) {
	s.policyTrail.Removed(s.instant(), p)
	s.retarget(func() {
		delete(s.policyByID, p.id)
		s.policies = slices.DeleteFunc(s.policies, func(q *policy) bool { return q == p })
	})
}

// settingObjects renders the settings with positional ids (contract a.2).
func (p *policy) settingObjects() []object {
	out := make([]object, 0, len(p.settings))
	for i, instance := range p.settings {
		out = append(out, object{"id": strconv.Itoa(i), "settingInstance": instance})
	}
	return out
}

type settingView struct {
	index    int
	instance object
}

var settingEntity = &entity.Type[settingView]{Name: "microsoft.graph.deviceManagementConfigurationSetting", Properties: []entity.Property[settingView]{
	{Name: "id", Ops: odata.Eq, Get: func(v settingView) any { return strconv.Itoa(v.index) }},
	{Name: "settingInstance", Get: func(v settingView) any { return v.instance }},
}}

// listSettings pages at 25 unless asked otherwise (contract a.3).
func listSettings(c *call) (*reply, error) {
	if err := c.checkExpand("settingDefinitions"); err != nil {
		return nil, err
	}
	p, err := c.seenPolicy()
	if err != nil {
		return nil, err
	}
	items := func(after int64) iter.Seq2[int64, settingView] {
		return func(yield func(int64, settingView) bool) {
			for i := int(after) + 1; i < len(p.settings); i++ {
				if !yield(int64(i), settingView{i, p.settings[i]}) {
					return
				}
			}
		}
	}
	context := "deviceManagement/configurationPolicies('" + p.id.String() + "')/settings"
	style := listStyle{context: context, size: 25, max: 1000, count: countPage}
	if slices.Contains(c.Query.Expand, "settingDefinitions") {
		style.context += "(settingDefinitions())"
		style.decorate = func(key int64, out object) error {
			out["settingDefinitions"] = c.definitionObjects(definitionsOf(p.settings[key]))
			return nil
		}
	}
	return listReply(c, c.Query, settingEntity, items, style)
}

// definitionsOf collects the definitions that an instance and everything below
// it use, each once.
func definitionsOf(instance object) []string {
	var ids []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []object:
			for _, item := range v {
				walk(item)
			}
		case object:
			if id := text(v, "settingDefinitionId"); id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
			for _, name := range sortedKeys(v) {
				walk(v[name])
			}
		}
	}
	walk(instance)
	return ids
}

// definitionObjects renders definitions. One that the catalog no longer has is
// left out (ASSUMED).
func (c *call) definitionObjects(ids []string) []object {
	out := []object{}
	for _, id := range ids {
		if d := c.server.catalog.Find(id); d != nil {
			out = append(out, definitionObject(d))
		}
	}
	return out
}

// noSettingRoute is the captured refusal of writes to …/settings/{n}
// (contract a.4).
func noSettingRoute(c *call) (*reply, error) { return nil, c.noMethod() }
