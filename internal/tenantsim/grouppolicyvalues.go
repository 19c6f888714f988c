// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// One definition value by itself: contract-2 w says that POST works beside
// updateDefinitionValues; PATCH and DELETE, and what they answer, are documented
// (intune-grouppolicy-grouppolicydefinitionvalue: create 201, update 200, delete
// 204).

// createDefinitionValue answers with the object, unlike the action.
func createDefinitionValue(c *call) (*reply, error) {
	g, err := c.server.groupPolicies.Find(c.byID())
	if err != nil {
		return nil, err
	}
	v := admxValue{created: c.now}
	if err := c.readDefinitionValue(&v, c.Body, g.values); err != nil {
		return nil, err
	}
	c.setDefinitionValues(g, append(slices.Clone(g.values), v))
	return c.definitionValueReply(http.StatusCreated, g, &g.values[len(g.values)-1], nil)
}

func patchDefinitionValue(c *call) (*reply, error) {
	g, i, err := c.definitionValue()
	if err != nil {
		return nil, err
	}
	next := slices.Clone(g.values)
	if err := c.readDefinitionValue(&next[i], c.Body, next); err != nil {
		return nil, err
	}
	c.setDefinitionValues(g, next)
	return c.definitionValueReply(http.StatusOK, g, &g.values[i], nil)
}

func deleteDefinitionValue(c *call) (*reply, error) {
	g, i, err := c.definitionValue()
	if err != nil {
		return nil, err
	}
	c.setDefinitionValues(g, slices.Delete(slices.Clone(g.values), i, i+1))
	return &reply{status: http.StatusNoContent}, nil
}

// definitionValue finds the value of the path as it truly is, by its place.
func (c *call) definitionValue() (*groupPolicy, int, error) {
	g, err := c.server.groupPolicies.Find(c.byID())
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(g.values, func(v admxValue) bool { return ids.Same(v.id, c.params["value"]) })
	if i < 0 {
		return nil, 0, c.NotFound(c.params["value"])
	}
	return g, i, nil
}

// admxValueEntity is a value without its navigations, which $expand adds.
var admxValueEntity = &entity.Type[*admxValue]{Name: "microsoft.graph.groupPolicyDefinitionValue", Properties: []entity.Property[*admxValue]{
	{Name: "id", Ops: odata.Eq, Get: func(v *admxValue) any { return v.id }},
	{Name: "enabled", Ops: odata.Eq, Get: func(v *admxValue) any { return v.enabled }},
	{Name: "configurationType", Ops: odata.Eq, Get: func(v *admxValue) any { return v.configurationType() }},
	{Name: "createdDateTime", Get: func(v *admxValue) any { return intuneTime(v.created) }},
	{Name: "lastModifiedDateTime", Get: func(v *admxValue) any { return intuneTime(v.modified) }},
}}

// configurationType is policy unless somebody said otherwise: the first member of
// the enumeration.
func (v *admxValue) configurationType() string {
	if v.configuration == "" {
		return "policy"
	}
	return v.configuration
}

// listDefinitionValues shows the definitions of a configuration (contract-2 w).
func listDefinitionValues(c *call) (*reply, error) {
	expands, err := c.expansions("definition", "presentationValues")
	if err != nil {
		return nil, err
	}
	g, err := c.server.groupPolicies.See(c.byID())
	if err != nil {
		return nil, err
	}
	all := []*admxValue{}
	for i := range g.values {
		all = append(all, &g.values[i])
	}
	return listReply(c, c.Query, admxValueEntity, entity.EachOf(all), listStyle{context: groupPolicyContext + "('" + g.ID + "')/definitionValues", size: 100, max: 1000, count: countPage,
		decorate: func(key int64, out object) error {
			all[key].expand(c, out, expands)
			return nil
		}})
}

func getDefinitionValue(c *call) (*reply, error) {
	expands, err := c.expansions("definition", "presentationValues")
	if err != nil {
		return nil, err
	}
	g, v, err := c.valueOf()
	if err != nil {
		return nil, err
	}
	return c.definitionValueReply(http.StatusOK, g, v, expands)
}

func (c *call) definitionValueReply(status int, g *groupPolicy, v *admxValue, expands []expansion) (*reply, error) {
	members, err := admxValueEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	out := entity.Render(v, members)
	v.expand(c, out, expands)
	return c.entityReply(status, groupPolicyContext+"('"+g.ID+"')/definitionValues/$entity", out), nil
}

// expand adds the navigations that were asked for.
func (v *admxValue) expand(c *call, out object, expands []expansion) {
	for _, e := range expands {
		if e.name == "definition" {
			out["definition"] = e.keep(v.definition.object(c))
		} else {
			out["presentationValues"] = v.presentationObjects(c, false)
		}
	}
}
