// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Words that stand in lists of ids. The service takes them in any case: its own
// errors 1011 and 1064 write 'none' and 'All', the documentation None and all.
const (
	everything           = "All"
	nobody               = "None"
	guestsOrExternals    = "GuestsOrExternalUsers"
	allAgentUsers        = "AllAgentIdUsers" // beta documentation of list policies, example 2
	allTrustedLocations  = "AllTrusted"
	everyTenantPrincipal = "ServicePrincipalsInMyTenant"
	riskRemediation      = "riskRemediation"
)

// accessWords are the words by condition and list.
var accessWords = map[string]map[string][]string{
	"users":              {"Users": {everything, nobody, guestsOrExternals, allAgentUsers}},
	"applications":       {"Applications": {everything, nobody, "Office365", "MicrosoftAdminPortals", "AllAgentIdResources"}},
	"locations":          {"Locations": {everything, allTrustedLocations}},
	"clientApplications": {"ServicePrincipals": {everyTenantPrincipal}, "AgentIdServicePrincipals": {everything}},
}

// normalAccess writes the words of a body as the documentation does. The body may
// have any shape: it is checked afterwards.
func normalAccess(doc object) {
	conditions := inner(doc, "conditions")
	for condition, byList := range accessWords {
		for list, words := range byList {
			for _, side := range []string{"include", "exclude"} {
				respell(inner(conditions, condition), side+list, words)
			}
		}
	}
	respell(conditions, "clientAppTypes", clientAppWords)
}

func respell(of object, name string, words []string) {
	list, ok := of[name].([]any)
	if !ok {
		return
	}
	out := slices.Clone(list)
	for k, v := range out {
		given, _ := v.(string)
		if i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, given) }); i >= 0 {
			out[k] = words[i]
		}
	}
	of[name] = out
}

// accessError is a refusal of the policy service: the gateway says only that
// something is malformed, the number and the sentence stand in innerError (issues
// AlexFilipin/ConditionalAccess 3, ModernWorkplaceConcierge 50). Sentences with
// a number above 1900 are ASSUMED.
func (c *call) accessError(number int, format string, args ...any) error {
	e := odata.Fail(http.StatusBadRequest, odata.CodeBadRequest, "The server could not process the request because it is malformed or incorrect.")
	e.Inner = fmt.Sprintf("%d: %s", number, fmt.Sprintf(format, args...))
	return e
}

// checkAccess refuses a policy that lacks a required part or holds what excludes
// each other, and references of what was written that lead nowhere (contract h;
// third-party 11). What an earlier write referred to may be gone by now: a
// change of something else still succeeds. ASSUMED.
func (c *call) checkAccess(doc, written object) error {
	for _, name := range []string{"displayName", "state", "conditions"} {
		if doc[name] == nil || doc[name] == "" {
			return c.accessError(1900, "'%s' is required.", name)
		}
	}
	for _, check := range []func(object) error{c.checkParts, c.checkSides, c.checkControls} {
		if err := check(doc); err != nil {
			return err
		}
	}
	conditions := inner(written, "conditions")
	for _, check := range []func(object) error{c.checkAccessUsers, c.checkApplications, c.checkLocations, c.checkWorkloads} {
		if err := check(conditions); err != nil {
			return err
		}
	}
	return c.checkGrantReferences(inner(written, "grantControls"))
}

// anyControl reports whether any control is set.
func anyControl(of object) bool {
	for name, v := range of {
		list, isList := v.([]any)
		if name != "operator" && v != nil && (!isList || len(list) > 0) {
			return true
		}
	}
	return false
}

// checkParts wants the parts that are documented as required
// (conditionalaccessconditionset: applications, clientAppTypes, and either users
// or clientApplications).
func (c *call) checkParts(doc object) error {
	conditions := inner(doc, "conditions")
	if len(texts(conditions["clientAppTypes"])) == 0 {
		return c.accessError(1064, "'clientAppTypes' condition does not support []. If you want to target all client apps, use ['All'].")
	}
	applications := inner(conditions, "applications")
	actions := len(texts(applications["includeUserActions"])) > 0
	other := actions || len(texts(applications["includeAuthenticationContextClassReferences"])) > 0
	included := len(texts(applications["includeApplications"])) > 0
	switch {
	case included && other:
		return c.accessError(1012, "'applications' condition cannot include both 'includeApplications' and 'includeUserActions'/'includeProtectionLevels'.")
	case !included && !other && inner(applications, "applicationFilter") == nil && inner(applications, "globalSecureAccess") == nil && inner(applications, "networkAccess") == nil:
		return c.accessError(1011, "'applications' condition must specify the applications to include. Try 'includeApplications' = ['none'] to start with.")
	}
	if includes(inner(conditions, "users")) || includes(inner(conditions, "clientApplications")) {
		return nil
	}
	return c.accessError(1903, "'users' condition must specify the users to include. Try 'includeUsers' = ['none'] to start with.")
}

// checkSides checks what the sides of a condition exclude.
func (c *call) checkSides(doc object) error {
	conditions := inner(doc, "conditions")
	users := inner(conditions, "users")
	for _, side := range []string{"include", "exclude"} {
		if slices.Contains(texts(users[side+"Users"]), guestsOrExternals) && inner(users, side+"GuestsOrExternalUsers") != nil {
			return c.accessError(1906, "'%s' cannot be combined with %sGuestsOrExternalUsers.", guestsOrExternals, side) // azuread issue 1196
		}
	}
	if locations := inner(conditions, "locations"); locations != nil && len(texts(locations["includeLocations"])) == 0 {
		return c.accessError(1910, "'locations' condition must specify the locations to include.")
	}
	return nil
}

// includes reports whether a condition names anything to include. A filter of
// service principals does.
func includes(of object) bool {
	for name, v := range of {
		list, isList := v.([]any)
		if (strings.HasPrefix(name, "include") || strings.HasSuffix(name, "Filter")) && v != nil && (!isList || len(list) > 0) {
			return true
		}
	}
	return false
}

func (c *call) checkAccessUsers(conditions object) error {
	users := inner(conditions, "users")
	for _, side := range []string{"include", "exclude"} {
		for _, id := range texts(users[side+"Groups"]) {
			if g, isID := ids.ParseGUID(id); !isID || c.server.groups[g] == nil || !c.server.groups[g].deleted.IsZero() {
				return c.accessError(1904, "The group '%s' of users.%sGroups does not exist.", id, side)
			}
		}
		for _, id := range texts(users[side+"Users"]) {
			if _, exists := c.server.findUser(id); !exists && !slices.Contains(accessWords["users"]["Users"], id) {
				return c.accessError(1904, "The user '%s' of users.%sUsers does not exist.", id, side)
			}
		}
		for _, id := range texts(users[side+"Roles"]) {
			if _, isID := ids.ParseGUID(id); !isID { // azuread issue 686: All is no role
				return c.accessError(1905, "The role '%s' of users.%sRoles is not the id of a role template.", id, side)
			}
		}
	}
	return nil
}

// checkApplications refuses what is no application. Which of Microsoft's own
// exist without a service principal in the tenant is not published, so that an
// id that nothing else in the tenant has is taken for one. ASSUMED.
func (c *call) checkApplications(conditions object) error {
	applications := inner(conditions, "applications")
	for _, name := range []string{"includeApplications", "excludeApplications"} {
		for _, id := range texts(applications[name]) {
			_, isID := ids.ParseGUID(id)
			if word := slices.Contains(accessWords["applications"]["Applications"], id); !word && (!isID || c.server.isObject(id)) {
				return c.accessError(1907, "The application '%s' of applications.%s does not exist: an application is named by its appId.", id, name)
			}
		}
	}
	for _, action := range texts(applications["includeUserActions"]) {
		if !slices.Contains([]string{"urn:user:registersecurityinfo", "urn:user:registerdevice"}, action) {
			return c.accessError(1908, "The user action '%s' of applications.includeUserActions does not exist.", action)
		}
	}
	return nil
}

// isObject reports whether an id is that of something in the tenant that is no
// application: a user, a device, a group or a service principal.
func (s *Server) isObject(id string) bool {
	key, _ := ids.ParseGUID(id)
	_, member := s.objects[key]
	_, group := s.groups[key]
	return member || group || slices.ContainsFunc(s.principals(), func(p principal) bool { return p.id == key.String() })
}

// checkLocations: the empty id is that of the trusted addresses of multifactor
// authentication, which every tenant has (Microsoft365DSC issues 2974, 3174).
func (c *call) checkLocations(conditions object) error {
	locations := inner(conditions, "locations")
	for _, name := range []string{"includeLocations", "excludeLocations"} {
		for _, id := range texts(locations[name]) {
			if !slices.Contains(accessWords["locations"]["Locations"], id) && id != trustedAddressesID && c.server.locations.Get(strings.ToLower(id)) == nil {
				return c.accessError(1909, "The named location '%s' of locations.%s does not exist.", id, name)
			}
		}
	}
	return nil
}

func (c *call) checkWorkloads(conditions object) error {
	clients := inner(conditions, "clientApplications")
	known := func(id string) bool {
		return slices.ContainsFunc(c.server.principals(), func(p principal) bool { return strings.EqualFold(p.id, id) })
	}
	for _, name := range []string{"includeServicePrincipals", "excludeServicePrincipals"} {
		for _, id := range texts(clients[name]) {
			if id != everyTenantPrincipal && !known(id) {
				return c.accessError(1911, "The service principal '%s' of clientApplications.%s does not exist.", id, name)
			}
		}
	}
	for _, name := range []string{"includeAgentIdServicePrincipals", "excludeAgentIdServicePrincipals"} {
		for _, id := range texts(clients[name]) { // agents are not simulated: every id could be one
			if _, isID := ids.ParseGUID(id); !isID && id != everything {
				return c.accessError(1911, "The agent identity '%s' of clientApplications.%s is not an object id.", id, name)
			}
		}
	}
	return nil
}

// checkControls checks the controls as a whole.
func (c *call) checkControls(doc object) error {
	grant := inner(doc, "grantControls")
	strength, words := inner(grant, "authenticationStrength"), texts(grant["builtInControls"])
	switch {
	case !anyControl(grant) && !anyControl(inner(doc, "sessionControls")):
		return c.accessError(1901, "The policy has no grant control and no session control.")
	case doc["state"] == "enabled" && c.server.securityDefaults: // documentation of security defaults
		return c.accessError(1902, "Security defaults must be disabled before a conditional access policy can be enabled.")
	case anyControl(grant) && grant["operator"] == nil:
		return c.accessError(1913, "'grantControls' must specify an 'operator': AND or OR.")
	case strength != nil && slices.Contains(words, "mfa"): // contract h, inferred
		return c.accessError(1915, "The control mfa and an authentication strength exclude each other.")
	case slices.Contains(words, "block") && (len(words) > 1 || strength != nil):
		return c.accessError(1916, "The control block excludes every other grant control.")
	}
	return nil
}

// checkGrantReferences: agreements are not simulated, every id could be one.
func (c *call) checkGrantReferences(grant object) error {
	for _, id := range texts(grant["termsOfUse"]) {
		if _, isID := ids.ParseGUID(id); !isID {
			return c.accessError(1912, "'%s' of grantControls.termsOfUse is not the id of an agreement.", id)
		}
	}
	strength := inner(grant, "authenticationStrength")
	if strength != nil && c.server.strengths.Get(text(strength, "id")) == nil {
		return c.accessError(1914, "The authentication strength '%s' does not exist.", text(strength, "id"))
	}
	return nil
}

// hideUnknownMembers writes a member of an evolvable enum that came after
// unknownFutureValue as that, unless the client asks for it (contract 0.3).
func (c *call) hideUnknownMembers(grant object) {
	words, _ := grant["builtInControls"].([]any)
	for i, word := range words {
		if word == riskRemediation && !c.prefers("include-unknown-enum-members") {
			words[i] = unknownFuture
		}
	}
}

const unknownFuture = "unknownFutureValue"
