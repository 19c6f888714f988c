// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package entity

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Arrange sorts the matching items. The result pages by position: a list that
// is ordered can repeat or lose items when objects come or go, as the service's
// can. keys are the items' own keys by position.
func Arrange[T any](c *odata.Request, q odata.Query, e *Type[T], items Keyed[T]) (sorted Keyed[T], keys []int64, err error) {
	for _, k := range q.Order {
		if p := e.Lookup(k.Path, c.Beta); p == nil {
			return nil, nil, c.BadRequest("Could not find a property named '%s' on type '%s'.", k.Path, e.Name)
		} else if !p.Sort {
			return nil, nil, c.Unsupported("Sorting by property '%s' of resource '%s' is not supported.", k.Path, e.Name)
		}
	}
	type entry struct {
		key  int64
		item T
	}
	var all []entry
	for key, item := range items(-1) {
		if q.Filter == nil || q.Filter.Eval(e.getter(c, item)) {
			all = append(all, entry{key, item})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		for _, k := range q.Order {
			p := e.Lookup(k.Path, c.Beta)
			order := strings.Compare(orderText(p.Get(a.item)), orderText(p.Get(b.item)))
			if k.Desc {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	list := make([]T, len(all))
	keys = make([]int64, len(all))
	for i, entry := range all {
		list[i], keys[i] = entry.item, entry.key
	}
	return EachOf(list), keys, nil
}

// orderText is what a value sorts by: null comes before everything (OData protocol
// 4.01, 11.2.6.2), and letters have no case.
func orderText(v any) string {
	if v == nil {
		return ""
	}
	return strings.ToLower(fmt.Sprint(v))
}
