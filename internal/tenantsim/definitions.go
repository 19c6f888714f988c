// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"maps"
	"net/http"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

const typePrefix = catalog.TypePrefix

// rolesReadConfig and rolesWriteConfig are the settings catalog permissions
// (contract a).
var (
	rolesReadConfig  = []string{"DeviceManagementConfiguration.Read.All", "DeviceManagementConfiguration.ReadWrite.All"}
	rolesWriteConfig = []string{"DeviceManagementConfiguration.ReadWrite.All"}
)

// documented is a member that is shown as the catalog has it.
func documented(name string, ops odata.Op) entity.Property[*definition] {
	return entity.Property[*definition]{Name: name, Ops: ops, Get: func(d *definition) any { return d.Document()[name] }}
}

// definitionEntity filters as tools were seen to filter (contract a.6): by id,
// names, root, category and applicability. Its members are those of the abstract
// base in the metadata; the others come with the derived type.
var definitionEntity = &entity.Type[*definition]{Name: "microsoft.graph.deviceManagementConfigurationSettingDefinition", Properties: []entity.Property[*definition]{
	documented("id", odata.Eq|odata.Contains|odata.StartsWith),
	documented("name", odata.Eq|odata.Contains|odata.StartsWith),
	documented("displayName", odata.Eq|odata.Contains|odata.StartsWith),
	documented("description", odata.Contains), // ASSUMED, as displayName
	documented("helpText", 0),
	documented("keywords", 0),
	documented("infoUrls", 0),
	documented("categoryId", odata.Eq),
	documented("rootDefinitionId", odata.Eq),
	documented("baseUri", 0),
	documented("offsetUri", 0),
	documented("settingUsage", 0),
	documented("visibility", 0),
	documented("accessTypes", 0),
	documented("uxBehavior", 0),
	documented("riskLevel", 0),
	documented("version", 0),
	documented("occurrence", 0),
	documented("referredSettingInformationList", 0),
	documented("applicability", 0),
	{Name: "applicability/platform", Ops: odata.Eq | odata.Has, Hidden: true, Get: func(d *definition) any { return d.Platform }},
	{Name: "applicability/technologies", Ops: odata.Eq | odata.Has, Hidden: true, Get: func(d *definition) any { return d.Technologies }},
}}

func listDefinitions(c *call) (*reply, error) {
	exact := c.server.scenario.CaseSensitiveSearch
	words := strings.Fields(c.Query.Search)
	if c.Query.Filter != nil {
		c.Query.Filter.Walk(func(e *odata.Comparison) { e.Exact = exact })
	}
	all := c.server.catalog.Definitions()
	byPlace := map[int64]*definition{}
	for _, d := range all {
		byPlace[d.Sequence()] = d
	}
	style := listStyle{context: "deviceManagement/configurationSettings", size: 100, max: 1000, count: countPage} // page size ASSUMED
	style.decorate = func(key int64, out object) error {
		finishDefinition(byPlace[key], out, c.Query.Selected)
		return nil
	}
	return listReply(c, c.Query, definitionEntity, definitionsAfter(all, func(d *definition) bool { return matchesSearch(d, words, exact) }), style)
}

// matchesSearch is the $search of contract a.6: every word in the names. Where it
// looks is ASSUMED.
func matchesSearch(d *definition, words []string, exact bool) bool {
	names := d.DisplayName + " " + d.Name
	if !exact {
		names = strings.ToLower(names)
	}
	for _, word := range words {
		if !exact {
			word = strings.ToLower(word)
		}
		if !strings.Contains(names, word) {
			return false
		}
	}
	return true
}

// finishDefinition adds the type and, unless $select narrows the answer, all the
// members that the catalog has, those of the derived type included.
func finishDefinition(d *definition, out object, selected []string) {
	out["@odata.type"] = d.Document()["@odata.type"]
	if len(selected) == 0 {
		maps.Copy(out, d.Document())
	}
}

// definitionObject is a whole definition.
func definitionObject(d *definition) object { return maps.Clone(d.Document()) }

func getDefinition(c *call) (*reply, error) {
	members, err := definitionEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	d := c.server.catalog.Find(c.params["id"])
	if d == nil {
		return nil, c.NotFound(c.params["id"])
	}
	out := entity.Render(d, members)
	finishDefinition(d, out, c.Query.Selected)
	return c.entityReply(http.StatusOK, "deviceManagement/configurationSettings/$entity", out), nil
}
