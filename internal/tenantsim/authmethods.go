// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
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
	methodsPolicyBase  = 1434 // 1.4 KB
	methodTargetSize   = 236  // 0.23 KB
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
		"includeTargets": []any{object{"targetType": "group", "id": everybodyTarget, "isRegistrationRequired": false, "allowedPasskeyProfiles": []any{DefaultPasskeyProfile}}},
		"excludeTargets": []any{},
	}
}

var (
	keyRestrictionShape = shapeOf("fido2KeyRestrictions", map[string]shape.Member{
		"isEnforced": {Kind: shape.Bool}, "enforcementType": {Kind: shape.Enum, Values: []string{"allow", "block"}}, "aaGuids": {Kind: shape.Strings}})
	passkeyProfileShape = shapeOf("passkeyProfile", map[string]shape.Member{
		"id": {Kind: shape.String}, "name": {Kind: shape.String, Required: true},
		"passkeyTypes":           {Kind: shape.Flags, Required: true, Values: []string{"deviceBound", "synced"}},
		"attestationEnforcement": {Kind: shape.Enum, Values: []string{"disabled", "registrationOnly"}},
		"keyRestrictions":        {Kind: shape.Object, Of: keyRestrictionShape}})
	passkeyTargetShape = shapeOf("passkeyAuthenticationMethodTarget", map[string]shape.Member{
		"id": {Kind: shape.String, Required: true}, "targetType": {Kind: shape.Enum, Required: true, Values: []string{"user", "group"}},
		"isRegistrationRequired": {Kind: shape.Bool}, "allowedPasskeyProfiles": {Kind: shape.Strings}})
	fido2Shape = shape.Shape{TypeName: fido2Type, Members: map[string]shape.Member{
		"id": {Kind: shape.String, ReadOnly: true}, "state": {Kind: shape.Enum, Values: []string{"enabled", "disabled"}},
		"isSelfServiceRegistrationAllowed": {Kind: shape.Bool}, "isAttestationEnforced": {Kind: shape.Bool},
		"keyRestrictions":       {Kind: shape.Object, Of: keyRestrictionShape},
		"defaultPasskeyProfile": {Kind: shape.String},
		"passkeyProfiles":       {Kind: shape.Objects, Of: passkeyProfileShape},
		"includeTargets":        {Kind: shape.Objects, Of: passkeyTargetShape},
		"excludeTargets":        {Kind: shape.Objects, Of: excludeTargetShape},
	}}
)

const methodsPath = "policies/authenticationMethodsPolicy"

// fido2Object is the configuration as GET shows it: the id is capitalised, the
// path is not (contract i).
func (c *call) fido2Object() object {
	out := fido2Shape.Shown(c.server.fido2, c.Beta)
	out["@odata.type"], out["id"] = "#"+fido2Type, "Fido2"
	out["includeTargets@odata.context"] = c.base() + "/$metadata#" + methodsPath + "/authenticationMethodConfigurations('Fido2')/" + fido2Type + "/includeTargets"
	return out
}

// listMethods lists the one method that is simulated.
func listMethods(c *call) (*reply, error) {
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context(methodsPath+"/authenticationMethodConfigurations", nil), "value": []object{c.fido2Object()}}}, nil
}

func getFido2(c *call) (*reply, error) {
	return c.entityReply(http.StatusOK, methodsPath+"/authenticationMethodConfigurations/$entity", c.fido2Object()), nil
}

// patchFido2 replaces arrays whole: a profile or target that is not sent is
// gone (contract i); other members merge at every depth. The answer is 204.
func patchFido2(c *call) (*reply, error) {
	if c.Body["@odata.type"] == nil {
		return nil, c.BadRequest("The property '@odata.type' is required: '#%s'.", fido2Type)
	}
	if err := fido2Shape.Check(&c.Request, c.Body, false); err != nil {
		return nil, err
	}
	s := c.server
	next := fido2Shape.Merged(s.fido2, c.Body)
	next["passkeyProfiles"] = c.nameProfiles(next["passkeyProfiles"])
	if err := c.checkFido2(next); err != nil {
		return nil, err
	}
	s.fido2, s.fido2Changed = next, c.now
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
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
			return c.BadRequest("The passkey profile '%s' is present more than once.", id)
		}
		ids[id] = true
		if odata.HasFlag(p["passkeyTypes"], "synced") && p["attestationEnforcement"] == "registrationOnly" {
			return c.BadRequest("The passkey profile '%s' allows synced passkeys, which cannot be attested: set attestationEnforcement to disabled.", text(p, "name"))
		}
	}
	switch {
	case len(profiles) == 0 && len(objects(c.server.fido2["passkeyProfiles"])) > 0:
		return c.BadRequest("Passkey profiles cannot be turned off.")
	case len(profiles) > maxPasskeyProfiles:
		return c.BadRequest("%d passkey profiles were sent, at most %d are allowed.", len(profiles), maxPasskeyProfiles)
	case !ids[text(next, "defaultPasskeyProfile")]:
		return c.BadRequest("The default passkey profile '%s' does not exist.", text(next, "defaultPasskeyProfile"))
	}
	if err := c.checkMethodTargets(next, ids); err != nil {
		return err
	}
	if size := fido2Size(next); size > maxMethodsPolicy {
		return c.BadRequest("The authentication methods policy is %d bytes large, at most %d are allowed.", size, maxMethodsPolicy)
	}
	return nil
}

// fido2Size is the documented size of the policy: a base, each target, and the
// AAGUIDs as text in a list (contract i).
func fido2Size(next object) int {
	size := methodsPolicyBase + methodTargetSize*(len(objects(next["includeTargets"]))+len(objects(next["excludeTargets"])))
	for _, holder := range append(objects(next["passkeyProfiles"]), next) {
		for _, id := range texts(inner(holder, "keyRestrictions")["aaGuids"]) {
			size += len(id) + len(`"",`)
		}
	}
	return size
}

func (c *call) checkMethodTargets(next object, profiles map[string]bool) error {
	for _, name := range []string{"includeTargets", "excludeTargets"} {
		for _, target := range objects(next[name]) {
			id := text(target, "id")
			if !c.methodTarget(id) {
				return c.BadRequest("The target '%s' of %s does not exist.", id, name)
			}
			for _, profile := range texts(target["allowedPasskeyProfiles"]) {
				if !profiles[profile] {
					return c.BadRequest("The passkey profile '%s' is in use by the target '%s' and does not exist in the request.", profile, id)
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
			return nil, c.NotFound(c.params["id"])
		}
		return handle(c)
	}
}
