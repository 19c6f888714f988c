// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/metadata"
)

// checkSelect refuses members that the route's entity has not.
func (c *call) checkSelect() error {
	if c.route.entity == "" {
		return nil
	}
	for _, name := range c.Query.Selected {
		if metadata.Of(c.Version, c.route.entity, name) == metadata.None {
			return c.BadRequest("Parsing OData Select and Expand failed: Could not find a property named '%s' on type 'microsoft.graph.%s'.", name, c.route.entity)
		}
	}
	return nil
}

// narrow leaves in an answer that was written by hand what $select names, one
// object or the items of a list. Annotations stay.
func (c *call) narrow(out *reply) {
	body, ok := out.body.(object)
	if c.route.entity == "" || len(c.Query.Selected) == 0 || !ok {
		return
	}
	items, isList := body["value"].([]object)
	if !isList {
		items = []object{body}
	}
	for _, item := range items {
		for name := range item {
			if !strings.Contains(name, "@") && !slices.Contains(c.Query.Selected, name) {
				delete(item, name)
			}
		}
		for _, name := range c.Query.Selected {
			if _, there := item[name]; !there && metadata.Of(c.Version, c.route.entity, name) != metadata.Navigation {
				item[name] = entity.Unset(metadata.Of(c.Version, c.route.entity, name))
			}
		}
	}
}
