// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// admxDefinition is a group policy definition. The tenant has one for every
// policy of a Windows ADMX file that the settings catalog knows; its id, which is
// no public fact, is derived from the setting's (ASSUMED).
type admxDefinition struct {
	id, displayName, categoryPath, classType string
	setting                                  *definition
}

// admxDefinitions lists them in the order of the catalog. A definition has no
// policy name: only the text on display, the path and the class tell it, and
// texts repeat over classes and generations (contract-2 w).
func (s *Server) admxDefinitions() []admxDefinition {
	paths := categoryPaths(s.catalog.Categories)
	var out []admxDefinition
	for _, d := range s.catalog.Definitions() {
		if d.RootID != d.ID || d.Kind != catalog.Choice || !strings.HasPrefix(d.OffsetURI, "/Config/") || !strings.Contains(d.OffsetURI, "~Policy~") {
			continue
		}
		class := "machine"
		if d.User() {
			class = "user"
		}
		title := strings.TrimSuffix(strings.TrimSuffix(d.DisplayName, " (User)"), " (users can override)")
		out = append(out, admxDefinition{ids.NewGUID(ids.HashText(d.ID), "groupPolicyDefinition", 0).String(), title, paths[d.CategoryID], class, d})
	}
	return out
}

// categoryPaths writes the place of each category as \Microsoft Edge\Extensions.
func categoryPaths(list []catalog.Category) map[string]string {
	parent, name := map[string]string{}, map[string]string{}
	for _, k := range list {
		parent[k.ID], name[k.ID] = k.Parent, k.DisplayName
	}
	out := map[string]string{}
	for _, k := range list {
		path := ""
		for id, steps := k.ID, 0; id != "" && steps <= len(list); id, steps = parent[id], steps+1 {
			path = `\` + name[id] + path
		}
		out[k.ID] = path
	}
	return out
}

func (s *Server) admxDefinition(id string) *admxDefinition {
	for _, d := range s.admxDefinitions() {
		if ids.Same(d.id, id) {
			return &d
		}
	}
	return nil
}

var admxDefinitionEntity = &entity.Type[admxDefinition]{Name: "microsoft.graph.groupPolicyDefinition", Properties: []entity.Property[admxDefinition]{
	{Name: "id", Ops: odata.Eq, Get: func(d admxDefinition) any { return d.id }},
	{Name: "classType", Ops: odata.Eq, Get: func(d admxDefinition) any { return d.classType }},
	{Name: "displayName", Ops: odata.Eq | odata.Contains | odata.StartsWith, Get: func(d admxDefinition) any { return d.displayName }},
	{Name: "explainText", Get: func(d admxDefinition) any { return d.displayName + "." }},
	{Name: "categoryPath", Ops: odata.Eq | odata.Contains | odata.StartsWith, Get: func(d admxDefinition) any { return d.categoryPath }},
	{Name: "supportedOn", Get: func(admxDefinition) any { return "Microsoft Edge version 77, Windows 7 or later" }},
	{Name: "policyType", Ops: odata.Eq, Get: func(admxDefinition) any { return "admxIngested" }}, // as recorded definitions of Edge say
	{Name: "hasRelatedDefinitions", Get: func(admxDefinition) any { return false }},
	{Name: "groupPolicyCategoryId", Get: func(d admxDefinition) any {
		return ids.NewGUID(ids.HashText(d.categoryPath), "groupPolicyCategory", 0).String()
	}},
	{Name: "minDeviceCspVersion", Get: func(admxDefinition) any { return nil }},
	{Name: "minUserCspVersion", Get: func(admxDefinition) any { return nil }},
	{Name: "version", Get: func(admxDefinition) any { return "1.0" }},
	{Name: "lastModifiedDateTime", Get: func(admxDefinition) any { return neverTime }},
}}

const admxDefinitionsContext = "deviceManagement/groupPolicyDefinitions"

func listAdmxDefinitions(c *call) (*reply, error) {
	return listReply(c, c.Query, admxDefinitionEntity, entity.EachOf(c.server.admxDefinitions()), listStyle{context: admxDefinitionsContext, size: 100, max: 1000, count: countPage})
}

func getAdmxDefinition(c *call) (*reply, error) {
	members, err := admxDefinitionEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	d := c.server.admxDefinition(c.params["id"])
	if d == nil {
		return nil, c.NotFound(c.params["id"])
	}
	return c.entityReply(http.StatusOK, admxDefinitionsContext+"/$entity", entity.Render(*d, members)), nil
}

// object is a whole definition, as $expand shows it.
func (d *admxDefinition) object(c *call) object {
	members, err := admxDefinitionEntity.Projection(&c.Request, nil)
	if err != nil { // without $select there is nothing to refuse
		return object{}
	}
	return entity.Render(*d, members)
}

// presentation is an input of a definition: one for each child of the setting.
type presentation struct {
	id      string
	setting *definition
}

func (s *Server) presentations(d *admxDefinition) []presentation {
	var out []presentation
	for _, o := range d.setting.Options {
		for _, child := range o.Children {
			if below := s.catalog.Find(child); below != nil {
				out = append(out, presentation{ids.NewGUID(ids.HashText(child), "groupPolicyPresentation", 0).String(), below})
			}
		}
	}
	return out
}

func (p presentation) object() object {
	out := object{"@odata.type": "#microsoft.graph.groupPolicyPresentationTextBox", "id": p.id, "label": p.setting.DisplayName, "lastModifiedDateTime": neverTime}
	switch p.setting.Kind {
	case catalog.Choice:
		items := []object{}
		for _, o := range p.setting.Options {
			items = append(items, object{"displayName": o.DisplayName, "value": strings.TrimPrefix(strings.TrimPrefix(o.ItemID, p.setting.ID), "_")})
		}
		out["@odata.type"], out["items"], out["defaultItem"], out["required"] = "#microsoft.graph.groupPolicyPresentationDropdownList", items, nil, true
	case catalog.SimpleCollection:
		out["@odata.type"], out["explicitValue"], out["valuePrefix"] = "#microsoft.graph.groupPolicyPresentationListBox", false, nil
	default:
		out["defaultValue"], out["maxLength"], out["required"] = nil, 1023, true
	}
	return out
}

func listPresentations(c *call) (*reply, error) {
	d := c.server.admxDefinition(c.params["id"])
	if d == nil {
		return nil, c.NotFound(c.params["id"])
	}
	out := []object{}
	for _, p := range c.server.presentations(d) {
		out = append(out, p.object())
	}
	return &reply{status: http.StatusOK, body: object{"@odata.context": c.context(admxDefinitionsContext+"('"+d.id+"')/presentations", nil), "value": out}}, nil
}
