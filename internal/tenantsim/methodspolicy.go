// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"maps"
	"net/http"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// The policy of authentication methods without its methods (schema.json, both
// versions).
var (
	methodTargetMembers = map[string]shape.Member{"id": {Kind: shape.String, Required: true}, "targetType": {Kind: shape.Enum, Required: true, Values: []string{"user", "group"}}}
	stateMembers        = map[string]shape.Member{"state": enum("default", "enabled", "disabled")}
	excludeTargetShape  = shapeOf("excludeTarget", methodTargetMembers)
	includeTargetShape  = shapeOf("includeTarget", methodTargetMembers)
	includeTargets      = shape.Member{Kind: shape.Objects, Of: includeTargetShape}
	excludeTargets      = shape.Member{Kind: shape.Objects, Of: excludeTargetShape}
	campaignShape       = shapeOf("authenticationMethodsRegistrationCampaign", stateMembers, map[string]shape.Member{
		"snoozeDurationInDays": {Kind: shape.Int}, "enforceRegistrationAfterAllowedSnoozes": {Kind: shape.Bool, Beta: true}, "excludeTargets": excludeTargets,
		"includeTargets": {Kind: shape.Objects, Of: shapeOf("authenticationMethodsRegistrationCampaignIncludeTarget", methodTargetMembers,
			map[string]shape.Member{"targetedAuthenticationMethod": {Kind: shape.String}})}})
	methodsPolicyShape = shape.Shape{TypeName: "microsoft.graph.authenticationMethodsPolicy", Members: map[string]shape.Member{
		"id": {ReadOnly: true}, "displayName": {ReadOnly: true}, "description": {ReadOnly: true}, "lastModifiedDateTime": {ReadOnly: true}, "policyVersion": {ReadOnly: true},
		"policyMigrationState":    enum("preMigration", "migrationInProgress", "migrationComplete"),
		"reconfirmationInDays":    {Kind: shape.Int},
		"registrationEnforcement": shapeOf("registrationEnforcement", map[string]shape.Member{"authenticationMethodsRegistrationCampaign": campaignShape.Member()}).Member(),
		"systemCredentialPreferences": {Kind: shape.Object, Beta: true, Of: shapeOf("systemCredentialPreferences", stateMembers,
			map[string]shape.Member{"includeTargets": includeTargets, "excludeTargets": excludeTargets})},
		"reportSuspiciousActivitySettings": {Kind: shape.Object, Beta: true, Of: shapeOf("reportSuspiciousActivitySettings", stateMembers,
			map[string]shape.Member{"includeTarget": includeTargetShape.Member(), "voiceReportingCode": {Kind: shape.Int}})},
		"microsoftAuthenticatorPlatformSettings": {Kind: shape.Object, Beta: true, Of: shapeOf("microsoftAuthenticatorPlatformSettings",
			map[string]shape.Member{"enforceAppPIN": shapeOf("enforceAppPIN", map[string]shape.Member{"includeTargets": includeTargets, "excludeTargets": excludeTargets}).Member()})},
	}}
)

// newMethodsPolicy is that of a tenant that migrated and changed nothing else.
// The values are ASSUMED.
func newMethodsPolicy() object {
	everyone := object{"targetType": "group", "id": everybodyTarget}
	return object{
		"policyMigrationState": "migrationComplete",
		"registrationEnforcement": object{"authenticationMethodsRegistrationCampaign": object{"snoozeDurationInDays": 1, "state": "default",
			"enforceRegistrationAfterAllowedSnoozes": true}},
		"systemCredentialPreferences":            object{"state": "default", "includeTargets": []any{everyone}},
		"reportSuspiciousActivitySettings":       object{"state": "default", "includeTarget": everyone, "voiceReportingCode": 0},
		"microsoftAuthenticatorPlatformSettings": object{"enforceAppPIN": object{}},
	}
}

// everybodyTarget is the target that stands for everybody (contract i).
const everybodyTarget = "all_users"

// methodsPolicy is the policy with its methods, as one version shows it.
func (c *call) methodsPolicy() object {
	out := methodsPolicyShape.Shown(c.server.methods, c.Beta)
	fixed := object{
		"id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy", "policyVersion": "1.5",
		"description":          "The tenant-wide policy that controls which authentication methods are allowed in the tenant",
		"lastModifiedDateTime": intuneTime(c.server.fido2Changed),
		"authenticationMethodConfigurations@odata.context": c.base() + "/$metadata#" + methodsPath + "/authenticationMethodConfigurations",
		"authenticationMethodConfigurations":               []object{c.fido2Object()},
	}
	maps.Copy(out, fixed)
	return out
}

func getMethodsPolicy(c *call) (*reply, error) {
	return c.entityReply(http.StatusOK, "authenticationMethodsPolicy", c.methodsPolicy()), nil
}

// patchMethodsPolicy answers 200 with the policy (authenticationmethodspolicy-update).
// The methods have endpoints of their own: sent here they are refused. ASSUMED.
func patchMethodsPolicy(c *call) (*reply, error) {
	s := c.server
	if err := methodsPolicyShape.Check(&c.Request, c.Body, false); err != nil {
		return nil, err
	}
	next := methodsPolicyShape.Merged(s.methods, c.Body)
	if err := c.checkPolicyTargets(next, "authenticationMethodsPolicy"); err != nil {
		return nil, err
	}
	s.methods, s.fido2Changed = next, c.now
	c.changed()
	return getMethodsPolicy(c)
}

// checkPolicyTargets refuses targets that do not exist, wherever they stand; of is
// the member that holds them.
func (c *call) checkPolicyTargets(v any, of string) error {
	switch v := v.(type) {
	case map[string]any:
		if id, isTarget := v["id"].(string); isTarget && !c.methodTarget(id) {
			return c.BadRequest("The target '%s' of %s does not exist.", id, of)
		}
		for _, name := range sortedKeys(v) {
			if err := c.checkPolicyTargets(v[name], name); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range v {
			if err := c.checkPolicyTargets(item, of); err != nil {
				return err
			}
		}
	}
	return nil
}

// methodTarget reports whether an id is everybody, a user or a group.
func (c *call) methodTarget(id string) bool {
	group, isID := ids.ParseGUID(id)
	_, user := c.server.findUser(id)
	g := c.server.groups[group]
	return id == everybodyTarget || user || isID && g != nil && g.deleted.IsZero()
}
