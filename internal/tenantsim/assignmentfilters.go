// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/filterrule"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
	"github.com/tidegate/tidegate/internal/tenantsim/shelf"
)

// maxAssignmentFilters is the documented limit of a tenant (contract f).
const maxAssignmentFilters = 200

// assignmentFilter is a rule over device facts that narrows a target.
type assignmentFilter struct {
	shelf.Meta
	displayName, description string
	platform, management     string
	ruleText                 string
	scopeTags                []string
	rule                     filterrule.Rule
	matching                 ids.Bitset // devices, nil: not evaluated yet
	released                 time.Time  // last time an assignment dropped it
}

var filterPlatforms = []string{"android", "androidForWork", "iOS", "macOS", "windowsPhone81", "windows81AndLater", "windows10AndLater",
	"androidWorkProfile", "unknown", "androidAOSP", "androidMobileApplicationManagement", "iOSMobileApplicationManagement",
	"windowsMobileApplicationManagement"}

var assignmentFilterEntity = &entity.Type[*assignmentFilter]{Name: "microsoft.graph.deviceAndAppManagementAssignmentFilter", Properties: []entity.Property[*assignmentFilter]{
	{Name: "id", Ops: odata.Eq, Get: func(f *assignmentFilter) any { return f.ID }},
	{Name: "createdDateTime", Get: func(f *assignmentFilter) any { return intuneTime(f.Created) }},
	{Name: "lastModifiedDateTime", Get: func(f *assignmentFilter) any { return intuneTime(f.Modified) }},
	{Name: "displayName", Ops: odata.Eq | odata.Contains | odata.StartsWith, Get: func(f *assignmentFilter) any { return f.displayName }},
	{Name: "description", Get: func(f *assignmentFilter) any { return f.description }},
	{Name: "platform", Ops: odata.Eq, Get: func(f *assignmentFilter) any { return f.platform }},
	{Name: "rule", Get: func(f *assignmentFilter) any { return f.ruleText }},
	{Name: "roleScopeTags", Get: func(f *assignmentFilter) any { return f.scopeTags }},
	{Name: "assignmentFilterManagementType", Get: func(f *assignmentFilter) any { return f.management }},
	{Name: "payloads", Get: func(*assignmentFilter) any { return []object{} }},
}}

// assignmentFilterShape: the scope-tag member differs from everything else's
// name (contract f).
var assignmentFilterShape = shape.Shape{TypeName: "microsoft.graph.deviceAndAppManagementAssignmentFilter", Members: map[string]shape.Member{
	"id":                             {Kind: shape.String, ReadOnly: true},
	"createdDateTime":                {Kind: shape.Date, ReadOnly: true},
	"lastModifiedDateTime":           {Kind: shape.Date, ReadOnly: true},
	"payloads":                       {Kind: shape.Objects, ReadOnly: true},
	"displayName":                    {Kind: shape.String, Required: true, Max: 256},
	"description":                    {Kind: shape.String, Max: 1500},
	"platform":                       {Kind: shape.Enum, Required: true, Values: filterPlatforms},
	"rule":                           {Kind: shape.String, Required: true, Max: filterrule.MaxLength},
	"roleScopeTags":                  {Kind: shape.Strings},
	"assignmentFilterManagementType": {Kind: shape.Enum, Values: []string{"devices", "apps"}},
}}

const filtersContext = "deviceManagement/assignmentFilters"

func listAssignmentFilters(c *call) (*reply, error) {
	return listReply(c, c.Query, assignmentFilterEntity, c.server.filters.Listed(c.listAsOf()), listStyle{context: filtersContext, size: 100, max: 1000, count: countPage})
}

func getAssignmentFilter(c *call) (*reply, error) {
	members, err := assignmentFilterEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	f, err := c.server.filters.See(c.byID())
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, filtersContext+"/$entity", entity.Render(f, members)), nil
}

func createAssignmentFilter(c *call) (*reply, error) {
	if err := assignmentFilterShape.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	s := c.server
	if len(s.filters.All()) >= maxAssignmentFilters {
		return nil, c.BadRequest("The maximum number of assignment filters (%d) is reached.", maxAssignmentFilters)
	}
	f := &assignmentFilter{platform: text(c.Body, "platform"), management: managementOf(text(c.Body, "platform")), scopeTags: []string{"0"}}
	if err := c.fillAssignmentFilter(f); err != nil {
		return nil, err
	}
	shelve(s, &s.filters, f, "assignmentFilter")
	c.changed()
	return c.filterReply(http.StatusCreated, f)
}

func (c *call) filterReply(status int, f *assignmentFilter) (*reply, error) {
	members, err := assignmentFilterEntity.Projection(&c.Request, nil)
	if err != nil {
		return nil, err
	}
	return c.entityReply(status, filtersContext+"/$entity", entity.Render(f, members)), nil
}

// fillAssignmentFilter copies the members that the body names. Nothing is
// changed when it returns an error.
func (c *call) fillAssignmentFilter(f *assignmentFilter) error {
	name, present := c.Body["displayName"]
	if present && (name == nil || name == "") {
		return c.BadRequest("A value is required for property 'displayName' of resource 'deviceAndAppManagementAssignmentFilter'.")
	}
	if kind, given := c.Body["assignmentFilterManagementType"]; given && kind != nil && kind != any(managementOf(f.platform)) {
		return c.BadRequest("The management type of a filter for the platform '%s' is '%s'.", f.platform, managementOf(f.platform)) // ASSUMED
	}
	rule, ruleText := f.rule, f.ruleText
	if _, changes := c.Body["rule"]; changes {
		var err error
		ruleText = text(c.Body, "rule")
		if rule, err = filterrule.Parse(ruleText, f.platform); err != nil {
			return c.BadRequest("The filter rule is not valid: %s", err) // ASSUMED text
		}
	}
	f.rule, f.ruleText, f.matching = rule, ruleText, nil
	for member, field := range map[string]*string{"displayName": &f.displayName, "description": &f.description} {
		if _, given := c.Body[member]; given {
			*field = text(c.Body, member)
		}
	}
	if tags, given := c.Body["roleScopeTags"]; given {
		f.scopeTags = scopeTagsOf(tags)
	}
	return nil
}

func patchAssignmentFilter(c *call) (*reply, error) {
	s := c.server
	f, err := s.filters.Find(c.byID())
	if err != nil {
		return nil, err
	}
	if err := assignmentFilterShape.Check(&c.Request, c.Body, false); err != nil {
		return nil, err
	}
	if p, given := c.Body["platform"]; given && p != any(f.platform) {
		return nil, c.BadRequest("Property 'platform' cannot be changed.") // contract f, inferred
	}
	was := *f
	if err := c.fillAssignmentFilter(f); err != nil {
		return nil, err
	}
	s.filters.ChangedFrom(s.instant(), f, &was)
	f.Modified = c.now
	s.retarget(s.voidTargets)
	c.changed()
	return c.filterReply(http.StatusOK, f)
}

// deleteAssignmentFilter refuses a filter in use, and for a while one that was
// (contract f).
func deleteAssignmentFilter(c *call) (*reply, error) {
	s := c.server
	f, err := s.filters.Find(c.byID())
	if err != nil {
		return nil, err
	}
	grace := s.filterRelease()
	if len(s.filterPayloads(f)) > 0 || grace > 0 && !f.released.IsZero() && c.now.Before(f.released.Add(grace)) {
		return nil, c.BadRequest("The assignment filter is associated with existing assignments. Remove it from all assignments and try again.")
	}
	s.filters.Remove(s.instant(), f)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// filterPayloads lists what uses a filter.
func (s *Server) filterPayloads(f *assignmentFilter) []object {
	out := []object{}
	add := func(id, kind string, assignments []assignment) {
		for _, a := range assignments {
			if a.filterType != "none" && a.filterID == f.ID {
				out = append(out, object{"payloadId": id, "payloadType": kind, "groupId": a.group.String(), "assignmentFilterType": a.filterType})
			}
		}
	}
	for _, p := range s.policies {
		add(p.id.String(), "deviceConfigurationAndCompliance", p.assignments)
	}
	for _, r := range s.remediations.All() {
		add(r.ID, "unknown", r.targets())
	}
	return out
}

// releaseFilters notes which filters an object's new assignments dropped.
func (s *Server) releaseFilters(before, after []assignment, now time.Time) {
	for _, a := range before {
		if f := s.filters.Get(a.filterID); f != nil && !slices.ContainsFunc(after, func(o assignment) bool { return o.filterID == a.filterID }) {
			f.released = now
		}
	}
}

func listFilterPayloads(c *call) (*reply, error) {
	f, err := c.server.filters.See(c.byID())
	if err != nil {
		return nil, err
	}
	if live := c.server.filters.Get(f.ID); live != nil {
		f = live
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context(filtersContext+"('"+f.ID+"')/payloads", nil), "value": c.server.filterPayloads(f)}}, nil
}

// validateFilter checks a rule without storing it.
func validateFilter(c *call) (*reply, error) {
	if err := c.onlyParameters(c.Body, "deviceAndAppManagementAssignmentFilter"); err != nil {
		return nil, err
	}
	in, ok := c.Body["deviceAndAppManagementAssignmentFilter"].(map[string]any)
	if !ok {
		return nil, c.BadRequest("A value is required for parameter 'deviceAndAppManagementAssignmentFilter'.")
	}
	if err := assignmentFilterShape.Check(&c.Request, in, false); err != nil {
		return nil, err
	}
	_, err := filterrule.Parse(text(in, "rule"), text(in, "platform"))
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context("microsoft.graph.assignmentFilterValidationResult", nil), "isValidRule": err == nil}}, nil
}

// evaluateFilter previews the devices that a rule matches, as an octet-stream
// like a report (contract f).
func evaluateFilter(c *call) (*reply, error) {
	data, ok := c.Body["data"].(map[string]any)
	if !ok {
		return nil, c.BadRequest("A value is required for parameter 'data'.")
	}
	if err := errors.Join(c.onlyParameters(c.Body, "data"), c.onlyParameters(data, "platform", "rule", "search", "orderBy", "skip", "top")); err != nil {
		return nil, err
	}
	rule, err := filterrule.Parse(text(data, "rule"), text(data, "platform"))
	if err != nil {
		return nil, c.BadRequest("The filter rule is not valid: %s", err)
	}
	outer := c.Body
	c.Body = data
	skip, _, err := c.bodyNumber("skip")
	top, given, topErr := c.bodyNumber("top")
	c.Body = outer
	if err != nil || topErr != nil || !given {
		return nil, c.BadRequest("Parameters 'skip' and 'top' must be numbers, and 'top' is required.")
	}
	t := table{columns: []tableColumn{{"DeviceId", "String", nil}, {"DeviceName", "String", nil}, {"OS", "String", nil}, {"OSVersion", "String", nil}}}
	for _, v := range c.server.eachDevice(isEnrolled)(-1) {
		if reachedBy(text(data, "platform"), v.d) && rule.Matches(deviceFacts{v}) && strings.Contains(strings.ToLower(v.name()), strings.ToLower(text(data, "search"))) {
			t.rows = append(t.rows, []any{v.d.managedID.String(), v.name(), v.d.operatingSystem(), v.d.release().version})
		}
	}
	raw, err := json.Marshal(t.page(skip, top))
	if err != nil {
		return nil, fmt.Errorf("marshal the preview: %w", err)
	}
	return &reply{status: http.StatusOK, raw: raw, contentType: "application/octet-stream"}, nil
}

func filterPlatform(name string) platform {
	switch name {
	case "windows10AndLater", "windows81AndLater":
		return platformWindows
	case "macOS":
		return platformMacOS
	case "iOS", "iOSMobileApplicationManagement":
		return platformIOS
	case "android", "androidForWork", "androidWorkProfile", "androidAOSP", "androidMobileApplicationManagement":
		return platformAndroid
	default:
		return 0
	}
}

// devicesOf evaluates the filter. Device facts change rarely, so the result is
// kept until the rule changes, and reconsidered for a device that changes; the service evaluates at check-in (contract f),
// which is also when a target matters here.
func (f *assignmentFilter) devicesOf(s *Server) ids.Bitset {
	if f.matching == nil {
		f.matching = ids.NewBitset(len(s.fleet.devices))
		for i := range s.fleet.devices {
			if f.lets(s.device(int32(i))) {
				f.matching.Set(i)
			}
		}
	}
	return f.matching
}

func (f *assignmentFilter) lets(v deviceView) bool {
	return isEnrolled(v.d) && reachedBy(f.platform, v.d) && f.rule.Matches(deviceFacts{v})
}

// refresh evaluates the filter anew for one device that changed.
func (f *assignmentFilter) refresh(s *Server, i int32) {
	if f.matching == nil {
		return
	}
	f.matching = f.matching.Grown(len(s.fleet.devices))
	if f.matching.Clear(int(i)); f.lets(s.device(i)) {
		f.matching.Set(int(i))
	}
}

// narrow applies the filter of an assignment to the devices that it reaches.
func (s *Server) narrow(devices ids.Bitset, a assignment) {
	f := s.filters.Get(a.filterID)
	if f == nil || a.filterType == "none" {
		return
	}
	matching := f.devicesOf(s)
	for w := range devices {
		if a.filterType == "include" {
			devices[w] &= matching.Word(w)
		} else {
			devices[w] &^= matching.Word(w)
		}
	}
}

// admits reports whether the filter of a target lets a device through.
func (s *Server) admits(a assignment, i int32) bool {
	f := s.filters.Get(a.filterID)
	return f == nil || a.filterType == "none" || f.devicesOf(s).Has(int(i)) == (a.filterType == "include")
}

// assignmentFilter reads the filter of a target. Exclusion targets take none,
// and the filter's platform must be the policy's (contract f).
func (c *call) assignmentFilter(a assignment, target object, platforms platform) (assignment, error) {
	id, kind := text(target, "deviceAndAppManagementAssignmentFilterId"), text(target, "deviceAndAppManagementAssignmentFilterType")
	if kind != "" && !slices.Contains([]string{"none", "include", "exclude"}, kind) {
		return a, c.BadRequest("Cannot convert the literal '%s' to the expected type 'microsoft.graph.deviceAndAppManagementAssignmentFilterType'.", kind)
	}
	if id == "" || id == emptyFilterID {
		if kind == "include" || kind == "exclude" {
			return a, c.BadRequest("The assignment filter '%s' was not found.", id)
		}
		a.filterID = id
		return a, nil
	}
	f := c.server.filters.Get(id)
	switch {
	case f == nil:
		return a, c.BadRequest("The assignment filter '%s' was not found.", id)
	case kind == "" || kind == "none":
		return a, c.BadRequest("The assignment filter '%s' needs a filter type: include or exclude.", id) // ASSUMED
	case a.kind == targetExclude: // ASSUMED: the documentation only says that there is none (contract f, contract-2 y.4)
		return a, c.BadRequest("An exclusion target cannot have an assignment filter.")
	case filterPlatform(f.platform)&platforms == 0:
		return a, c.BadRequest("The platform '%s' of the assignment filter does not match with the platform of the policy.", f.platform)
	}
	a.filterID, a.filterType = f.ID, kind
	return a, nil
}
