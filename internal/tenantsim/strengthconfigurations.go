// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"slices"
	"strings"
)

// configurationShapes are the restrictions that a combination may have. Which
// combinations a type applies to, and that a FIDO2 restriction needs keys while
// a certificate restriction may leave either list out, is ASSUMED.
var configurationShapes = []shape{
	{typeName: "microsoft.graph.fido2CombinationConfiguration", members: map[string]member{
		"id": {kind: kindString, readOnly: true}, "appliesToCombinations": {kind: kindStrings, required: true, values: []string{"fido2"}},
		"allowedAAGUIDs": {kind: kindStrings, required: true},
	}},
	{typeName: "microsoft.graph.x509CertificateCombinationConfiguration", members: map[string]member{
		"id":                    {kind: kindString, readOnly: true},
		"appliesToCombinations": {kind: kindStrings, required: true, values: []string{"x509CertificateSingleFactor", "x509CertificateMultiFactor"}},
		"allowedIssuerSkis":     {kind: kindStrings}, "allowedPolicyOIDs": {kind: kindStrings},
	}},
}

// configurationShape is the shape of the type that a body states. The texts of
// this file are ASSUMED.
func (c *call) configurationShape(body object) (shape, error) {
	stated := strings.TrimPrefix(text(body, "@odata.type"), "#")
	i := slices.IndexFunc(configurationShapes, func(s shape) bool { return s.typeName == stated })
	if i < 0 {
		return shape{}, c.badRequest("A combination configuration must carry '@odata.type': '#%s' or '#%s'.", configurationShapes[0].typeName, configurationShapes[1].typeName)
	}
	return configurationShapes[i], nil
}

func (c *call) addConfiguration(p *strength, body object) error {
	kind, err := c.configurationShape(body)
	if err != nil {
		return err
	}
	if err := kind.check(c, body, true); err != nil {
		return err
	}
	for _, id := range texts(body["allowedAAGUIDs"]) {
		if _, ok := parseGUID(id); !ok {
			return c.badRequest("'%s' of allowedAAGUIDs is not a GUID.", id)
		}
	}
	id, _ := c.server.nextID("combinationConfiguration")
	made := object{"@odata.type": "#" + kind.typeName, "id": id.String()}
	for name, m := range kind.members {
		switch {
		case m.readOnly:
		case body[name] == nil: // a list that was left out is an empty one (schema: not nullable)
			made[name] = []string{}
		default:
			made[name] = body[name]
		}
	}
	p.configurations = append(slices.Clone(p.configurations), made)
	return nil
}

func listConfigurations(c *call) (*reply, error) {
	p, err := c.server.strengths.see(c)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context(strengthContext+"('"+p.id+"')/combinationConfigurations", nil), "value": append([]object{}, p.configurations...)}}, nil
}

func createConfiguration(c *call) (*reply, error) {
	p, err := c.customStrength()
	if err != nil {
		return nil, err
	}
	was := *p
	if err := c.addConfiguration(p, c.body); err != nil {
		return nil, err
	}
	c.server.strengths.trail.note(c.server, p, &was)
	c.changed()
	out := make(object)
	for name, v := range p.configurations[len(p.configurations)-1] {
		out[name] = v
	}
	return c.entityReply(http.StatusCreated, strengthContext+"('"+p.id+"')/combinationConfigurations/$entity", out), nil
}
