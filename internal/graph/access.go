// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/json"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/identity"
	"github.com/microsoftgraph/msgraph-sdk-go/policies"
)

// ConditionalAccessPolicy is a Conditional Access policy (contract h). Enums are passed on as the words they are, so
// that an unknown one is seen and not lost; nil members were null or absent.
type ConditionalAccessPolicy struct {
	ID          string `json:"id,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	// State is enabled, disabled or enabledForReportingButNotEnforced.
	State      string                       `json:"state,omitempty"`
	Conditions *ConditionalAccessConditions `json:"conditions,omitempty"`
	// GrantControls is nil for a policy with session controls only.
	GrantControls *ConditionalAccessGrant `json:"grantControls,omitempty"`
	// SessionControls do not bear on the method of sign-in (C15) and are carried along as they come.
	SessionControls json.RawMessage `json:"sessionControls,omitempty"`
	// CreatedAt is zero when the tenant does not say, ModifiedAt also for a policy that never changed.
	CreatedAt  time.Time `json:"-"`
	ModifiedAt time.Time `json:"-"`
	Extra      Extra     `json:"-"`
}

// ConditionalAccessConditions say when a policy applies. All named conditions must hold. A condition that is not
// modelled stays in Extra: a reader that must be sure looks there too (C20).
type ConditionalAccessConditions struct {
	Users              *ConditionalAccessUsers        `json:"users,omitempty"`
	Applications       *ConditionalAccessApplications `json:"applications,omitempty"`
	ClientAppTypes     []string                       `json:"clientAppTypes,omitempty"`
	Platforms          *ConditionalAccessPlatforms    `json:"platforms,omitempty"`
	Locations          *ConditionalAccessLocations    `json:"locations,omitempty"`
	Devices            *ConditionalAccessDevices      `json:"devices,omitempty"`
	UserRiskLevels     []string                       `json:"userRiskLevels,omitempty"`
	SignInRiskLevels   []string                       `json:"signInRiskLevels,omitempty"`
	ClientApplications json.RawMessage                `json:"clientApplications,omitempty"`
	Extra              Extra                          `json:"-"`
}

// ConditionalAccessUsers are ids, or the words All, None and GuestsOrExternalUsers.
type ConditionalAccessUsers struct {
	IncludeUsers  []string `json:"includeUsers,omitempty"`
	ExcludeUsers  []string `json:"excludeUsers,omitempty"`
	IncludeGroups []string `json:"includeGroups,omitempty"`
	ExcludeGroups []string `json:"excludeGroups,omitempty"`
	IncludeRoles  []string `json:"includeRoles,omitempty"`
	ExcludeRoles  []string `json:"excludeRoles,omitempty"`
	Extra         Extra    `json:"-"`
}

// ConditionalAccessApplications are application ids, or the words All, None and Office365; user actions are such as
// urn:user:registersecurityinfo (C13).
type ConditionalAccessApplications struct {
	IncludeApplications []string                 `json:"includeApplications,omitempty"`
	ExcludeApplications []string                 `json:"excludeApplications,omitempty"`
	IncludeUserActions  []string                 `json:"includeUserActions,omitempty"`
	ApplicationFilter   *ConditionalAccessFilter `json:"applicationFilter,omitempty"`
	Extra               Extra                    `json:"-"`
}

// ConditionalAccessPlatforms are words such as all, windows, macOS, iOS, android and linux.
type ConditionalAccessPlatforms struct {
	IncludePlatforms []string `json:"includePlatforms,omitempty"`
	ExcludePlatforms []string `json:"excludePlatforms,omitempty"`
	Extra            Extra    `json:"-"`
}

// ConditionalAccessLocations are named location ids, or the words All and AllTrusted.
type ConditionalAccessLocations struct {
	IncludeLocations []string `json:"includeLocations,omitempty"`
	ExcludeLocations []string `json:"excludeLocations,omitempty"`
	Extra            Extra    `json:"-"`
}

// ConditionalAccessDevices narrows a policy by a rule over devices.
type ConditionalAccessDevices struct {
	DeviceFilter *ConditionalAccessFilter `json:"deviceFilter,omitempty"`
	Extra        Extra                    `json:"-"`
}

// ConditionalAccessFilter is a rule; Mode is include or exclude.
type ConditionalAccessFilter struct {
	Mode  string `json:"mode,omitempty"`
	Rule  string `json:"rule,omitempty"`
	Extra Extra  `json:"-"`
}

// ConditionalAccessGrant is what a policy demands (C1 to C16).
type ConditionalAccessGrant struct {
	// Operator is AND or OR.
	Operator string `json:"operator,omitempty"`
	// BuiltInControls are words such as mfa, block and compliantDevice.
	BuiltInControls             []string                `json:"builtInControls,omitempty"`
	CustomAuthenticationFactors []string                `json:"customAuthenticationFactors,omitempty"`
	TermsOfUse                  []string                `json:"termsOfUse,omitempty"`
	AuthenticationStrength      *AuthenticationStrength `json:"authenticationStrength,omitempty"`
	Extra                       Extra                   `json:"-"`
}

// AuthenticationStrength is a set of accepted combinations of methods.
type AuthenticationStrength struct {
	ID          string `json:"id,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	// PolicyType is builtIn or custom.
	PolicyType string `json:"policyType,omitempty"`
	// AllowedCombinations are alternatives; each is a comma-joined AND that must not be split or sorted (contract h).
	// fido2 stands for every passkey, synced ones too.
	AllowedCombinations []string `json:"allowedCombinations,omitempty"`
	// CombinationConfigurations narrow combinations. A list leaves them out: see AuthenticationStrengthConfigurations.
	CombinationConfigurations []CombinationConfiguration `json:"combinationConfigurations,omitempty"`
	Extra                     Extra                      `json:"-"`
}

// CombinationConfiguration narrows combinations of a strength.
type CombinationConfiguration struct {
	// Type is the OData type, #microsoft.graph.fido2CombinationConfiguration for passkeys.
	Type                  string   `json:"@odata.type,omitempty"`
	ID                    string   `json:"id,omitempty"`
	AppliesToCombinations []string `json:"appliesToCombinations,omitempty"`
	// AllowedAAGUIDs are the models of authenticator that are accepted (C3).
	AllowedAAGUIDs []string `json:"allowedAAGUIDs,omitempty"`
	Extra          Extra    `json:"-"`
}

// accessRead describes reads of identity policy (contract h, k.3).
func accessRead(op string) call {
	return call{op: op, class: classAccess, effect: effectRead, permissions: []string{"Policy.Read.All"}}
}

// ConditionalAccessPolicies lists the Conditional Access policies of the tenant, those of all states.
func (c *Client) ConditionalAccessPolicies(ctx context.Context) ([]ConditionalAccessPolicy, error) {
	op := accessRead("ConditionalAccessPolicies")
	ri, err := identity.NewConditionalAccessPoliciesRequestBuilderInternal(map[string]string{}, c.adapter).ToGetRequestInformation(ctx, nil)
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	return collect(ctx, c, op, ri, func(p ConditionalAccessPolicy) error {
		if p.ID == "" {
			return withoutID(op, "Conditional Access policy")
		}
		return nil
	})
}

// ConditionalAccessPolicy reads one Conditional Access policy.
func (c *Client) ConditionalAccessPolicy(ctx context.Context, id string) (ConditionalAccessPolicy, error) {
	op := byID(accessRead("ConditionalAccessPolicy"))
	if err := needID(op.op, "policy id", id); err != nil {
		return ConditionalAccessPolicy{}, err
	}
	ri, err := identity.NewConditionalAccessPoliciesRequestBuilderInternal(map[string]string{}, c.adapter).
		ByConditionalAccessPolicyId(id).ToGetRequestInformation(ctx, nil)
	if err != nil {
		return ConditionalAccessPolicy{}, invalid(op.op, "%v", err)
	}
	var p ConditionalAccessPolicy
	if err := c.send(ctx, op, ri, decodeObject(&p)); err != nil {
		return ConditionalAccessPolicy{}, err
	}
	if p.ID == "" {
		return ConditionalAccessPolicy{}, &Error{Kind: KindTransient, Op: op.op, Message: "the tenant answered with a policy without an id"}
	}
	return p, nil
}

// AuthenticationStrengths lists the built-in and custom authentication strengths.
func (c *Client) AuthenticationStrengths(ctx context.Context) ([]AuthenticationStrength, error) {
	op := accessRead("AuthenticationStrengths")
	ri, err := c.strengths().ToGetRequestInformation(ctx, nil)
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	return collect(ctx, c, op, ri, func(s AuthenticationStrength) error {
		if s.ID == "" {
			return withoutID(op, "authentication strength")
		}
		return nil
	})
}

// AuthenticationStrengthConfigurations lists what narrows the combinations of a strength. Ask only for strengths that
// matter: the tenant allows one request per second to all applications together (contract h).
func (c *Client) AuthenticationStrengthConfigurations(ctx context.Context, strengthID string) ([]CombinationConfiguration, error) {
	op := byID(accessRead("AuthenticationStrengthConfigurations"))
	if err := needID(op.op, "strength id", strengthID); err != nil {
		return nil, err
	}
	ri, err := c.strengths().ByAuthenticationStrengthPolicyId(strengthID).CombinationConfigurations().ToGetRequestInformation(ctx, nil)
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	return collect(ctx, c, op, ri, func(config CombinationConfiguration) error {
		if config.ID == "" {
			return withoutID(op, "combination configuration")
		}
		return nil
	})
}

// strengths starts a typed request below /v1.0/policies/authenticationStrengthPolicies.
func (c *Client) strengths() *policies.AuthenticationStrengthPoliciesRequestBuilder {
	return policies.NewAuthenticationStrengthPoliciesRequestBuilderInternal(map[string]string{}, c.adapter)
}

// readObject reads an answer that is one object.
func readObject[T any](ctx context.Context, c *Client, op call, ri *abs.RequestInformation) (T, error) {
	var v T
	err := c.send(ctx, op, ri, decodeObject(&v))
	return v, err
}
