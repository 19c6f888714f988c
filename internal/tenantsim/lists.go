// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// object is a JSON object on its way out. encoding/json sorts the keys, which
// keeps bodies byte-stable.
type object = map[string]any

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

// listReply renders one page of items.
func listReply[T any](c *call, q odata.Query, e *entity.Type[T], items entity.Keyed[T], style listStyle) (*reply, error) {
	members, err := e.Projection(&c.Request, q.Selected)
	if err != nil {
		return nil, err
	}
	if err := c.CompileFilter(&q, e.Name, e.Support(&c.Request)); err != nil {
		return nil, err
	}
	total := func() int { return entity.CountMatches(&c.Request, q, e, items) }
	if len(q.Order) > 0 {
		sorted, keys, err := entity.Arrange(&c.Request, q, e, items)
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
	page, last, more, err := entity.Collect(&c.Request, q, e, items(after), members, odds.size, style.decorate)
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
