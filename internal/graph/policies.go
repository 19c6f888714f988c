// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// ConfigurationPolicy is a policy of the settings catalog (contract a.1).
type ConfigurationPolicy struct {
	// ID is the policy's id; the server gives it.
	ID string
	// Name is not unique; keep to 200 characters (contract a.1).
	Name string
	// Description carries the owner's marker; keep to 1,000 characters (contract a.1, a.3).
	Description string
	// Platforms and Technologies are comma-joined flags and must match the settings' applicability.
	Platforms, Technologies string
	// RoleScopeTagIDs defaults to the tag "0".
	RoleScopeTagIDs []string
	// TemplateID and CreationSource belong to policies made from a template or by enrollment. A replacement must
	// repeat them (contract a.4).
	TemplateID, CreationSource string
	// SettingCount, IsAssigned and the times are read only.
	SettingCount              int
	IsAssigned                bool
	CreatedAt, LastModifiedAt time.Time
	// Settings is sent on create and replace. A read leaves it empty: see PolicySettings.
	Settings []Setting
	// Extra holds what is not modelled, such as the template. It is read only.
	Extra Extra
	// Unreadable is why a part of a policy of a list could not be read, nil when all was. What was read holds; ID may be empty.
	Unreadable error
}

// wirePolicy is a policy on the wire, as it is read.
type wirePolicy struct {
	ID              string    `json:"id,omitempty"`
	Name            string    `json:"name,omitempty"`
	Description     string    `json:"description,omitempty"`
	Platforms       string    `json:"platforms,omitempty"`
	Technologies    string    `json:"technologies,omitempty"`
	RoleScopeTagIDs []string  `json:"roleScopeTagIds,omitempty"`
	CreationSource  string    `json:"creationSource,omitempty"`
	SettingCount    int       `json:"settingCount,omitempty"`
	IsAssigned      bool      `json:"isAssigned,omitempty"`
	Settings        []Setting `json:"settings,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *ConfigurationPolicy) UnmarshalJSON(raw []byte) error {
	var w wirePolicy
	extra, err := decodeOpen(raw, &w)
	if err != nil {
		*p = ConfigurationPolicy{ID: w.ID, Name: w.Name, Description: w.Description}
		return err
	}
	*p = ConfigurationPolicy{ID: w.ID, Name: w.Name, Description: w.Description, Platforms: w.Platforms, Technologies: w.Technologies,
		RoleScopeTagIDs: w.RoleScopeTagIDs, CreationSource: w.CreationSource, SettingCount: w.SettingCount, IsAssigned: w.IsAssigned,
		CreatedAt: extra.time("createdDateTime"), LastModifiedAt: extra.time("lastModifiedDateTime"), Settings: w.Settings, Extra: extra}
	if template, ok := extra["templateReference"]; ok {
		var ref *templateReference
		if err := json.Unmarshal(template, &ref); err != nil {
			return fmt.Errorf("templateReference: %w", err)
		}
		if ref != nil {
			p.TemplateID = ref.TemplateID
		}
	}
	return nil
}

// MarshalJSON implements json.Marshaler. It renders all that was read; what is sent is a policyBody.
func (p ConfigurationPolicy) MarshalJSON() ([]byte, error) {
	return encodeOpen(wirePolicy{ID: p.ID, Name: p.Name, Description: p.Description, Platforms: p.Platforms, Technologies: p.Technologies,
		RoleScopeTagIDs: p.RoleScopeTagIDs, CreationSource: p.CreationSource, SettingCount: p.SettingCount, IsAssigned: p.IsAssigned,
		Settings: p.Settings}, p.Extra)
}

// policyBody is a policy as it is sent. The order of its members is the order on the wire.
type policyBody struct {
	Name              string             `json:"name"`
	Description       string             `json:"description"`
	Platforms         string             `json:"platforms"`
	Technologies      string             `json:"technologies"`
	RoleScopeTagIDs   []string           `json:"roleScopeTagIds"`
	CreationSource    string             `json:"creationSource,omitempty"`
	TemplateReference *templateReference `json:"templateReference,omitempty"`
	Settings          []Setting          `json:"settings"`
}

// templateReference names the template of a policy.
type templateReference struct {
	TemplateID string `json:"templateId"`
}

// policiesPath is the collection of policies below /beta.
const policiesPath = "/deviceManagement/configurationPolicies"

// policyPath is one policy, in the key form that the undocumented PUT wants and that all others accept
// (contract 0.3, a6).
func policyPath(id string) string { return policiesPath + "('" + url.PathEscape(id) + "')" }

// ConfigurationPolicies lists the policies whose name contains a text, or all when it is empty, those that cannot be read in
// full too. Settings are not part of the list.
func (c *Client) ConfigurationPolicies(ctx context.Context, nameContains string) ([]ConfigurationPolicy, error) {
	op := configurationRead("ConfigurationPolicies")
	query := url.Values{"$top": {"100"}} // what the portal asks for (contract a.3)
	if nameContains != "" {
		query.Set("$filter", "contains(name,"+quote(nameContains)+")")
	}
	ri, err := c.betaRequest(abs.GET, policiesPath, query, nil)
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	var found []ConfigurationPolicy
	err = listItems(ctx, c, op, ri, func(p ConfigurationPolicy, odd error) error {
		if p.Unreadable = odd; odd == nil && p.ID == "" {
			p.Unreadable = withoutID(op, "policy")
		}
		if p.Unreadable != nil || containsFold(p.Name, nameContains) {
			found = append(found, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// ConfigurationPolicy reads a policy without its settings.
func (c *Client) ConfigurationPolicy(ctx context.Context, id string) (ConfigurationPolicy, error) {
	op := byID(configurationRead("ConfigurationPolicy"))
	if err := needID(op.op, "policy id", id); err != nil {
		return ConfigurationPolicy{}, err
	}
	ri, err := c.betaRequest(abs.GET, policyPath(id), nil, nil)
	if err != nil {
		return ConfigurationPolicy{}, invalid(op.op, "%v", err)
	}
	return c.onePolicy(ctx, op, ri)
}

// onePolicy reads an answer that must be a policy with an id.
func (c *Client) onePolicy(ctx context.Context, op call, ri *abs.RequestInformation) (ConfigurationPolicy, error) {
	var p ConfigurationPolicy
	if err := c.send(ctx, op, ri, decodeObject(&p)); err != nil {
		return ConfigurationPolicy{}, err
	}
	if p.ID == "" {
		return ConfigurationPolicy{}, &Error{Kind: KindTransient, Op: op.op, OutcomeUnknown: op.effect != effectRead,
			Message: "the tenant answered with a policy without an id"}
	}
	return p, nil
}

// PolicySettings reads all settings of a policy. The service pages them by 25 unless asked for more, and a
// replacement built from a part would delete the rest (contract a.3, o.2). One that does not parse is of kind
// InstanceUnreadable.
func (c *Client) PolicySettings(ctx context.Context, id string) ([]Setting, error) {
	op := byID(configurationRead("PolicySettings"))
	if err := needID(op.op, "policy id", id); err != nil {
		return nil, err
	}
	ri, err := c.betaRequest(abs.GET, policyPath(id)+"/settings", url.Values{"$top": {"1000"}}, nil)
	if err != nil {
		return nil, invalid(op.op, "%v", err)
	}
	return collectItems(ctx, c, op, ri, func(s Setting, odd error) Setting {
		if odd != nil { // of no kind that anybody writes
			s = Setting{ID: s.ID, Instance: SettingInstance{Kind: InstanceUnreadable}}
		}
		return s
	})
}

// CreateConfigurationPolicy makes a policy with its settings. Names are not unique, so a lost answer
// (OutcomeUnknown) must lead to a look-up by marker and never to a second call (P5, contract a.1).
func (c *Client) CreateConfigurationPolicy(ctx context.Context, p ConfigurationPolicy) (ConfigurationPolicy, error) {
	op := configurationWrite("CreateConfigurationPolicy", effectUnsafe)
	body, err := p.body(op.op)
	if err != nil {
		return ConfigurationPolicy{}, err
	}
	if p.TemplateID != "" {
		body.TemplateReference = &templateReference{p.TemplateID}
	}
	ri, err := c.betaRequest(abs.POST, policiesPath, nil, body)
	if err != nil {
		return ConfigurationPolicy{}, invalid(op.op, "%v", err)
	}
	return c.onePolicy(ctx, op, ri)
}

// ReplaceConfigurationPolicy writes name, description, scope tags and all settings of a policy. It is the
// undocumented PUT that the portal uses: a PATCH never changes settings (contract a.4). What p does not name is
// lost; assignments stay. A policy that is not there is NotFound.
func (c *Client) ReplaceConfigurationPolicy(ctx context.Context, id string, p ConfigurationPolicy) error {
	op := configurationWrite("ReplaceConfigurationPolicy", effectIdempotent)
	if err := needID(op.op, "policy id", id); err != nil {
		return err
	}
	body, err := p.body(op.op)
	if err != nil {
		return err
	}
	body.TemplateReference = &templateReference{p.TemplateID}
	ri, err := c.betaRequest(abs.PUT, policyPath(id), nil, body)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return c.send(ctx, op, ri, nil)
}

// body checks a policy and turns it into what is sent.
func (p ConfigurationPolicy) body(op string) (policyBody, error) {
	for _, f := range []struct{ field, value, remedy string }{
		{"name", p.Name, "give the policy a name"},
		{"platforms", p.Platforms, "write the platform of its settings, such as windows10"},
		{"technologies", p.Technologies, "write the technologies of its settings, such as mdm"},
	} {
		if strings.TrimSpace(f.value) == "" {
			return policyBody{}, invalid(op, "policy %s is empty: %s", f.field, f.remedy)
		}
	}
	if len(p.Settings) == 0 {
		return policyBody{}, invalid(op, "policy %q has no settings: the tenant refuses an empty policy, delete it instead", p.Name)
	}
	tags := p.RoleScopeTagIDs
	if len(tags) == 0 {
		tags = []string{"0"} // what a PUT does to absent tags is not known, so they are always sent (contract a.4)
	}
	return policyBody{Name: p.Name, Description: p.Description, Platforms: p.Platforms, Technologies: p.Technologies,
		RoleScopeTagIDs: tags, CreationSource: p.CreationSource, Settings: p.Settings}, nil
}

// DeleteConfigurationPolicy deletes a policy with its assignments. A policy that is not there is NotFound.
func (c *Client) DeleteConfigurationPolicy(ctx context.Context, id string) error {
	op := configurationWrite("DeleteConfigurationPolicy", effectIdempotent)
	if err := needID(op.op, "policy id", id); err != nil {
		return err
	}
	ri, err := c.betaRequest(abs.DELETE, policyPath(id), nil, nil)
	if err != nil {
		return invalid(op.op, "%v", err)
	}
	return c.erase(ctx, op, ri, func(ctx context.Context) error {
		_, err := c.ConfigurationPolicy(ctx, id)
		return err
	})
}
