// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// Types of the what-if request (contract h, schema). Which parameters the
// service insists on is not published: identity and context are ASSUMED.
var (
	whatIfShape = shape.Shape{TypeName: "microsoft.graph.evaluate", Members: map[string]shape.Member{
		"signInIdentity": {Kind: shape.Object, Required: true}, "signInContext": {Kind: shape.Object, Required: true},
		"signInConditions": {Kind: shape.Object, Of: whatIfConditionShape}, "appliedPoliciesOnly": {Kind: shape.Bool}}}
	whatIfConditionShape = shapeOf("signInConditions", map[string]shape.Member{
		"devicePlatform": {Kind: shape.Enum, Values: platformWords}, "clientAppType": {Kind: shape.Enum, Values: clientAppWords},
		"country": {Kind: shape.String}, "ipAddress": {Kind: shape.String},
		"signInRiskLevel": {Kind: shape.Enum, Values: riskWords}, "userRiskLevel": {Kind: shape.Enum, Values: riskWords},
		"servicePrincipalRiskLevel": {Kind: shape.Enum, Values: riskWords},
		"insiderRiskLevel":          {Kind: shape.Enum, Values: []string{"none", "minor", "moderate", "elevated"}},
		"agentIdRiskLevel":          {Kind: shape.Enum, Values: append([]string{"none"}, agentRiskWords...), Beta: true},
		"authenticationFlow": {Kind: shape.Object, Of: shapeOf("authenticationFlow", map[string]shape.Member{
			"transferMethod": {Kind: shape.Flags, Values: []string{"none", "deviceCodeFlow", "authenticationTransfer"}}})},
		"deviceInfo": {Kind: shape.Object, Of: whatIfDeviceShape}})
	whatIfDeviceShape = shapeOf("deviceInfo", extensionAttributes(), lists("physicalIds", "systemLabels"), map[string]shape.Member{
		"deviceId": {Kind: shape.String}, "displayName": {Kind: shape.String}, "enrollmentProfileName": {Kind: shape.String}, "isCompliant": {Kind: shape.Bool},
		"manufacturer": {Kind: shape.String}, "mdmAppId": {Kind: shape.String}, "model": {Kind: shape.String}, "operatingSystem": {Kind: shape.String},
		"operatingSystemVersion": {Kind: shape.String}, "ownership": {Kind: shape.String}, "profileType": {Kind: shape.String}, "trustType": {Kind: shape.String}})
	whatIfIdentities = []*shape.Shape{
		shapeOf("userSignIn", map[string]shape.Member{"userId": {Kind: shape.String, Required: true}, "externalTenantId": {Kind: shape.String},
			"externalUserType": flags(guestWords...)}),
		shapeOf("servicePrincipalSignIn", map[string]shape.Member{"servicePrincipalId": {Kind: shape.String, Required: true}}),
		agentSignInShape}
	agentSignInShape = shapeOf("agentSignIn", map[string]shape.Member{"agentServicePrincipalId": {Kind: shape.String, Required: true}})
	whatIfContexts   = []*shape.Shape{
		shapeOf("applicationContext", map[string]shape.Member{"includeApplications": {Kind: shape.Strings, Required: true}}),
		shapeOf("userActionContext", map[string]shape.Member{"userAction": {Kind: shape.Enum, Required: true, Values: sortedKeys(userActions)}}),
		shapeOf("authContext", map[string]shape.Member{"authenticationContextValue": {Kind: shape.String, Required: true}})}
)

// userActions maps the words of the request to those of a policy.
var userActions = map[string]string{
	"registerSecurityInformation": "urn:user:registersecurityinfo",
	"registerOrJoinDevices":       "urn:user:registerdevice",
}

func extensionAttributes() map[string]shape.Member {
	out := map[string]shape.Member{}
	for i := range 15 {
		out[fmt.Sprintf("extensionAttribute%d", i+1)] = shape.Member{Kind: shape.String}
	}
	return out
}

// checkOneOf checks an object whose @odata.type says which of several types it is.
func (c *call) checkOneOf(name string, of []*shape.Shape) error {
	body, _ := c.Body[name].(map[string]any)
	kind := strings.TrimPrefix(text(body, "@odata.type"), "#")
	i := slices.IndexFunc(of, func(s *shape.Shape) bool { return s.TypeName == kind && (c.Beta || s != agentSignInShape) })
	if i < 0 {
		return c.BadRequest("The property '@odata.type' of '%s' is '%s', which names no type that it can have, such as '#%s'.", name, text(body, "@odata.type"), of[0].TypeName)
	}
	return of[i].Check(&c.Request, body, true)
}

// evaluateAccess is what-if: it holds a sign-in that nobody made against the
// tenant's policies (contract h). Policies in report-only state apply as well;
// their state is in the answer.
func evaluateAccess(c *call) (*reply, error) {
	if err := whatIfShape.Check(&c.Request, c.Body, true); err != nil {
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
	members, err := accessPolicyEntity.Projection(&c.Request, nil)
	if err != nil {
		return nil, err
	}
	results := []object{}
	for _, p := range c.server.access.All() {
		reason := w.against(p)
		if reason != reasonNone && boolean(c.Body, "appliedPoliciesOnly") {
			continue
		}
		out := entity.Render(p, members)
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
