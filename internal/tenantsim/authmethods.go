// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Permissions of contract i.
var (
	rolesReadMethods  = []string{"Policy.Read.AuthenticationMethod", "Policy.ReadWrite.AuthenticationMethod", "Policy.Read.All"}
	rolesWriteMethods = []string{"Policy.ReadWrite.AuthenticationMethod"}
)

// Limits of contract i.
const (
	maxPasskeyProfiles = 3
	maxMethodsPolicy   = 20 << 10
)

// DefaultPasskeyProfile is the id of the profile that every tenant has.
const DefaultPasskeyProfile = "00000000-0000-0000-0000-000000000001"

const fido2Type = "microsoft.graph.fido2AuthenticationMethodConfiguration"

// newFido2 is a tenant in which passkeys, synced ones too, are allowed for
// everybody, so that a healthy tenant needs no preparation.
func newFido2() object {
	open := object{"isEnforced": false, "enforcementType": "allow", "aaGuids": []any{}}
	return object{
		"state": "enabled", "isSelfServiceRegistrationAllowed": true, "isAttestationEnforced": false, "keyRestrictions": open,
		"defaultPasskeyProfile": DefaultPasskeyProfile,
		"passkeyProfiles": []any{object{"id": DefaultPasskeyProfile, "name": "Default passkey profile", "passkeyTypes": "deviceBound,synced",
			"attestationEnforcement": "disabled", "keyRestrictions": open}},
		"includeTargets": []any{object{"targetType": "group", "id": "all_users", "isRegistrationRequired": false, "allowedPasskeyProfiles": []any{DefaultPasskeyProfile}}},
		"excludeTargets": []any{},
	}
}

var (
	keyRestrictionShape = shapeOf("fido2KeyRestrictions", map[string]member{
		"isEnforced": {kind: kindBool}, "enforcementType": {kind: kindEnum, values: []string{"allow", "block"}}, "aaGuids": {kind: kindStrings}})
	passkeyProfileShape = shapeOf("passkeyProfile", map[string]member{
		"id": {kind: kindString}, "name": {kind: kindString, required: true},
		"passkeyTypes":           {kind: kindFlags, required: true, values: []string{"deviceBound", "synced"}},
		"attestationEnforcement": {kind: kindEnum, values: []string{"disabled", "registrationOnly"}},
		"keyRestrictions":        {kind: kindObject, of: keyRestrictionShape}})
	passkeyTargetShape = shapeOf("passkeyAuthenticationMethodTarget", map[string]member{
		"id": {kind: kindString, required: true}, "targetType": {kind: kindEnum, required: true, values: []string{"user", "group"}},
		"isRegistrationRequired": {kind: kindBool}, "allowedPasskeyProfiles": {kind: kindStrings}})
	excludeTargetShape = shapeOf("excludeTarget", map[string]member{
		"id": {kind: kindString, required: true}, "targetType": {kind: kindEnum, required: true, values: []string{"user", "group"}}})
	fido2Shape = shape{typeName: fido2Type, members: map[string]member{
		"id": {kind: kindString, readOnly: true}, "state": {kind: kindEnum, values: []string{"enabled", "disabled"}},
		"isSelfServiceRegistrationAllowed": {kind: kindBool}, "isAttestationEnforced": {kind: kindBool},
		"keyRestrictions":       {kind: kindObject, of: keyRestrictionShape},
		"defaultPasskeyProfile": {kind: kindString},
		"passkeyProfiles":       {kind: kindObjects, of: passkeyProfileShape},
		"includeTargets":        {kind: kindObjects, of: passkeyTargetShape},
		"excludeTargets":        {kind: kindObjects, of: excludeTargetShape},
	}}
)

const methodsPath = "policies/authenticationMethodsPolicy"

// fido2Object is the configuration as GET shows it: the id is capitalised, the
// path is not (contract i).
func (c *call) fido2Object() object {
	out := object{"@odata.type": "#" + fido2Type, "id": "Fido2",
		"includeTargets@odata.context": c.base() + "/$metadata#" + methodsPath + "/authenticationMethodConfigurations('Fido2')/" + fido2Type + "/includeTargets"}
	for name, v := range c.server.fido2 {
		out[name] = v
	}
	return out
}

func getMethodsPolicy(c *call) (*reply, error) {
	campaign := object{"snoozeDurationInDays": 1, "state": "default", "excludeTargets": []object{}, "includeTargets": []object{}}
	if c.beta { // a member that v1.0 does not have
		campaign["enforceRegistrationAfterAllowedSnoozes"] = true
	}
	return c.entityReply(http.StatusOK, "authenticationMethodsPolicy", object{
		"id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy",
		"description":          "The tenant-wide policy that controls which authentication methods are allowed in the tenant",
		"lastModifiedDateTime": intuneTime(c.server.fido2Changed), "policyVersion": "1.5", "policyMigrationState": "migrationComplete",
		"reconfirmationInDays": nil, "registrationEnforcement": object{"authenticationMethodsRegistrationCampaign": campaign},
		"authenticationMethodConfigurations@odata.context": c.base() + "/$metadata#" + methodsPath + "/authenticationMethodConfigurations",
		"authenticationMethodConfigurations":               []object{c.fido2Object()},
	}), nil
}

func getFido2(c *call) (*reply, error) {
	return c.entityReply(http.StatusOK, methodsPath+"/authenticationMethodConfigurations/$entity", c.fido2Object()), nil
}

// patchFido2 replaces arrays whole: a profile or target that is not sent is
// gone (contract i). The answer is 204.
func patchFido2(c *call) (*reply, error) {
	if c.body["@odata.type"] == nil {
		return nil, c.badRequest("The property '@odata.type' is required: '#%s'.", fido2Type)
	}
	if err := fido2Shape.check(c, c.body, false); err != nil {
		return nil, err
	}
	s := c.server
	next := object{}
	for name, v := range s.fido2 {
		next[name] = v
	}
	for name, m := range fido2Shape.members {
		if v, given := c.body[name]; given && !m.readOnly {
			next[name] = merged(next[name], v)
		}
	}
	next["passkeyProfiles"] = c.nameProfiles(next["passkeyProfiles"])
	if err := c.checkFido2(next); err != nil {
		return nil, err
	}
	s.fido2, s.fido2Changed = next, c.now
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// merged is a member after a change: of an object, what the change does not name
// stays.
func merged(was, change any) any {
	before, both := was.(map[string]any)
	after, ok := change.(map[string]any)
	if !both || !ok {
		return change
	}
	out := maps.Clone(before)
	maps.Copy(out, after)
	return out
}

// nameProfiles gives an id to profiles that come without one.
func (c *call) nameProfiles(list any) any {
	out := []any{}
	for _, p := range objects(list) {
		if text(p, "id") == "" {
			id, _ := c.server.nextID("passkeyProfile")
			p["id"] = id.String()
		}
		out = append(out, p)
	}
	return out
}

// checkFido2 holds the limits of contract i.
func (c *call) checkFido2(next object) error {
	profiles := objects(next["passkeyProfiles"])
	ids := map[string]bool{}
	for _, p := range profiles {
		id := text(p, "id")
		if ids[id] {
			return c.badRequest("The passkey profile '%s' is present more than once.", id)
		}
		ids[id] = true
		if hasFlag(p["passkeyTypes"], "synced") && p["attestationEnforcement"] == "registrationOnly" {
			return c.badRequest("The passkey profile '%s' allows synced passkeys, which cannot be attested: set attestationEnforcement to disabled.", text(p, "name"))
		}
	}
	switch {
	case len(profiles) == 0 && len(objects(c.server.fido2["passkeyProfiles"])) > 0:
		return c.badRequest("Passkey profiles cannot be turned off.")
	case len(profiles) > maxPasskeyProfiles:
		return c.badRequest("%d passkey profiles were sent, at most %d are allowed.", len(profiles), maxPasskeyProfiles)
	case !ids[text(next, "defaultPasskeyProfile")]:
		return c.badRequest("The default passkey profile '%s' does not exist.", text(next, "defaultPasskeyProfile"))
	}
	if err := c.checkMethodTargets(next, ids); err != nil {
		return err
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("marshal the method configuration: %w", err)
	}
	if len(raw) > maxMethodsPolicy {
		return c.badRequest("The authentication methods policy is %d bytes large, at most %d are allowed.", len(raw), maxMethodsPolicy)
	}
	return nil
}

func (c *call) checkMethodTargets(next object, profiles map[string]bool) error {
	for _, name := range []string{"includeTargets", "excludeTargets"} {
		for _, target := range objects(next[name]) {
			id := text(target, "id")
			group, isID := parseGUID(id)
			_, user := c.server.findUser(id)
			if g := c.server.groups[group]; id != "all_users" && !user && (!isID || g == nil || !g.deleted.IsZero()) {
				return c.badRequest("The target '%s' of %s does not exist.", id, name)
			}
			for _, profile := range texts(target["allowedPasskeyProfiles"]) {
				if !profiles[profile] {
					return c.badRequest("The passkey profile '%s' is in use by the target '%s' and does not exist in the request.", profile, id)
				}
			}
		}
	}
	return nil
}

// methodConfiguration serves …/authenticationMethodConfigurations/{id}: only
// fido2 is simulated, in either case.
func methodConfiguration(handle func(*call) (*reply, error)) func(*call) (*reply, error) {
	return func(c *call) (*reply, error) {
		if !slices.Contains([]string{"fido2"}, strings.ToLower(c.params["id"])) {
			return nil, c.notFound(c.params["id"])
		}
		return handle(c)
	}
}
