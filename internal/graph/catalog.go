// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// SettingDefinition is one setting that the tenant's settings catalog knows (contract a, n).
type SettingDefinition struct {
	// ID is how instances name the setting.
	ID string
	// Name, DisplayName and Description are for people; Name is often the policy's own name.
	Name, DisplayName, Description string
	// CategoryID is the node of the category tree.
	CategoryID string
	// RootDefinitionID equals ID for a top-level setting and names the root for a child.
	RootDefinitionID string
	// BaseURI and OffsetURI give the path of the setting on the device.
	BaseURI, OffsetURI string
	// Platform and Technologies are comma-joined flags such as windows10 and mdm; a policy must match them.
	Platform, Technologies string
	// Kind is the definition's OData type without the common prefix, such as ChoiceSettingDefinition.
	Kind string
	// DefaultOptionID is the option that applies when none is chosen.
	DefaultOptionID string
	// Options are the choices of a choice setting.
	Options []SettingOption
	// Unreadable is why a part of the definition could not be read, nil when all was. Only ID, which may be empty, is there then.
	Unreadable error
}

// SettingOption is one choice of a setting.
type SettingOption struct {
	// ItemID is what an instance carries as its value.
	ItemID string
	// DisplayName is for people.
	DisplayName string
	// Value is what arrives on the device: a string, a float64 or nil.
	Value any
}

// SettingFilter narrows a search of the catalog. The zero value means the whole catalog: many thousands.
type SettingFilter struct {
	// Contains is looked for in id and display name, without regard to case.
	Contains string
	// Platform keeps definitions that apply to this platform, such as windows10 or macOS; empty keeps all.
	Platform string
}

// wireDefinition is a setting definition on the wire.
type wireDefinition struct {
	Type             string `json:"@odata.type"`
	ID               string `json:"id"`
	Name             string `json:"name"`
	DisplayName      string `json:"displayName"`
	Description      string `json:"description"`
	CategoryID       string `json:"categoryId"`
	RootDefinitionID string `json:"rootDefinitionId"`
	BaseURI          string `json:"baseUri"`
	OffsetURI        string `json:"offsetUri"`
	Applicability    *struct {
		Platform     string `json:"platform"`
		Technologies string `json:"technologies"`
	} `json:"applicability"`
	DefaultOptionID string `json:"defaultOptionId"`
	Options         []struct {
		ItemID      string `json:"itemId"`
		DisplayName string `json:"displayName"`
		OptionValue *struct {
			Value any `json:"value"`
		} `json:"optionValue"`
	} `json:"options"`
}

// definition converts a definition from the wire.
func (w wireDefinition) definition() SettingDefinition {
	d := SettingDefinition{ID: w.ID, Name: w.Name, DisplayName: w.DisplayName, Description: w.Description,
		CategoryID: w.CategoryID, RootDefinitionID: w.RootDefinitionID, BaseURI: w.BaseURI, OffsetURI: w.OffsetURI,
		Kind: strings.TrimPrefix(w.Type, typePrefix), DefaultOptionID: w.DefaultOptionID}
	if w.Applicability != nil {
		d.Platform, d.Technologies = w.Applicability.Platform, w.Applicability.Technologies
	}
	for _, o := range w.Options {
		option := SettingOption{ItemID: o.ItemID, DisplayName: o.DisplayName}
		if o.OptionValue != nil {
			option.Value = o.OptionValue.Value
		}
		d.Options = append(d.Options, option)
	}
	return d
}

// configurationRead and configurationWrite describe calls on the settings catalog (contract a, l.5).
func configurationRead(op string) call {
	return call{op: op, class: classConfiguration, effect: effectRead, permissions: []string{"DeviceManagementConfiguration.Read.All"}}
}

func configurationWrite(op string, e effect) call {
	return call{op: op, class: classConfiguration, effect: e, permissions: []string{"DeviceManagementConfiguration.ReadWrite.All"}}
}

// SettingDefinitions searches the tenant's settings catalog. Ids and display names are searched one after the
// other, because a filter with "or" is not known to work there (contract a.6), and what the server returns is
// checked again here. Definitions that cannot be read are among the found, each as often as it was listed.
func (c *Client) SettingDefinitions(ctx context.Context, filter SettingFilter) ([]SettingDefinition, error) {
	op := configurationRead("SettingDefinitions")
	queries := []url.Values{{}}
	if filter.Contains != "" {
		queries = []url.Values{
			{"$filter": {"contains(id," + quote(filter.Contains) + ")"}},
			{"$filter": {"contains(displayName," + quote(filter.Contains) + ")"}},
		}
	}
	var found []SettingDefinition
	seen := map[string]bool{}
	for _, query := range queries {
		ri, err := c.betaRequest(abs.GET, "/deviceManagement/configurationSettings", query, nil)
		if err != nil {
			return nil, invalid(op.op, "%v", err)
		}
		err = listItems(ctx, c, op, ri, func(w wireDefinition, odd error) error {
			if odd != nil || w.ID == "" {
				found = append(found, SettingDefinition{ID: w.ID, Unreadable: cmp.Or(odd, error(withoutID(op, "definition")))})
				return nil
			}
			if d := w.definition(); !seen[d.ID] && filter.matches(d) {
				seen[d.ID] = true
				found = append(found, d)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// matches applies the filter to one definition.
func (f SettingFilter) matches(d SettingDefinition) bool {
	if f.Contains != "" && !containsFold(d.ID, f.Contains) && !containsFold(d.DisplayName, f.Contains) {
		return false
	}
	return f.Platform == "" || hasFlag(d.Platform, f.Platform)
}

// hasFlag looks for one flag in a comma-joined value, "iOS,macOS" for example (contract a.6).
func hasFlag(flags, flag string) bool {
	for part := range strings.SplitSeq(flags, ",") {
		if strings.EqualFold(strings.TrimSpace(part), flag) {
			return true
		}
	}
	return false
}

// SettingDefinition reads one definition. Ids can hold braces and are escaped (contract a11).
func (c *Client) SettingDefinition(ctx context.Context, id string) (SettingDefinition, error) {
	op := byID(configurationRead("SettingDefinition"))
	if err := needID(op.op, "definition id", id); err != nil {
		return SettingDefinition{}, err
	}
	ri, err := c.betaRequest(abs.GET, "/deviceManagement/configurationSettings/"+url.PathEscape(id), nil, nil)
	if err != nil {
		return SettingDefinition{}, invalid(op.op, "%v", err)
	}
	var w wireDefinition
	if err := c.send(ctx, op, ri, decodeObject(&w)); err != nil {
		return SettingDefinition{}, err
	}
	if w.ID == "" {
		return SettingDefinition{}, &Error{Kind: KindTransient, Op: op.op, Message: "the tenant answered with a definition without an id"}
	}
	return w.definition(), nil
}
