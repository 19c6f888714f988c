// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Bounds of what a dump without value definitions leaves open. All ASSUMED: the
// live catalog has bounds of its own.
const (
	assumedTextLength = 87516
	assumedCount      = 600
)

// documentOf writes the definition as the service would show it. Members that
// Definition does not have are ASSUMED.
func documentOf(d *Definition) Object {
	if d.DisplayName == "" {
		d.DisplayName = d.title()
	}
	out := Object{
		"@odata.type": d.Kind.ODataType(), "id": d.ID, "name": d.Name, "displayName": d.DisplayName, "description": d.DisplayName + ".",
		"helpText": nil, "keywords": []any{d.Name}, "infoUrls": []any{}, "categoryId": d.CategoryID, "rootDefinitionId": d.RootID,
		"baseUri": orNull(d.BaseURI), "offsetUri": orNull(d.OffsetURI), "settingUsage": "configuration", "visibility": "settingsCatalog,template",
		"accessTypes": "add,delete,get,replace", "uxBehavior": d.control(), "riskLevel": "low", "version": "1",
		"occurrence": Object{"minDeviceOccurrence": 0, "maxDeviceOccurrence": 1}, "referredSettingInformationList": []any{},
		"applicability": d.applicability(),
	}
	switch d.Kind {
	case Choice, ChoiceCollection:
		out["options"], out["defaultOptionId"] = d.optionObjects(), orNull(d.DefaultOption)
	case Group, GroupCollection:
		out["childIds"] = anys(d.Children)
		out["dependentOn"], out["dependedOnBy"] = []any{}, dependencies(d.Children, d.Required)
	default:
		out["valueDefinition"], out["defaultValue"] = d.Value.object(), nil
		out["dependentOn"], out["dependedOnBy"] = []any{}, []any{}
	}
	if d.Kind.Collection() {
		out["minimumCount"], out["maximumCount"] = d.MinimumCount, d.MaximumCount
	}
	return out
}

// control is the uxBehavior of a kind. ASSUMED.
func (d *Definition) control() string {
	return [...]string{"dropdown", "default", "smallTextBox", "multiheaderGrid", "default", "default", "default"}[d.Kind]
}

// applicability has one subtype by platform; macOS has none of its own in
// metadata (ASSUMED: the one for applications).
func (d *Definition) applicability() Object {
	out := Object{"@odata.type": TypePrefix + "WindowsSettingApplicability", "description": nil,
		"platform": d.Platform, "technologies": d.Technologies, "deviceMode": "none"}
	if !strings.Contains(d.Technologies, "mdm") || !strings.Contains(d.Platform, "windows10") {
		out["@odata.type"] = TypePrefix + "ApplicationSettingApplicability"
		return out
	}
	out["minimumSupportedVersion"], out["maximumSupportedVersion"] = "10.0.10586", nil
	out["windowsSkus"] = []any{"windowsEnterprise", "windowsEducation", "windowsProfessional"}
	out["requiresAzureAd"], out["requiredAzureAdTrustType"] = false, "none"
	out["configurationServiceProviderVersion"] = "4.0"
	return out
}

func (d *Definition) optionObjects() []any {
	out := make([]any, 0, len(d.Options))
	for i := range d.Options {
		o := &d.Options[i]
		if o.DisplayName == "" {
			o.DisplayName = d.optionTitle(o.ItemID)
		}
		if o.Value == nil {
			o.Value = optionValue(strings.TrimPrefix(o.ItemID, d.ID))
		}
		out = append(out, Object{"itemId": o.ItemID, "name": o.DisplayName, "displayName": o.DisplayName, "description": nil, "helpText": nil,
			"dependentOn": []any{}, "dependedOnBy": dependencies(o.Children, o.Needs), "optionValue": simpleValue(o.Value)})
	}
	return out
}

// optionValue makes the value of an option up from the end of its id: the dump
// has none. On Windows the end is the policy's value (catalog note 14);
// elsewhere this is ASSUMED.
func optionValue(end string) any {
	end = strings.TrimPrefix(end, "_")
	if n, err := strconv.ParseInt(end, 10, 64); err == nil {
		return n
	}
	return end
}

func simpleValue(value any) Object {
	out := Object{"@odata.type": TypePrefix + "StringSettingValue", "settingValueTemplateReference": nil, "value": value}
	if _, isText := value.(string); !isText {
		out["@odata.type"] = TypePrefix + "IntegerSettingValue"
	}
	return out
}

// object is the valueDefinition.
func (r ValueRule) object() any {
	switch r.Kind {
	case AnyValue:
		return nil
	case IntegerValue:
		return Object{"@odata.type": TypePrefix + "IntegerSettingValueDefinition", "minimumValue": r.Low, "maximumValue": r.High}
	}
	return Object{"@odata.type": TypePrefix + "StringSettingValueDefinition", "format": "none", "inputValidationSchema": nil,
		"isSecret": r.Kind == SecretValue, "fileTypes": []any{}, "minimumLength": r.Low, "maximumLength": r.High}
}

func dependencies(all, required []string) []any {
	out := make([]any, 0, len(all))
	for _, id := range all {
		needed := false
		for _, r := range required {
			needed = needed || r == id
		}
		out = append(out, Object{"dependedOnBy": id, "required": needed})
	}
	return out
}

func anys(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// integer reads a JSON number of either form.
func integer(v any) (int64, bool) {
	switch n := v.(type) {
	case json.Number:
		i, err := n.Int64()
		return i, err == nil
	case int:
		return int64(n), true
	case int64:
		return n, true
	default:
		return 0, false
	}
}
