// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"maps"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// parameterKinds are the types of a script's parameters and of their default
// values (metadata: deviceHealthScriptParameter and what derives from it).
var parameterKinds = map[string]shape.Kind{"String": shape.String, "Integer": shape.Int, "Boolean": shape.Bool}

// remediationParameters reads the lists that the body names.
func (c *call) remediationParameters() (map[string][]object, error) {
	out := map[string][]object{}
	for _, name := range []string{"detectionScriptParameters", "remediationScriptParameters"} {
		if _, given := c.Body[name]; !given {
			continue
		}
		list, err := c.scriptParameters(name)
		if err != nil {
			return nil, err
		}
		out[name] = list
	}
	return out, nil
}

// scriptParameters reads a list of parameters. They are kept and shown; the
// simulator runs no PowerShell that could use them.
func (c *call) scriptParameters(name string) ([]object, error) {
	out := []object{}
	for _, item := range objects(c.Body[name]) {
		word := strings.TrimSuffix(strings.TrimPrefix(text(item, odata.TypeAnnotation), schedulePrefix), "Parameter")
		value, known := parameterKinds[word]
		if !known {
			return nil, c.BadRequest("A type named '%v' of property '%s' could not be resolved by the model where a script parameter is expected.", item[odata.TypeAnnotation], name)
		}
		of := shape.Shape{TypeName: strings.TrimPrefix(schedulePrefix, "#") + word + "Parameter", Members: map[string]shape.Member{
			"name": {Kind: shape.String}, "description": {Kind: shape.String}, "isRequired": {Kind: shape.Bool},
			"applyDefaultValueWhenNotAssigned": {Kind: shape.Bool}, "defaultValue": {Kind: value},
		}}
		if err := of.Check(&c.Request, item, true); err != nil {
			return nil, err
		}
		shown := object{"name": nil, "description": nil, "isRequired": false, "applyDefaultValueWhenNotAssigned": false, "defaultValue": nil}
		maps.Copy(shown, item)
		out = append(out, shown)
	}
	return out, nil
}
