// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Types of the what-if request (contract h, schema). Which parameters the
// service insists on is not published: identity and context are ASSUMED.
var (
	whatIfShape = shape{typeName: "microsoft.graph.evaluate", members: map[string]member{
		"signInIdentity": {kind: kindObject, required: true}, "signInContext": {kind: kindObject, required: true},
		"signInConditions": {kind: kindObject, of: whatIfConditionShape}, "appliedPoliciesOnly": {kind: kindBool}}}
	whatIfConditionShape = shapeOf("signInConditions", map[string]member{
		"devicePlatform": {kind: kindEnum, values: platformWords}, "clientAppType": {kind: kindEnum, values: clientAppWords},
		"country": {kind: kindString}, "ipAddress": {kind: kindString},
		"signInRiskLevel": {kind: kindEnum, values: riskWords}, "userRiskLevel": {kind: kindEnum, values: riskWords},
		"servicePrincipalRiskLevel": {kind: kindEnum, values: riskWords},
		"insiderRiskLevel":          {kind: kindEnum, values: []string{"none", "minor", "moderate", "elevated"}},
		"agentIdRiskLevel":          {kind: kindEnum, values: append([]string{"none"}, agentRiskWords...), beta: true},
		"authenticationFlow": {kind: kindObject, of: shapeOf("authenticationFlow", map[string]member{
			"transferMethod": {kind: kindFlags, values: []string{"none", "deviceCodeFlow", "authenticationTransfer"}}})},
		"deviceInfo": {kind: kindObject, of: whatIfDeviceShape}})
	whatIfDeviceShape = shapeOf("deviceInfo", extensionAttributes(), lists("physicalIds", "systemLabels"), map[string]member{
		"deviceId": {kind: kindString}, "displayName": {kind: kindString}, "enrollmentProfileName": {kind: kindString}, "isCompliant": {kind: kindBool},
		"manufacturer": {kind: kindString}, "mdmAppId": {kind: kindString}, "model": {kind: kindString}, "operatingSystem": {kind: kindString},
		"operatingSystemVersion": {kind: kindString}, "ownership": {kind: kindString}, "profileType": {kind: kindString}, "trustType": {kind: kindString}})
	whatIfIdentities = []*shape{
		shapeOf("userSignIn", map[string]member{"userId": {kind: kindString, required: true}, "externalTenantId": {kind: kindString},
			"externalUserType": flags(guestWords...)}),
		shapeOf("servicePrincipalSignIn", map[string]member{"servicePrincipalId": {kind: kindString, required: true}}),
		agentSignInShape}
	agentSignInShape = shapeOf("agentSignIn", map[string]member{"agentServicePrincipalId": {kind: kindString, required: true}})
	whatIfContexts   = []*shape{
		shapeOf("applicationContext", map[string]member{"includeApplications": {kind: kindStrings, required: true}}),
		shapeOf("userActionContext", map[string]member{"userAction": {kind: kindEnum, required: true, values: sortedKeys(userActions)}}),
		shapeOf("authContext", map[string]member{"authenticationContextValue": {kind: kindString, required: true}})}
)

// userActions maps the words of the request to those of a policy.
var userActions = map[string]string{
	"registerSecurityInformation": "urn:user:registersecurityinfo",
	"registerOrJoinDevices":       "urn:user:registerdevice",
}

func extensionAttributes() map[string]member {
	out := map[string]member{}
	for i := range 15 {
		out[fmt.Sprintf("extensionAttribute%d", i+1)] = member{kind: kindString}
	}
	return out
}

// checkOneOf checks an object whose @odata.type says which of several types it is.
func (c *call) checkOneOf(name string, of []*shape) error {
	body, _ := c.Body[name].(map[string]any)
	kind := strings.TrimPrefix(text(body, "@odata.type"), "#")
	i := slices.IndexFunc(of, func(s *shape) bool { return s.typeName == kind && (c.Beta || s != agentSignInShape) })
	if i < 0 {
		return c.BadRequest("The property '@odata.type' of '%s' is '%s', which names no type that it can have, such as '#%s'.", name, text(body, "@odata.type"), of[0].typeName)
	}
	return of[i].check(c, body, true)
}

// evaluateAccess is what-if: it holds a sign-in that nobody made against the
// tenant's policies (contract h). Policies in report-only state apply as well;
// their state is in the answer.
func evaluateAccess(c *call) (*reply, error) {
	if err := whatIfShape.check(c, c.Body, true); err != nil {
		return nil, err
	}
	if err := c.checkOneOf("signInIdentity", whatIfIdentities); err != nil {
		return nil, err
	}
	if err := c.checkOneOf("signInContext", whatIfContexts); err != nil {
		return nil, err
	}
	w := whatIf{s: c.server, identity: inner(c.Body, "signInIdentity"), context: inner(c.Body, "signInContext"), conditions: inner(c.Body, "signInConditions")}
	if id, asked := w.identity["userId"].(string); asked {
		if w.user, asked = c.server.findUser(id); !asked {
			return nil, c.BadRequest("The user '%s' of signInIdentity does not exist.", id) // ASSUMED: 400
		}
	}
	if address := text(w.conditions, "ipAddress"); address != "" {
		if _, err := netip.ParseAddr(address); err != nil {
			return nil, c.BadRequest("'%s' of signInConditions.ipAddress is not an IP address.", address) // ASSUMED: 400
		}
	}
	members, err := accessPolicyEntity.projection(c, nil)
	if err != nil {
		return nil, err
	}
	results := []object{}
	for _, p := range c.server.access.items {
		reason := w.against(p)
		if reason != reasonNone && boolean(c.Body, "appliedPoliciesOnly") {
			continue
		}
		out := render(p, members)
		c.shownAccess(out)
		out["policyApplies"], out["analysisReasons"] = reason == reasonNone, c.evolved(reason)
		results = append(results, out)
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context("Collection(microsoft.graph.whatIfAnalysisResult)", nil), "value": results}}, nil
}

// evolved is a reason as the client may see it: members of an evolvable enum that
// came after unknownFutureValue must be asked for (contract 0.3).
func (c *call) evolved(reason string) string {
	asked := c.Beta && c.prefers("include-unknown-enum-members")
	if !asked && (reason == reasonAgents || reason == reasonAgentRisk) {
		return unknownFuture
	}
	return reason
}

func inner(body object, name string) object {
	o, _ := body[name].(map[string]any)
	return o
}

// Why a policy does not apply: members of whatIfAnalysisReasons. The first that
// is found is given; the service may join several (it is a set of flags).
const (
	reasonNone        = "notSet"
	reasonUnknown     = "notEnoughInformation"
	reasonUsers       = "users"
	reasonWorkloads   = "workloadIdentities"
	reasonApplication = "application"
	reasonActions     = "userActions"
	reasonContext     = "authenticationContext"
	reasonPlatform    = "devicePlatform"
	reasonClientApps  = "clientApps"
	reasonLocation    = "location"
	reasonSignInRisk  = "signInRisk"
	reasonUserRisk    = "userRisk"
	reasonInsiderRisk = "insiderRisk"
	reasonFlow        = "authenticationFlow"
	reasonAgents      = "agentIdentities"
	reasonAgentRisk   = "agentIdRisk"
	reasonNotEnabled  = "policyNotEnabled"
)

// whatIf is one sign-in that is held against policies.
type whatIf struct {
	s                             *Server
	identity, context, conditions object
	user                          int32
}

// against returns why a policy does not apply, or reasonNone.
func (w *whatIf) against(p *accessPolicy) string {
	conditions := inner(p.doc, "conditions")
	if p.doc["state"] == "disabled" {
		return reasonNotEnabled
	}
	for _, judge := range []func(object) string{w.who, w.what, w.client, w.platform, w.devices, w.risk, w.place, w.flow, w.unknown} {
		if reason := judge(conditions); reason != reasonNone {
			return reason
		}
	}
	return reasonNone
}

// who judges users with their groups, nested ones too, a workload or an agent.
// Nobody in the tenant has a directory role.
func (w *whatIf) who(conditions object) string {
	workloads := inner(conditions, "clientApplications")
	if id, is := w.identity["servicePrincipalId"].(string); is {
		return listedPrincipal(workloads, id, "ServicePrincipals", "servicePrincipalFilter", everyTenantPrincipal, reasonWorkloads)
	}
	if id, is := w.identity["agentServicePrincipalId"].(string); is {
		return listedPrincipal(workloads, id, "AgentIdServicePrincipals", "agentIdServicePrincipalFilter", everything, reasonAgents)
	}
	users := inner(conditions, "users")
	if !w.named(users, "include") || w.named(users, "exclude") {
		return reasonUsers
	}
	return reasonNone
}

// listedPrincipal judges a sign-in without a user. A filter looks at custom
// attributes, which are not simulated.
func listedPrincipal(workloads object, id, list, filter, all, reason string) string {
	named := func(side string, words ...string) bool {
		return slices.ContainsFunc(texts(workloads[side+list]), func(v string) bool { return strings.EqualFold(v, id) || slices.Contains(words, v) })
	}
	switch {
	case named("exclude"):
		return reason
	case inner(workloads, filter) != nil:
		return reasonUnknown
	}
	return unless(named("include", all), reason)
}

// named reports whether one side of a user condition names the user.
func (w *whatIf) named(users object, side string) bool {
	external := text(w.identity, "externalUserType")
	guest := external != "" && external != "none"
	for _, id := range texts(users[side+"Users"]) {
		i, known := w.s.findUser(id)
		if id == everything || known && i == w.user || id == "GuestsOrExternalUsers" && guest {
			return true
		}
	}
	for _, id := range texts(users[side+"Groups"]) {
		key, _ := ids.ParseGUID(id)
		if g := w.s.groups[key]; g != nil && g.deleted.IsZero() && w.s.transitive(g).Has(int(w.user)) {
			return true
		}
	}
	guests := inner(users, side+"GuestsOrExternalUsers")
	return guest && guests != nil && odata.HasFlag(text(guests, "guestOrExternalUserTypes"), external)
}

// what judges the resource that is asked for.
func (w *whatIf) what(conditions object) string {
	applications := inner(conditions, "applications")
	if action, asked := w.context["userAction"].(string); asked {
		return unless(slices.Contains(texts(applications["includeUserActions"]), userActions[action]), reasonActions)
	}
	if value, asked := w.context["authenticationContextValue"].(string); asked {
		return unless(slices.Contains(texts(applications["includeAuthenticationContextClassReferences"]), value), reasonContext)
	}
	for _, name := range []string{"applicationFilter", "globalSecureAccess", "networkAccess"} {
		if inner(applications, name) != nil {
			return reasonUnknown // custom attributes of applications and network traffic are not simulated
		}
	}
	included, excluded := texts(applications["includeApplications"]), texts(applications["excludeApplications"])
	for _, id := range texts(w.context["includeApplications"]) {
		if (slices.Contains(included, everything) || slices.Contains(included, id)) && !slices.Contains(excluded, id) {
			return reasonNone
		}
	}
	return reasonApplication
}

func unless(met bool, reason string) string {
	if met {
		return reasonNone
	}
	return reason
}

// client judges the kind of client. A policy that asks for something which the
// request does not tell cannot be judged.
func (w *whatIf) client(conditions object) string {
	wanted, given := texts(conditions["clientAppTypes"]), text(w.conditions, "clientAppType")
	switch {
	case len(wanted) == 0, slices.Contains(wanted, "all"), slices.Contains(wanted, given):
		return reasonNone
	case given == "":
		return reasonUnknown
	default:
		return reasonClientApps
	}
}

// devices judges what is about single devices: rules over Entra devices, device
// states and ids are not simulated. ASSUMED.
func (w *whatIf) devices(conditions object) string {
	for _, name := range []string{"devices", "deviceStates"} {
		for _, v := range inner(conditions, name) {
			if list, isList := v.([]any); v != nil && (!isList || len(list) > 0) {
				return reasonUnknown
			}
		}
	}
	return reasonNone
}

// unknown judges the conditions of which nothing is published.
func (w *whatIf) unknown(conditions object) string {
	for _, name := range []string{"times", "clients", "agents", "signInRiskDetections"} {
		if conditions[name] != nil {
			return reasonUnknown
		}
	}
	return reasonNone
}

func (w *whatIf) platform(conditions object) string {
	platforms, given := inner(conditions, "platforms"), text(w.conditions, "devicePlatform")
	included, excluded := texts(platforms["includePlatforms"]), texts(platforms["excludePlatforms"])
	switch {
	case len(included) == 0 && len(excluded) == 0:
		return reasonNone
	case slices.Contains(included, "all") && len(excluded) == 0:
		return reasonNone
	case given == "":
		return reasonUnknown
	}
	return unless((slices.Contains(included, "all") || slices.Contains(included, given)) && !slices.Contains(excluded, given), reasonPlatform)
}

// risk judges the risk levels; one that is not told is none. ASSUMED.
func (w *whatIf) risk(conditions object) string {
	for _, k := range []struct{ wanted, given, reason string }{
		{"signInRiskLevels", "signInRiskLevel", reasonSignInRisk}, {"userRiskLevels", "userRiskLevel", reasonUserRisk},
		{"servicePrincipalRiskLevels", "servicePrincipalRiskLevel", reasonWorkloads},
	} {
		if wanted := texts(conditions[k.wanted]); len(wanted) > 0 && !slices.Contains(wanted, w.level(k.given)) {
			return k.reason
		}
	}
	if wanted := text(conditions, "insiderRiskLevels"); wanted != "" && !odata.HasFlag(wanted, w.level("insiderRiskLevel")) {
		return reasonInsiderRisk
	}
	if wanted := text(conditions, "agentIdRiskLevels"); wanted != "" && !odata.HasFlag(wanted, w.level("agentIdRiskLevel")) {
		return reasonAgentRisk
	}
	return reasonNone
}

func (w *whatIf) level(name string) string {
	if given := text(w.conditions, name); given != "" {
		return given
	}
	return "none"
}

func (w *whatIf) flow(conditions object) string {
	wanted := text(inner(conditions, "authenticationFlows"), "transferMethods")
	if wanted == "" || wanted == "none" {
		return reasonNone
	}
	return unless(sharesFlag(text(inner(w.conditions, "authenticationFlow"), "transferMethod"), wanted), reasonFlow)
}
