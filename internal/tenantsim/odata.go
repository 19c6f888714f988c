// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// queryOption is a set of OData query options that a route understands. An
// option outside the set is refused (contract 0.3: advertised is not supported).
type queryOption uint16

const (
	qSelect queryOption = 1 << iota
	qFilter
	qTop
	qSkip
	qExpand
	qOrderBy
	qCount
	qSearch
	qSkipToken
	qDeltaToken
)

const qList = qSelect | qFilter | qTop | qCount | qSkipToken

var queryOptions = map[string]queryOption{
	"$select": qSelect, "$filter": qFilter, "$top": qTop, "$skip": qSkip, "$expand": qExpand,
	"$orderby": qOrderBy, "$count": qCount, "$search": qSearch, "$skiptoken": qSkipToken, "$deltatoken": qDeltaToken,
}

// query holds the parsed options of one request.
type query struct {
	selected []string
	filter   odata.Expr
	filtered string
	top      int // 0: absent
	skip     int
	expand   []string
	count    bool
	search   string
	token    string
	order    []orderKey
	delta    string
}

// parseQuery reads the raw query string strictly. On beta the $ of an option may
// be left out; v1.0 demands it (documentation of the query parameters: only a
// subset of its resources does without, and which is not said).
func (c *call) parseQuery(allowed queryOption) (query, error) {
	var q query
	values, err := url.ParseQuery(c.request.URL.RawQuery)
	if err != nil {
		return q, c.badRequest("The query specified in the URI is not valid.")
	}
	var given queryOption
	for _, name := range sortedKeys(values) {
		option, known := c.queryOption(name)
		switch {
		case !known && strings.HasPrefix(name, "$"):
			return q, c.badRequest("The query parameter '%s' is not supported.", name)
		case !known:
			return q, c.badRequest("The query option '%s' is not valid: OData options begin with '$'.", name)
		case option&allowed == 0:
			return q, c.badRequest("The query option '%s' is not supported on this resource.", name)
		case len(values[name]) > 1, option&given != 0:
			return q, c.badRequest("Query option '%s' was specified more than once, but it must be specified at most once.", name)
		}
		given |= option
		if err := c.setOption(&q, option, values[name][0]); err != nil {
			return q, err
		}
	}
	return q, nil
}

// queryOption finds the option of a name.
func (c *call) queryOption(name string) (queryOption, bool) {
	name = strings.ToLower(name)
	if c.beta && !strings.HasPrefix(name, "$") {
		name = "$" + name
	}
	option, known := queryOptions[name]
	return option, known
}

func (c *call) setOption(q *query, option queryOption, value string) error {
	var err error
	switch option {
	case qSelect:
		q.selected = odata.SplitList(value)
	case qExpand:
		q.expand = odata.SplitList(value)
	case qFilter:
		q.filtered = value
		if q.filter, err = odata.ParseFilter(value); err != nil {
			return c.badRequest("Invalid filter clause: %s", err)
		}
	case qTop, qSkip, qCount:
		return c.setNumber(q, option, value)
	case qOrderBy:
		q.order, err = c.parseOrder(value)
		return err
	case qSearch:
		q.search = strings.Trim(value, `"`)
	case qSkipToken:
		q.token = value
	case qDeltaToken:
		q.delta = value
	}
	return nil
}

func (c *call) setNumber(q *query, option queryOption, value string) error {
	var err error
	switch option {
	case qTop:
		if q.top, err = strconv.Atoi(value); err != nil || q.top < 1 {
			return c.badRequest("Invalid value '%s' for $top query option found. The $top query option requires a positive integer value.", value)
		}
	case qSkip:
		if q.skip, err = strconv.Atoi(value); err != nil || q.skip < 0 {
			return c.badRequest("Invalid value '%s' for $skip query option found. The $skip query option requires a non-negative integer value.", value)
		}
	default:
		if q.count, err = strconv.ParseBool(value); err != nil {
			return c.badRequest("Invalid value '%s' for $count query option found. Valid values are 'true' and 'false'.", value)
		}
	}
	return nil
}

// advancedQuery refuses directory queries that need the advanced engine when
// the request does not ask for it: header ConsistencyLevel and $count=true
// (contract g).
func (c *call) advancedQuery(q *query) error {
	eventual := strings.EqualFold(c.request.Header.Get("ConsistencyLevel"), "eventual")
	if q.count && !eventual {
		return fail(http.StatusBadRequest, codeUnsupportedQuery, "$count requires the header 'ConsistencyLevel: eventual'.")
	}
	if q.filter == nil {
		return c.directorySearch(q)
	}
	advanced := odata.HasNegation(q.filter) || len(q.order) > 0
	q.filter.Walk(func(e *odata.Comparison) { advanced = advanced || e.Op&(odata.Ne|odata.EndsWith) != 0 })
	if advanced && (!eventual || !q.count) {
		return fail(http.StatusBadRequest, codeUnsupportedQuery,
			"This filter needs the advanced query engine: send 'ConsistencyLevel: eventual' and $count=true.")
	}
	return c.directorySearch(q)
}

// compileFilter checks that each comparison names a filterable property and an
// operator which that property supports.
func (c *call) compileFilter(q *query, typeName string, support func(path string) (odata.Op, bool)) error {
	if q.filter == nil {
		return nil
	}
	var err error
	q.filter.Walk(func(e *odata.Comparison) {
		if err != nil {
			return
		}
		ops, known := support(e.Path)
		switch {
		case !known:
			err = c.badRequest("Could not find a property named '%s' on type '%s'.", e.Path, typeName)
		case ops&e.Op == 0 && !c.route.intune:
			err = fail(http.StatusBadRequest, codeUnsupportedQuery, "Unsupported or invalid query filter clause specified for property '%s' of resource '%s'.", e.Path, typeName)
		case ops&e.Op == 0:
			err = c.badRequest("The operator '%s' is not supported for the property '%s' of type '%s'.", e.OpName(), e.Path, typeName)
		}
	})
	return err
}
