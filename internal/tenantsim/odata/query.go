// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package odata

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Option is a set of OData query options that a route understands. An
// option outside the set is refused (contract 0.3: advertised is not supported).
type Option uint16

// The query options.
const (
	OptSelect Option = 1 << iota
	OptFilter
	OptTop
	OptSkip
	OptExpand
	OptOrderBy
	OptCount
	OptSearch
	OptSkipToken
	OptDeltaToken
)

// OptList is what most lists understand.
const OptList = OptSelect | OptFilter | OptTop | OptCount | OptSkipToken

var queryOptions = map[string]Option{
	"$select": OptSelect, "$filter": OptFilter, "$top": OptTop, "$skip": OptSkip, "$expand": OptExpand,
	"$orderby": OptOrderBy, "$count": OptCount, "$search": OptSearch, "$skiptoken": OptSkipToken, "$deltatoken": OptDeltaToken,
}

// Query holds the parsed options of one request.
type Query struct {
	Selected []string
	Filter   Expr
	Top      int // 0: absent
	Skip     int
	Expand   []string
	Count    bool
	Search   string
	Token    string
	Order    []OrderKey
	Delta    string
}

// ParseQuery reads the raw query string strictly. On beta the $ of an option may
// be left out; v1.0 demands it (documentation of the query parameters: only a
// subset of its resources does without, and which is not said).
func (r *Request) ParseQuery(allowed Option) (Query, error) {
	var q Query
	values, err := url.ParseQuery(r.HTTP.URL.RawQuery)
	if err != nil {
		return q, r.BadRequest("The query specified in the URI is not valid.")
	}
	var given Option
	for _, name := range slices.Sorted(maps.Keys(values)) {
		option, known := r.QueryOption(name)
		switch {
		case !known && strings.HasPrefix(name, "$"):
			return q, r.BadRequest("The query parameter '%s' is not supported.", name)
		case !known:
			return q, r.BadRequest("The query option '%s' is not valid: OData options begin with '$'.", name)
		case option&allowed == 0:
			return q, r.BadRequest("The query option '%s' is not supported on this resource.", name)
		case len(values[name]) > 1, option&given != 0:
			return q, r.BadRequest("Query option '%s' was specified more than once, but it must be specified at most once.", name)
		}
		given |= option
		if err := r.setOption(&q, option, values[name][0]); err != nil {
			return q, err
		}
	}
	return q, nil
}

// QueryOption finds the option of a name.
func (r *Request) QueryOption(name string) (Option, bool) {
	name = strings.ToLower(name)
	if r.Beta && !strings.HasPrefix(name, "$") {
		name = "$" + name
	}
	option, known := queryOptions[name]
	return option, known
}

func (r *Request) setOption(q *Query, option Option, value string) error {
	var err error
	switch option {
	case OptSelect:
		q.Selected = SplitList(value)
	case OptExpand:
		q.Expand = SplitList(value)
	case OptFilter:
		if q.Filter, err = ParseFilter(value); err != nil {
			return r.BadRequest("Invalid filter clause: %s", err)
		}
	case OptTop, OptSkip, OptCount:
		return r.setNumber(q, option, value)
	case OptOrderBy:
		q.Order, err = r.parseOrder(value)
		return err
	case OptSearch:
		q.Search = strings.Trim(value, `"`)
	case OptSkipToken:
		q.Token = value
	case OptDeltaToken:
		q.Delta = value
	}
	return nil
}

func (r *Request) setNumber(q *Query, option Option, value string) error {
	var err error
	switch option {
	case OptTop:
		if q.Top, err = strconv.Atoi(value); err != nil || q.Top < 1 {
			return r.BadRequest("Invalid value '%s' for $top query option found. The $top query option requires a positive integer value.", value)
		}
	case OptSkip:
		if q.Skip, err = strconv.Atoi(value); err != nil || q.Skip < 0 {
			return r.BadRequest("Invalid value '%s' for $skip query option found. The $skip query option requires a non-negative integer value.", value)
		}
	default:
		if q.Count, err = strconv.ParseBool(value); err != nil {
			return r.BadRequest("Invalid value '%s' for $count query option found. Valid values are 'true' and 'false'.", value)
		}
	}
	return nil
}

// AdvancedQuery refuses directory queries that need the advanced engine when
// the request does not ask for it: header ConsistencyLevel and $count=true
// (contract g).
func (r *Request) AdvancedQuery(q *Query) error {
	eventual := strings.EqualFold(r.HTTP.Header.Get("ConsistencyLevel"), "eventual")
	if q.Count && !eventual {
		return Fail(http.StatusBadRequest, CodeUnsupportedQuery, "$count requires the header 'ConsistencyLevel: eventual'.")
	}
	if q.Filter == nil {
		return r.directorySearch(q)
	}
	advanced := HasNegation(q.Filter) || len(q.Order) > 0
	q.Filter.Walk(func(e *Comparison) { advanced = advanced || e.Op&(Ne|EndsWith) != 0 })
	if advanced && (!eventual || !q.Count) {
		return Fail(http.StatusBadRequest, CodeUnsupportedQuery,
			"This filter needs the advanced query engine: send 'ConsistencyLevel: eventual' and $count=true.")
	}
	return r.directorySearch(q)
}

// CompileFilter checks that each comparison names a filterable property and an
// operator which that property supports.
func (r *Request) CompileFilter(q *Query, typeName string, support func(path string) (Op, bool)) error {
	if q.Filter == nil {
		return nil
	}
	var err error
	q.Filter.Walk(func(e *Comparison) {
		if err != nil {
			return
		}
		ops, known := support(e.Path)
		switch {
		case !known:
			err = r.BadRequest("Could not find a property named '%s' on type '%s'.", e.Path, typeName)
		case ops&e.Op == 0 && !r.Intune:
			err = Fail(http.StatusBadRequest, CodeUnsupportedQuery, "Unsupported or invalid query filter clause specified for property '%s' of resource '%s'.", e.Path, typeName)
		case ops&e.Op == 0:
			err = r.BadRequest("The operator '%s' is not supported for the property '%s' of type '%s'.", e.OpName(), e.Path, typeName)
		}
	})
	return err
}

// OrderKey is one property of $orderby.
type OrderKey struct {
	Path string
	Desc bool
}

// parseOrder reads "a,b desc".
func (r *Request) parseOrder(text string) ([]OrderKey, error) {
	var out []OrderKey
	for _, item := range SplitList(text) {
		fields := strings.Fields(item)
		switch {
		case len(fields) == 1, len(fields) == 2 && fields[1] == "asc":
			out = append(out, OrderKey{fields[0], false})
		case len(fields) == 2 && fields[1] == "desc":
			out = append(out, OrderKey{fields[0], true})
		default:
			return nil, r.BadRequest("Syntax error in $orderby at '%s'.", item)
		}
	}
	return out, nil
}

// directorySearch turns $search="property:text" into a part of the filter. It
// needs the advanced query engine (contract g); displayName and description are
// the properties that it knows. Combinations by AND and OR are not simulated.
func (r *Request) directorySearch(q *Query) error {
	if q.Search == "" {
		return nil
	}
	if !r.Eventual() {
		return Fail(http.StatusBadRequest, CodeUnsupportedQuery,
			"Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'")
	}
	path, text, ok := strings.Cut(q.Search, ":")
	if !ok || path != "displayName" && path != "description" || strings.Contains(text, `"`) {
		return r.BadRequest("Unrecognized query argument specified: '$search' must be \"displayName:text\" or \"description:text\".")
	}
	search := Search{Path: path, Text: text}
	if q.Filter == nil {
		q.Filter = search
	} else {
		q.Filter = And{Left: q.Filter, Right: search}
	}
	q.Search = ""
	return nil
}
