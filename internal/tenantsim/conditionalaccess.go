// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// maxAccessPolicies is the limit of a tenant (contract h, inferred).
const maxAccessPolicies = 195

// Permissions of contract h.
var (
	rolesReadPolicy  = []string{"Policy.Read.All", "Policy.Read.ConditionalAccess"}
	rolesWriteAccess = []string{"Policy.ReadWrite.ConditionalAccess"}
)

// accessPolicy is a conditional access policy: a document with known members.
type accessPolicy struct {
	meta
	doc     object
	deleted time.Time // zero: it lives
}

func (p *accessPolicy) member(name string) func(*accessPolicy) any {
	return func(q *accessPolicy) any { return q.doc[name] }
}

var accessPolicyEntity = func() *entity[*accessPolicy] {
	var p *accessPolicy
	return &entity[*accessPolicy]{name: "microsoft.graph.conditionalAccessPolicy", properties: []property[*accessPolicy]{
		{name: "id", ops: opsEquality, get: func(p *accessPolicy) any { return p.id }},
		{name: "templateId", stable: true, get: func(*accessPolicy) any { return nil }},
		{name: "displayName", ops: opsText, get: p.member("displayName")},
		{name: "description", get: p.member("description")},
		{name: "createdDateTime", ops: opsOrder, get: func(p *accessPolicy) any { return intuneTime(p.created) }},
		{name: "modifiedDateTime", ops: opsOrder, get: func(p *accessPolicy) any {
			if p.modified.Equal(p.created) { // contract h: null on a policy that never changed
				return nil
			}
			return intuneTime(p.modified)
		}},
		{name: "state", ops: opEq, get: p.member("state")},
		{name: "conditions", get: p.member("conditions")},
		{name: "grantControls", get: p.member("grantControls")},
		{name: "sessionControls", get: p.member("sessionControls")},
		{name: "deletedDateTime", hidden: true, get: func(p *accessPolicy) any {
			if p.deleted.IsZero() {
				return nil
			}
			return intuneTime(p.deleted)
		}},
	}}
}()

func lists(names ...string) map[string]member {
	out := map[string]member{}
	for _, n := range names {
		out[n] = member{kind: kindStrings}
	}
	return out
}

func shapeOf(name string, sets ...map[string]member) *shape {
	s := &shape{typeName: "microsoft.graph." + name, members: map[string]member{}}
	for _, set := range sets {
		maps.Copy(s.members, set)
	}
	return s
}

var clientAppWords = []string{"all", "browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "easSupported", "other"}

var platformWords = []string{"android", "iOS", "windows", "windowsPhone", "macOS", "linux", "all"}

var (
	accessFilterShape = shapeOf("conditionalAccessFilter", map[string]member{
		"mode": {kind: kindEnum, values: []string{"include", "exclude"}}, "rule": {kind: kindString},
	})
	accessUsersShape = shapeOf("conditionalAccessUsers", lists("includeUsers", "excludeUsers", "includeGroups", "excludeGroups", "includeRoles", "excludeRoles"),
		map[string]member{"includeGuestsOrExternalUsers": {kind: kindObject}, "excludeGuestsOrExternalUsers": {kind: kindObject}})
	accessAppsShape = shapeOf("conditionalAccessApplications", lists("includeApplications", "excludeApplications", "includeUserActions", "includeAuthenticationContextClassReferences"),
		map[string]member{"applicationFilter": {kind: kindObject, of: accessFilterShape}})
	accessPlatformsShape = shapeOf("conditionalAccessPlatforms", map[string]member{
		"includePlatforms": {kind: kindStrings, values: platformWords}, "excludePlatforms": {kind: kindStrings, values: platformWords},
	})
	riskWords            = []string{"low", "medium", "high", "hidden", "none"}
	accessConditionShape = shapeOf("conditionalAccessConditionSet", map[string]member{
		"clientAppTypes":             {kind: kindStrings, values: clientAppWords},
		"applications":               {kind: kindObject, of: accessAppsShape},
		"users":                      {kind: kindObject, of: accessUsersShape},
		"platforms":                  {kind: kindObject, of: accessPlatformsShape},
		"locations":                  {kind: kindObject, of: shapeOf("conditionalAccessLocations", lists("includeLocations", "excludeLocations"))},
		"devices":                    {kind: kindObject, of: shapeOf("conditionalAccessDevices", map[string]member{"deviceFilter": {kind: kindObject, of: accessFilterShape}})},
		"clientApplications":         {kind: kindObject},
		"authenticationFlows":        {kind: kindObject},
		"signInRiskLevels":           {kind: kindStrings, values: riskWords},
		"userRiskLevels":             {kind: kindStrings, values: riskWords},
		"servicePrincipalRiskLevels": {kind: kindStrings, values: riskWords},
		"insiderRiskLevels":          {kind: kindString},
	})
	accessGrantShape = shapeOf("conditionalAccessGrantControls", lists("customAuthenticationFactors", "termsOfUse"), map[string]member{
		"operator": {kind: kindEnum, values: []string{"AND", "OR"}},
		"builtInControls": {kind: kindStrings, values: []string{"block", "mfa", "compliantDevice", "domainJoinedDevice", "approvedApplication",
			"compliantApplication", "passwordChange", "riskRemediation"}},
		"authenticationStrength": {kind: kindObject},
	})
	accessSessionShape = shapeOf("conditionalAccessSessionControls", map[string]member{
		"applicationEnforcedRestrictions": {kind: kindObject}, "cloudAppSecurity": {kind: kindObject}, "disableResilienceDefaults": {kind: kindBool},
		"persistentBrowser": {kind: kindObject}, "secureSignInSession": {kind: kindObject}, "signInFrequency": {kind: kindObject},
	})
	accessPolicyShape = shape{typeName: "microsoft.graph.conditionalAccessPolicy", members: map[string]member{
		"id": {kind: kindString, readOnly: true}, "templateId": {kind: kindString, readOnly: true},
		"createdDateTime": {kind: kindDate, readOnly: true}, "modifiedDateTime": {kind: kindDate, readOnly: true},
		"deletedDateTime": {kind: kindDate, readOnly: true},
		"displayName":     {kind: kindString, required: true, max: 256},
		"description":     {kind: kindString},
		"state":           {kind: kindEnum, required: true, values: []string{"enabled", "disabled", "enabledForReportingButNotEnforced"}},
		"conditions":      {kind: kindObject, required: true, of: accessConditionShape},
		"grantControls":   {kind: kindObject, of: accessGrantShape},
		"sessionControls": {kind: kindObject, of: accessSessionShape},
	}}
)

const accessContext = "identity/conditionalAccess/policies"

// shownAccess expands the authentication strength of a policy (contract h).
func (c *call) shownAccess(out object) {
	grant, ok := out["grantControls"].(map[string]any)
	if !ok {
		return
	}
	ref, ok := grant["authenticationStrength"].(map[string]any)
	if !ok {
		return
	}
	grant = maps.Clone(grant)
	if strength := c.server.strengths.get(text(ref, "id")); strength != nil {
		members, err := strengthEntity.projection(c, nil)
		if err == nil {
			grant["authenticationStrength"] = render(strength, members)
		}
	}
	grant["authenticationStrength@odata.context"] = c.base() + "/$metadata#" + accessContext + "('" + text(out, "id") + "')/grantControls/authenticationStrength/$entity"
	out["grantControls"] = grant
}

func listAccessPolicies(c *call) (*reply, error) {
	return listReply(c, c.query, accessPolicyEntity, c.server.access.listed(c), listStyle{context: accessContext, size: 100, max: 999,
		decorate: func(_ int64, out object) error {
			c.shownAccess(out)
			return nil
		}})
}

func getAccessPolicy(c *call) (*reply, error) {
	p, err := c.server.access.see(c)
	if err != nil {
		return nil, err
	}
	return c.accessReply(http.StatusOK, p, c.query.selected)
}

func (c *call) accessReply(status int, p *accessPolicy, selected []string) (*reply, error) {
	members, err := accessPolicyEntity.projection(c, selected)
	if err != nil {
		return nil, err
	}
	out := render(p, members)
	c.shownAccess(out)
	return c.entityReply(status, accessContext+"/$entity", out), nil
}

func createAccessPolicy(c *call) (*reply, error) {
	if err := accessPolicyShape.check(c, c.body, true); err != nil {
		return nil, err
	}
	s := c.server
	if len(s.access.items) >= maxAccessPolicies {
		return nil, c.badRequest("The maximum number of policies (%d) is reached.", maxAccessPolicies)
	}
	p := &accessPolicy{doc: object{}}
	if err := c.mergeAccess(p); err != nil {
		return nil, err
	}
	s.access.add(s, p, "conditionalAccessPolicy")
	c.changed()
	return c.accessReply(http.StatusCreated, p, nil)
}

func patchAccessPolicy(c *call) (*reply, error) {
	s := c.server
	p, err := s.access.find(c)
	if err != nil {
		return nil, err
	}
	if err := accessPolicyShape.check(c, c.body, false); err != nil {
		return nil, err
	}
	was := *p
	if err := c.mergeAccess(p); err != nil {
		return nil, err
	}
	s.access.trail.note(s, p, &was)
	p.modified = c.now
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// deleteAccessPolicy is soft: see restoreAccess.
func deleteAccessPolicy(c *call) (*reply, error) {
	p, err := c.server.access.find(c)
	if err != nil {
		return nil, err
	}
	c.server.removeAccess(p, c.now)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// mergeAccess builds the canonical document from the old one and the body: each
// member that is named replaces the old, and collections are never null.
func (c *call) mergeAccess(p *accessPolicy) error {
	next := maps.Clone(p.doc)
	for name, m := range accessPolicyShape.members {
		if v, given := c.body[name]; given && !m.readOnly {
			next[name] = canonical(m, v)
		}
	}
	if err := c.checkAccess(next); err != nil {
		return err
	}
	p.doc = next
	return nil
}

// canonical fills a document in with what the service adds: empty lists and
// nulls for members that were left out.
func canonical(m member, v any) any {
	body, ok := v.(map[string]any)
	if !ok || m.of == nil {
		return v
	}
	out := object{}
	for name, inner := range m.of.members {
		if value, given := body[name]; given && value != nil {
			out[name] = canonical(inner, value)
		} else if inner.kind == kindStrings {
			out[name] = []any{}
		} else {
			out[name] = nil
		}
	}
	return out
}

// checkAccess refuses references that do not resolve and controls that exclude
// each other (contract h).
func (c *call) checkAccess(doc object) error {
	conditions, _ := doc["conditions"].(map[string]any)
	users, _ := conditions["users"].(map[string]any)
	for _, name := range []string{"includeGroups", "excludeGroups"} {
		for _, id := range texts(users[name]) {
			if g, isID := parseGUID(id); !isID || c.server.groups[g] == nil || !c.server.groups[g].deleted.IsZero() {
				return c.accessError("1040", "The group '%s' of users.%s does not exist.", id, name)
			}
		}
	}
	for _, name := range []string{"includeUsers", "excludeUsers"} {
		for _, id := range texts(users[name]) {
			if _, exists := c.server.findUser(id); !exists && !slices.Contains([]string{"All", "None", "GuestsOrExternalUsers"}, id) {
				return c.accessError("1040", "The user '%s' of users.%s does not exist.", id, name)
			}
		}
	}
	grant, _ := doc["grantControls"].(map[string]any)
	session, _ := doc["sessionControls"].(map[string]any)
	if grant == nil && session == nil {
		return c.accessError("1007", "Policy contains no grant or session control.")
	}
	return c.checkGrant(grant)
}

func (c *call) checkGrant(grant object) error {
	strength, _ := grant["authenticationStrength"].(map[string]any)
	controls := texts(grant["builtInControls"])
	switch {
	case strength != nil && c.server.strengths.get(text(strength, "id")) == nil:
		return c.accessError("1064", "The authentication strength '%s' does not exist.", text(strength, "id"))
	case strength != nil && slices.Contains(controls, "mfa"): // contract h, inferred
		return c.accessError("1065", "The control mfa and an authentication strength exclude each other.")
	case slices.Contains(controls, "block") && (len(controls) > 1 || strength != nil):
		return c.accessError("1006", "The control block excludes every other grant control.")
	}
	return nil
}

// accessError is a refusal of the policy service; its numbers are ASSUMED.
func (c *call) accessError(number, format string, args ...any) error {
	return fail(http.StatusBadRequest, codeBadRequest, "%s: %s", number, fmt.Sprintf(format, args...))
}
