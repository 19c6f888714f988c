// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/policies"
)

// AuthenticationMethodsPolicy is the tenant's policy of authentication methods (contract i).
type AuthenticationMethodsPolicy struct {
	// MigrationState is preMigration, migrationInProgress or migrationComplete; before that legacy policies still
	// decide (T7). Empty when the tenant does not say.
	MigrationState string `json:"policyMigrationState"`
	// Methods are the states of the methods.
	Methods []AuthenticationMethodState `json:"authenticationMethodConfigurations"`
}

// AuthenticationMethodState tells whether a method is on.
type AuthenticationMethodState struct {
	// ID names the method, such as Fido2 or TemporaryAccessPass; compare without regard to case.
	ID string `json:"id"`
	// State is enabled or disabled.
	State string `json:"state"`
}

// methodsCall describes calls on the policy of authentication methods (contract i, l.5).
func methodsCall(op string, e effect) call {
	permission := "Policy.Read.AuthenticationMethod"
	if e != effectRead {
		permission = "Policy.ReadWrite.AuthenticationMethod"
	}
	return call{op: op, class: classDirectory, effect: e, units: 1, permissions: []string{permission}}
}

// methodsPolicy starts a typed request below /v1.0/policies/authenticationMethodsPolicy.
func (c *Client) methodsPolicy() *policies.AuthenticationMethodsPolicyRequestBuilder {
	return policies.NewAuthenticationMethodsPolicyRequestBuilderInternal(map[string]string{}, c.adapter)
}

// AuthenticationMethodsPolicy reads the tenant's policy of authentication methods.
func (c *Client) AuthenticationMethodsPolicy(ctx context.Context) (AuthenticationMethodsPolicy, error) {
	op := methodsCall("AuthenticationMethodsPolicy", effectRead)
	ri, err := c.methodsPolicy().ToGetRequestInformation(ctx, nil)
	if err != nil {
		return AuthenticationMethodsPolicy{}, invalid(op.op, "%v", err)
	}
	return readObject[AuthenticationMethodsPolicy](ctx, c, op, ri)
}

// Fido2Configuration is the passkey part of the policy (contract i). Enums are passed on as the words they are.
type Fido2Configuration struct {
	// State is enabled or disabled (T1).
	State string `json:"state,omitempty"`
	// SelfServiceRegistrationAllowed must be true for people to register on their own (T6); nil when absent.
	SelfServiceRegistrationAllowed *bool `json:"isSelfServiceRegistrationAllowed,omitempty"`
	// AttestationEnforced and KeyRestrictions are not authoritative beside passkey profiles.
	AttestationEnforced *bool            `json:"isAttestationEnforced,omitempty"`
	KeyRestrictions     *KeyRestrictions `json:"keyRestrictions,omitempty"`
	// DefaultPasskeyProfile is the id of the profile for targets that name none.
	DefaultPasskeyProfile string `json:"defaultPasskeyProfile,omitempty"`
	// PasskeyProfiles has at most 3 members; nil before the tenant opted in, which cannot be undone.
	PasskeyProfiles []PasskeyProfile `json:"passkeyProfiles,omitempty"`
	// IncludeTargets and ExcludeTargets are groups, all_users being one.
	IncludeTargets []PasskeyTarget `json:"includeTargets,omitempty"`
	ExcludeTargets []MethodTarget  `json:"excludeTargets,omitempty"`
	// Extra holds what is not modelled.
	Extra Extra `json:"-"`
}

// PasskeyProfile says which passkeys some people may use.
type PasskeyProfile struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
	// PasskeyTypes is one text of flags: deviceBound, synced or deviceBound,synced (T3).
	PasskeyTypes string `json:"passkeyTypes,omitempty"`
	// AttestationEnforcement is disabled or registrationOnly; synced passkeys need disabled (T4).
	AttestationEnforcement string           `json:"attestationEnforcement,omitempty"`
	KeyRestrictions        *KeyRestrictions `json:"keyRestrictions,omitempty"`
	Extra                  Extra            `json:"-"`
}

// KeyRestrictions allow or block models of authenticator (T5).
type KeyRestrictions struct {
	IsEnforced bool `json:"isEnforced"`
	// EnforcementType is allow or block.
	EnforcementType string   `json:"enforcementType,omitempty"`
	AAGUIDs         []string `json:"aaGuids"`
	Extra           Extra    `json:"-"`
}

// PasskeyTarget is a group that may use passkeys, with the profiles that hold for it (T2).
type PasskeyTarget struct {
	// TargetType is group, ID the group's object id or all_users.
	TargetType string `json:"targetType,omitempty"`
	ID         string `json:"id,omitempty"`
	// AllowedPasskeyProfiles are profile ids.
	AllowedPasskeyProfiles []string `json:"allowedPasskeyProfiles,omitempty"`
	Extra                  Extra    `json:"-"`
}

// MethodTarget is a group that is left out.
type MethodTarget struct {
	TargetType string `json:"targetType,omitempty"`
	ID         string `json:"id,omitempty"`
	Extra      Extra  `json:"-"`
}

// Fido2Configuration reads the passkey part of the policy.
func (c *Client) Fido2Configuration(ctx context.Context) (Fido2Configuration, error) {
	op := methodsCall("Fido2Configuration", effectRead)
	ri, err := c.fido2Request(ctx)
	if err != nil {
		return Fido2Configuration{}, invalid(op.op, "%v", err)
	}
	return readObject[Fido2Configuration](ctx, c, op, ri)
}

// fido2Request builds the read of the passkey configuration.
func (c *Client) fido2Request(ctx context.Context) (*abs.RequestInformation, error) {
	return c.methodsPolicy().AuthenticationMethodConfigurations().ByAuthenticationMethodConfigurationId("fido2").ToGetRequestInformation(ctx, nil)
}

// Limits of the passkey configuration (contract i).
const (
	maxPasskeyProfiles = 3
	maxFido2Policy     = 20 << 10 // bytes
)

// UpdateFido2Configuration reads the configuration, lets change edit it, writes the members that differ and returns
// what the tenant then holds. Arrays are replaced whole, so all targets and profiles that were read travel back, with
// members that are not modelled. There is no ETag (contract i): an edit by somebody else between the read and the
// write is lost, one that shows in the read-back is Conflict. Nothing is sent when change changes nothing.
func (c *Client) UpdateFido2Configuration(ctx context.Context, change func(*Fido2Configuration) error) (Fido2Configuration, error) {
	op := methodsCall("UpdateFido2Configuration", effectIdempotent)
	before, err := c.Fido2Configuration(ctx)
	if err != nil {
		return Fido2Configuration{}, err
	}
	old, err := fido2Members(before)
	if err != nil {
		return Fido2Configuration{}, invalid(op.op, "%v", err)
	}
	after, err := before.clone()
	if err != nil {
		return Fido2Configuration{}, invalid(op.op, "%v", err)
	}
	if err := change(&after); err != nil {
		return Fido2Configuration{}, err
	}
	want, err := fido2Members(after)
	if err != nil {
		return Fido2Configuration{}, invalid(op.op, "%v", err)
	}
	body, err := fido2Patch(op.op, after, old, want)
	if err != nil || body == nil {
		return before, err
	}
	// The typed builder gives the URL; its model would drop enum words that it does not know (contract 0.2).
	ri, err := c.fido2Request(ctx)
	if err != nil {
		return Fido2Configuration{}, invalid(op.op, "%v", err)
	}
	ri.Method = abs.PATCH
	ri.SetStreamContentAndContentType(body, "application/json")
	if err := c.send(ctx, op, ri, nil); err != nil {
		return Fido2Configuration{}, err
	}
	return c.verifyFido2(ctx, op, old, want)
}

// verifyFido2 reads the configuration back and compares what was changed.
func (c *Client) verifyFido2(ctx context.Context, op call, old, want map[string]json.RawMessage) (Fido2Configuration, error) {
	now, err := c.Fido2Configuration(ctx)
	if err != nil {
		return Fido2Configuration{}, err
	}
	got, err := fido2Members(now)
	if err != nil {
		return now, invalid(op.op, "%v", err)
	}
	for name, value := range want {
		if !bytes.Equal(old[name], value) && !bytes.Equal(got[name], value) {
			return now, &Error{Kind: KindConflict, Op: op.op, Message: "the tenant does not show what was written to " + name +
				": it lags, it normalised the value, or somebody else wrote it; read it again"}
		}
	}
	return now, nil
}

// fido2Patch checks a configuration and renders the members that differ from what was read, nil when none does. The
// body is made anew: a model that was read sends nothing of what is set on it afterwards (the SDK's: contract 0.2.11).
func fido2Patch(op string, after Fido2Configuration, old, want map[string]json.RawMessage) ([]byte, error) {
	if n := len(after.PasskeyProfiles); n > maxPasskeyProfiles {
		return nil, invalid(op, "passkeyProfiles has %d profiles: the tenant takes at most %d, share one between waves", n, maxPasskeyProfiles)
	}
	for _, t := range after.IncludeTargets {
		for _, id := range t.AllowedPasskeyProfiles {
			if !slices.ContainsFunc(after.PasskeyProfiles, func(p PasskeyProfile) bool { return strings.EqualFold(p.ID, id) }) {
				return nil, invalid(op, "target %q allows passkey profile %q, which is not among the profiles: keep the profile or take it off the target", t.ID, id)
			}
		}
	}
	changed := Extra{}
	for name, value := range want {
		if !bytes.Equal(old[name], value) {
			changed[name] = value
		}
	}
	if len(changed) == 0 {
		return nil, nil
	}
	whole, err := encodeOpen(openFido2Configuration(after), nil)
	if err != nil {
		return nil, invalid(op, "%v", err)
	}
	if len(whole) > maxFido2Policy {
		return nil, invalid(op, "the passkey configuration has %d bytes: the tenant takes %d, remove targets or AAGUIDs", len(whole), maxFido2Policy)
	}
	body, err := object(changed, member{"@odata.type", "#microsoft.graph.fido2AuthenticationMethodConfiguration"})
	if err != nil {
		return nil, invalid(op, "%v", err)
	}
	return body, nil
}

// clone returns a copy that shares nothing with f.
func (f Fido2Configuration) clone() (Fido2Configuration, error) {
	raw, err := f.MarshalJSON()
	if err != nil {
		return Fido2Configuration{}, err
	}
	var out Fido2Configuration
	err = json.Unmarshal(raw, &out)
	return out, err
}

// fido2Members renders each member of a configuration that can be written. An array that became empty is an empty
// array, not an absent one: absent would mean "leave it".
func fido2Members(f Fido2Configuration) (map[string]json.RawMessage, error) {
	members := map[string]any{"passkeyProfiles": f.PasskeyProfiles, "includeTargets": f.IncludeTargets, "excludeTargets": f.ExcludeTargets,
		"state": f.State, "defaultPasskeyProfile": f.DefaultPasskeyProfile, "isSelfServiceRegistrationAllowed": f.SelfServiceRegistrationAllowed,
		"isAttestationEnforced": f.AttestationEnforced, "keyRestrictions": f.KeyRestrictions}
	out := map[string]json.RawMessage{}
	for name, value := range members {
		raw, err := marshal(value)
		if err != nil {
			return nil, err
		}
		if text := string(raw); text == "null" && slices.Contains([]string{"passkeyProfiles", "includeTargets", "excludeTargets"}, name) {
			raw = []byte("[]")
		}
		out[name] = raw
	}
	return out, nil
}
