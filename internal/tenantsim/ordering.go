// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// orderKey is one property of $orderby.
type orderKey struct {
	path string
	desc bool
}

// parseOrder reads "a,b desc".
func (c *call) parseOrder(text string) ([]orderKey, error) {
	var out []orderKey
	for _, item := range odata.SplitList(text) {
		fields := strings.Fields(item)
		switch {
		case len(fields) == 1, len(fields) == 2 && fields[1] == "asc":
			out = append(out, orderKey{fields[0], false})
		case len(fields) == 2 && fields[1] == "desc":
			out = append(out, orderKey{fields[0], true})
		default:
			return nil, c.badRequest("Syntax error in $orderby at '%s'.", item)
		}
	}
	return out, nil
}

// arrange sorts the matching items. The result pages by position: a list that
// is ordered can repeat or lose items when objects come or go, as the service's
// can. keys are the items' own keys by position.
func arrange[T any](c *call, q query, e *entity[T], items keyed[T]) (sorted keyed[T], keys []int64, err error) {
	for _, k := range q.order {
		if p := e.lookup(k.path, c.beta); p == nil {
			return nil, nil, c.badRequest("Could not find a property named '%s' on type '%s'.", k.path, e.name)
		} else if !p.sort {
			return nil, nil, c.unsupported("Sorting by property '%s' of resource '%s' is not supported.", k.path, e.name)
		}
	}
	type entry struct {
		key  int64
		item T
	}
	var all []entry
	for key, item := range items(-1) {
		if q.filter == nil || q.filter.Eval(e.getter(c, item)) {
			all = append(all, entry{key, item})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		for _, k := range q.order {
			p := e.lookup(k.path, c.beta)
			order := strings.Compare(orderText(p.get(a.item)), orderText(p.get(b.item)))
			if k.desc {
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
	return eachOf(list), keys, nil
}

// orderText is what a value sorts by: null comes before everything (OData protocol
// 4.01, 11.2.6.2), and letters have no case.
func orderText(v any) string {
	if v == nil {
		return ""
	}
	return strings.ToLower(fmt.Sprint(v))
}

// unsupported is a 400 for a query that is well formed and not available.
func (c *call) unsupported(format string, args ...any) *graphError {
	if c.route.intune {
		return c.badRequest(format, args...)
	}
	return fail(http.StatusBadRequest, codeUnsupportedQuery, format, args...)
}

// directorySearch turns $search="property:text" into a part of the filter. It
// needs the advanced query engine (contract g); displayName and description are
// the properties that it knows. Combinations by AND and OR are not simulated.
func (c *call) directorySearch(q *query) error {
	if q.search == "" {
		return nil
	}
	if !c.eventual() {
		return fail(http.StatusBadRequest, codeUnsupportedQuery,
			"Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'")
	}
	path, text, ok := strings.Cut(q.search, ":")
	if !ok || path != "displayName" && path != "description" || strings.Contains(text, `"`) {
		return c.badRequest("Unrecognized query argument specified: '$search' must be \"displayName:text\" or \"description:text\".")
	}
	search := odata.Search{Path: path, Text: text}
	if q.filter == nil {
		q.filter = search
	} else {
		q.filter = odata.And{Left: q.filter, Right: search}
	}
	q.search = ""
	return nil
}
