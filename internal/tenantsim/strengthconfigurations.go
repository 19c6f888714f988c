// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"maps"
	"net/http"
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// configurationShape is a restriction of a combination. Which combinations a type
// applies to, and that a FIDO2 restriction needs keys while a certificate
// restriction may leave every list out, is ASSUMED. The texts of this file are
// ASSUMED.
var configurationShape = &shape.Shape{TypeName: "microsoft.graph.authenticationCombinationConfiguration", Variants: []*shape.Shape{
	shapeOf("fido2CombinationConfiguration", map[string]shape.Member{"id": {ReadOnly: true},
		"appliesToCombinations": {Kind: shape.Strings, Required: true, Values: []string{"fido2"}}, "allowedAAGUIDs": {Kind: shape.Strings, Required: true}}),
	shapeOf("x509CertificateCombinationConfiguration", map[string]shape.Member{"id": {ReadOnly: true},
		"appliesToCombinations": {Kind: shape.Strings, Required: true, Values: []string{"x509CertificateSingleFactor", "x509CertificateMultiFactor"}},
		"allowedIssuerSkis":     {Kind: shape.Strings}, "allowedPolicyOIDs": {Kind: shape.Strings},
		// Recorded portal requests carry it, no metadata has it (third-party 9).
		"allowedIssuers": {Kind: shape.Strings}}),
}}

// checkConfiguration checks a restriction as it would be stored.
func (c *call) checkConfiguration(doc object) error {
	if len(texts(doc["appliesToCombinations"])) == 0 {
		return c.BadRequest("Property 'appliesToCombinations' must name at least one combination.")
	}
	for _, id := range texts(doc["allowedAAGUIDs"]) {
		if _, ok := ids.ParseGUID(id); !ok {
			return c.BadRequest("'%s' of allowedAAGUIDs is not a GUID.", id)
		}
	}
	return nil
}

func (c *call) addConfiguration(p *strength, body object) error {
	if err := configurationShape.Check(&c.Request, body, true); err != nil {
		return err
	}
	made := configurationShape.Merged(nil, body)
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
	out := configurationShape.Shown(doc, true)
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
	return strengthContext + "('" + p.ID + "')/combinationConfigurations"
}

// configurationEntity has the members of both kinds; ofKind leaves what the kind
// does not have.
var configurationEntity = func() *entity.Type[object] {
	e := &entity.Type[object]{Name: "microsoft.graph.authenticationCombinationConfiguration"}
	for _, name := range []string{"id", "appliesToCombinations", "allowedAAGUIDs", "allowedIssuerSkis", "allowedPolicyOIDs", "allowedIssuers"} {
		e.Properties = append(e.Properties, entity.Property[object]{Name: name, Get: func(doc object) any { return doc[name] }})
	}
	return e
}()

// ofKind takes the members away that a restriction does not show.
func ofKind(shown, out object) {
	for name := range out {
		if _, has := shown[name]; !has {
			delete(out, name)
		}
	}
	out["@odata.type"] = shown["@odata.type"]
}

func listConfigurations(c *call) (*reply, error) {
	p, err := c.server.strengths.See(c.byID())
	if err != nil {
		return nil, err
	}
	all := p.shownConfigurations()
	return listReply(c, c.Query, configurationEntity, entity.EachOf(all), listStyle{context: p.configurationsContext(), size: 100, max: 999,
		decorate: func(key int64, out object) error {
			ofKind(all[key], out)
			return nil
		}})
}

// configuration finds the restriction of the path.
func (c *call) configuration(p *strength) (int, error) {
	i := slices.IndexFunc(p.configurations, func(doc object) bool { return ids.Same(text(doc, "id"), c.params["configuration"]) })
	if i < 0 {
		return 0, c.NotFound(c.params["configuration"])
	}
	return i, nil
}

func getConfiguration(c *call) (*reply, error) {
	p, err := c.server.strengths.See(c.byID())
	if err != nil {
		return nil, err
	}
	i, err := c.configuration(p)
	if err != nil {
		return nil, err
	}
	members, err := configurationEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	shown := shownConfiguration(p.configurations[i])
	out := entity.Render(shown, members)
	ofKind(shown, out)
	return c.entityReply(http.StatusOK, p.configurationsContext()+"/$entity", out), nil
}

func createConfiguration(c *call) (*reply, error) {
	p, err := c.customStrength()
	if err != nil {
		return nil, err
	}
	was := *p
	if err := c.addConfiguration(p, c.Body); err != nil {
		return nil, err
	}
	c.server.strengths.ChangedFrom(c.server.instant(), p, &was)
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
	body := maps.Clone(c.Body)
	if body != nil && body["@odata.type"] == nil {
		body["@odata.type"] = old["@odata.type"]
	}
	if err := configurationShape.Check(&c.Request, body, false); err != nil {
		return nil, err
	}
	if configurationShape.Variant(body) != configurationShape.Variant(old) {
		return nil, c.BadRequest("A combination configuration of type '%s' cannot become '%s'.", text(old, "@odata.type"), text(body, "@odata.type"))
	}
	next := configurationShape.Merged(old, body)
	if err := c.checkConfiguration(next); err != nil {
		return nil, err
	}
	c.server.strengths.Change(c.server.instant(), p)
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
	c.server.strengths.Change(c.server.instant(), p)
	p.configurations = slices.Delete(slices.Clone(p.configurations), i, i+1)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}
