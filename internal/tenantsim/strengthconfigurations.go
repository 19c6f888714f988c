// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"maps"
	"net/http"
	"slices"
)

// configurationShape is a restriction of a combination. Which combinations a type
// applies to, and that a FIDO2 restriction needs keys while a certificate
// restriction may leave every list out, is ASSUMED. The texts of this file are
// ASSUMED.
var configurationShape = &shape{typeName: "microsoft.graph.authenticationCombinationConfiguration", variants: []*shape{
	shapeOf("fido2CombinationConfiguration", map[string]member{"id": {readOnly: true},
		"appliesToCombinations": {kind: kindStrings, required: true, values: []string{"fido2"}}, "allowedAAGUIDs": {kind: kindStrings, required: true}}),
	shapeOf("x509CertificateCombinationConfiguration", map[string]member{"id": {readOnly: true},
		"appliesToCombinations": {kind: kindStrings, required: true, values: []string{"x509CertificateSingleFactor", "x509CertificateMultiFactor"}},
		"allowedIssuerSkis":     {kind: kindStrings}, "allowedPolicyOIDs": {kind: kindStrings},
		// Recorded portal requests carry it, no metadata has it (third-party row 9).
		"allowedIssuers": {kind: kindStrings}}),
}}

// checkConfiguration checks a restriction as it would be stored.
func (c *call) checkConfiguration(doc object) error {
	if len(texts(doc["appliesToCombinations"])) == 0 {
		return c.badRequest("Property 'appliesToCombinations' must name at least one combination.")
	}
	for _, id := range texts(doc["allowedAAGUIDs"]) {
		if _, ok := parseGUID(id); !ok {
			return c.badRequest("'%s' of allowedAAGUIDs is not a GUID.", id)
		}
	}
	return nil
}

func (c *call) addConfiguration(p *strength, body object) error {
	if err := configurationShape.check(c, body, true); err != nil {
		return err
	}
	made := configurationShape.merged(nil, body)
	if err := c.checkConfiguration(made); err != nil {
		return err
	}
	id, _ := c.server.nextID("combinationConfiguration")
	made["id"] = id.String()
	p.configurations = append(slices.Clone(p.configurations), made)
	return nil
}

// shownConfiguration is a restriction as GET shows it: a list that was left out
// is an empty one. allowedIssuers shows only when it was sent, as no metadata has
// it.
func shownConfiguration(doc object) object {
	out := configurationShape.shown(doc, true)
	if doc["allowedIssuers"] == nil {
		delete(out, "allowedIssuers")
	}
	return out
}

func (p *strength) shownConfigurations() []object {
	out := []object{}
	for _, doc := range p.configurations {
		out = append(out, shownConfiguration(doc))
	}
	return out
}

func (p *strength) configurationsContext() string {
	return strengthContext + "('" + p.id + "')/combinationConfigurations"
}

func listConfigurations(c *call) (*reply, error) {
	p, err := c.server.strengths.see(c)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: object{"@odata.context": c.context(p.configurationsContext(), nil), "value": p.shownConfigurations()}}, nil
}

// configuration finds the restriction of the path.
func (c *call) configuration(p *strength) (int, error) {
	i := slices.IndexFunc(p.configurations, func(doc object) bool { return text(doc, "id") == c.params["configuration"] })
	if i < 0 {
		return 0, c.notFound(c.params["configuration"])
	}
	return i, nil
}

func getConfiguration(c *call) (*reply, error) {
	p, err := c.server.strengths.see(c)
	if err != nil {
		return nil, err
	}
	i, err := c.configuration(p)
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, p.configurationsContext()+"/$entity", shownConfiguration(p.configurations[i])), nil
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
	made := shownConfiguration(p.configurations[len(p.configurations)-1])
	return c.entityReply(http.StatusCreated, p.configurationsContext()+"/$entity", made), nil
}

// patchConfiguration answers 204 (authenticationcombinationconfiguration-update).
// Its example does without @odata.type: the kind cannot change.
func patchConfiguration(c *call) (*reply, error) {
	p, err := c.customStrength()
	if err != nil {
		return nil, err
	}
	i, err := c.configuration(p)
	if err != nil {
		return nil, err
	}
	old := p.configurations[i]
	body := maps.Clone(c.body)
	if body != nil && body["@odata.type"] == nil {
		body["@odata.type"] = old["@odata.type"]
	}
	if err := configurationShape.check(c, body, false); err != nil {
		return nil, err
	}
	if configurationShape.variant(body) != configurationShape.variant(old) {
		return nil, c.badRequest("A combination configuration of type '%s' cannot become '%s'.", text(old, "@odata.type"), text(body, "@odata.type"))
	}
	next := configurationShape.merged(old, body)
	if err := c.checkConfiguration(next); err != nil {
		return nil, err
	}
	c.server.strengths.change(c.server, p)
	p.configurations = slices.Clone(p.configurations)
	p.configurations[i] = next
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

func deleteConfiguration(c *call) (*reply, error) {
	p, err := c.customStrength()
	if err != nil {
		return nil, err
	}
	i, err := c.configuration(p)
	if err != nil {
		return nil, err
	}
	c.server.strengths.change(c.server, p)
	p.configurations = slices.Delete(slices.Clone(p.configurations), i, i+1)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}
