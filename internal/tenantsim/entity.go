// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/base64"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/metadata"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// object is a JSON object on its way out. encoding/json sorts the keys, which
// keeps bodies byte-stable.
type object = map[string]any

// property describes one member of an entity type: how to read it, and which
// filter operators the service accepts on it.
type property[T any] struct {
	name string
	ops  odata.Op
	get  func(T) any
	// beta hides the member from v1.0, stable from beta.
	beta, stable bool
	// hidden members are returned only when $select names them.
	hidden bool
	// sort allows the member in $orderby.
	sort bool
}

// exists reports whether a version has the member.
func (p *property[T]) exists(beta bool) bool {
	if beta {
		return !p.stable
	}
	return !p.beta
}

// entity describes a type of object: its name and its members in order.
type entity[T any] struct {
	name       string // such as microsoft.graph.group
	properties []property[T]
}

func (e *entity[T]) lookup(name string, beta bool) *property[T] {
	for i := range e.properties {
		p := &e.properties[i]
		if p.name == name && p.exists(beta) {
			return p
		}
	}
	return nil
}

// projection returns the members that a request asks for; selected empty means
// the default set. Every member that the metadata has can be selected
// (third-party 6): those that the simulator does not fill have no value.
func (e *entity[T]) projection(c *call, selected []string) ([]*property[T], error) {
	var out []*property[T]
	for i := range e.properties {
		p := &e.properties[i]
		if len(selected) == 0 && !p.hidden && p.exists(c.Beta) {
			out = append(out, p)
		}
	}
	for _, name := range selected {
		p, known := e.selectable(name, c.Version)
		if !known {
			return nil, c.BadRequest("Parsing OData Select and Expand failed: Could not find a property named '%s' on type '%s'.", name, e.name)
		}
		if p != nil {
			out = append(out, p)
		}
	}
	return out, nil
}

// selectable finds a member for $select. A navigation can be selected and is in
// no body: known, without a property.
func (e *entity[T]) selectable(name, version string) (p *property[T], known bool) {
	if p := e.lookup(name, version == "beta"); p != nil {
		return p, true
	}
	switch kind := metadata.Of(version, e.name, name); kind {
	case metadata.None:
		return nil, false
	case metadata.Navigation:
		return nil, true
	default:
		return &property[T]{name: name, get: func(T) any { return unset(kind) }}, true
	}
}

func render[T any](item T, members []*property[T]) object {
	out := make(object, len(members)+1)
	for _, p := range members {
		out[p.name] = p.get(item)
	}
	return out
}

// getter adapts the entity to filter evaluation. Unknown paths were refused
// before, so they read as nil.
func (e *entity[T]) getter(c *call, item T) func(string) any {
	return func(path string) any {
		if p := e.lookup(path, c.Beta); p != nil {
			return p.get(item)
		}
		return nil
	}
}

func (e *entity[T]) support(c *call) func(string) (odata.Op, bool) {
	return func(path string) (odata.Op, bool) {
		if p := e.lookup(path, c.Beta); p != nil {
			return p.ops, true
		}
		return 0, false
	}
}

// countStyle says what a list puts into @odata.count (contract 0.3: the
// meaning differs by endpoint).
type countStyle int

const (
	countOnRequest countStyle = iota // total, first page, only with $count=true
	countPage                        // size of the page, always
	countTotal                       // whole total, always
)

// listStyle is how one list endpoint pages.
type listStyle struct {
	context     string // after $metadata#
	size        int    // page size without $top
	max         int    // largest page
	refuseAbove bool   // a larger $top is an error rather than clamped
	count       countStyle
	cosmosToken bool // double-encoded skiptoken as configurationPolicies send it
	// decorate adds members that are not properties, such as @odata.type or an
	// expanded collection.
	decorate func(key int64, out object) error
}

// keyed yields items with an ascending key > after. The key is the place to
// resume, so that pages neither repeat nor lose items when others come or go.
type keyed[T any] func(after int64) iter.Seq2[int64, T]

// listReply renders one page of items.
func listReply[T any](c *call, q odata.Query, e *entity[T], items keyed[T], style listStyle) (*reply, error) {
	members, err := e.projection(c, q.Selected)
	if err != nil {
		return nil, err
	}
	if err := c.CompileFilter(&q, e.name, e.support(c)); err != nil {
		return nil, err
	}
	total := func() int { return countMatches(c, q, e, items) }
	if len(q.Order) > 0 {
		sorted, keys, err := arrange(c, q, e, items)
		if err != nil {
			return nil, err
		}
		items, q.Filter = sorted, nil
		total = func() int { return len(keys) }
		if decorate := style.decorate; decorate != nil {
			style.decorate = func(position int64, out object) error { return decorate(keys[position], out) }
		}
	}
	size, err := c.pageSize(q, style)
	if err != nil {
		return nil, err
	}
	after, err := c.resume(q.Token, style)
	if err != nil {
		return nil, err
	}
	odds := c.oddPage(q, size, after)
	page, last, more, err := collect(c, q, e, items(after), members, odds.size, style.decorate)
	if err != nil {
		return nil, err
	}
	body := object{"@odata.context": c.context(style.context, q.Selected), "value": page}
	if n, shown := style.shownCount(q, odds, len(page), total); shown {
		body["@odata.count"] = n
	}
	switch {
	case more && odds.empty:
		body["@odata.nextLink"] = c.nextLink(emptyPrefix, after, style)
	case more:
		body["@odata.nextLink"] = c.nextLink(tokenPrefix, last, style)
	}
	return &reply{status: http.StatusOK, body: body}, nil
}

// shownCount is what @odata.count says of a page, if it is there (contract 0.3).
func (style listStyle) shownCount(q odata.Query, odds pageOdds, page int, total func() int) (n int, shown bool) {
	switch {
	case odds.miscounts && style.count != countOnRequest:
		return 0, true
	case style.count == countPage:
		return page, true
	case style.count == countTotal, q.Count && q.Token == "":
		return total(), true
	default:
		return 0, false
	}
}

// collect renders up to size matching items. It returns the key of the last
// one, and whether another match follows.
func collect[T any](c *call, q odata.Query, e *entity[T], items iter.Seq2[int64, T], members []*property[T], size int, decorate func(int64, object) error) (page []object, last int64, more bool, err error) {
	page = make([]object, 0, min(size, 1024))
	skip := q.Skip
	for key, item := range items {
		if q.Filter != nil && !q.Filter.Eval(e.getter(c, item)) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if len(page) == size {
			return page, last, true, nil
		}
		out := render(item, members)
		if decorate != nil {
			if err := decorate(key, out); err != nil {
				return nil, 0, false, err
			}
		}
		page, last = append(page, out), key
	}
	return page, last, false, nil
}

func countMatches[T any](c *call, q odata.Query, e *entity[T], items keyed[T]) int {
	n := 0
	for _, item := range items(-1) {
		if q.Filter == nil || q.Filter.Eval(e.getter(c, item)) {
			n++
		}
	}
	return n
}

// pageSize applies $top, then Prefer: odata.maxpagesize, then the default.
func (c *call) pageSize(q odata.Query, style listStyle) (int, error) {
	want := q.Top
	if want == 0 {
		want = c.preferredPageSize()
	}
	switch {
	case want == 0:
		return style.size, nil
	case want <= style.max:
		return want, nil
	case style.refuseAbove:
		return 0, c.BadRequest("Invalid page size specified: '%d'. Must be between 1 and %d inclusive.", want, style.max)
	case c.odd().Pages && c.route.intune: // ignored instead of clamped (contract 0.3)
		return style.size, nil
	default:
		return style.max, nil
	}
}

func (c *call) preferredPageSize() int {
	for _, value := range c.HTTP.Header.Values("Prefer") {
		for part := range strings.SplitSeq(value, ",") {
			name, size, ok := strings.Cut(strings.TrimSpace(part), "=")
			if n, err := strconv.Atoi(size); ok && err == nil && n > 0 && strings.EqualFold(name, "odata.maxpagesize") {
				return n
			}
		}
	}
	return 0
}

// context renders @odata.context.
func (c *call) context(fragment string, selected []string) string {
	if len(selected) > 0 {
		before, suffix, isEntity := strings.Cut(fragment, "/$entity")
		fragment = before + "(" + strings.Join(selected, ",") + ")"
		if isEntity {
			fragment += "/$entity" + suffix
		}
	}
	return c.base() + "/$metadata#" + fragment
}

// base is the absolute root of the request's API version on the host that the
// client used, through a proxy or not.
func (c *call) base() string {
	return c.origin() + "/" + c.Version
}

// The prefixes of a skip token: of one after a page, and of one after a page that
// was empty on purpose.
const (
	tokenPrefix = "tidesim:"
	emptyPrefix = "tidesim-empty:"
)

// nextLink repeats the request with an opaque skip token.
func (c *call) nextLink(prefix string, after int64, style listStyle) string {
	var kept []string
	for part := range strings.SplitSeq(c.HTTP.URL.RawQuery, "&") {
		name, _, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		if option, _ := c.QueryOption(plain); part == "" || err == nil && option&(odata.OptSkipToken|odata.OptSkip) != 0 {
			continue
		}
		kept = append(kept, part)
	}
	token := base64.RawURLEncoding.EncodeToString([]byte(prefix + strconv.FormatInt(after, 10)))
	if style.cosmosToken {
		// Captured form: a Cosmos continuation, escaped twice, with + for blanks
		// and lower-case hex. Clients that "repair" it lose their place.
		cosmos := fmt.Sprintf(`[{"token":"+RID:~%s","range":{"min":"","max":"FF"}, "rank":1}]`, token)
		token = strings.ReplaceAll(url.QueryEscape(url.QueryEscape(cosmos)), "%252C", "%252c")
	}
	kept = append(kept, "$skiptoken="+token)
	return c.origin() + c.HTTP.URL.EscapedPath() + "?" + strings.Join(kept, "&")
}

// resume reads a skip token back; "" begins at the start.
func (c *call) resume(token string, style listStyle) (int64, error) {
	if token == "" {
		return -1, nil
	}
	if style.cosmosToken {
		plain, err := url.QueryUnescape(token)
		_, rest, ok := strings.Cut(plain, `"+RID:~`)
		if token, _, _ = strings.Cut(rest, `"`); err != nil || !ok {
			return 0, c.BadRequest("The continuation token is not valid.")
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, c.BadRequest("The skip token is not valid: use @odata.nextLink as it was given.")
	}
	text, ok := strings.CutPrefix(string(raw), tokenPrefix)
	if rest, empty := strings.CutPrefix(string(raw), emptyPrefix); empty {
		text, ok, c.afterEmpty = rest, true, true
	}
	after, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil {
		return 0, c.BadRequest("The skip token is not valid: use @odata.nextLink as it was given.")
	}
	return after, nil
}
