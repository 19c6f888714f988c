// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Odd switches on what the service does against its documentation, or what
// sources disagree about. No client may depend on either side of a switch. The
// zero value is the documented side.
type Odd struct {
	// Statuses are successes that differ from the documentation, by operation:
	// a word of OddStatuses, to 200 or 204 (third-party 16: undecided).
	Statuses map[string]int `json:"statuses,omitempty"`
	// Pages makes lists page as they are free to: a first page that is short
	// (contract c: 948, 999), empty pages with a nextLink, an unasked @odata.count
	// of 0 beside rows, and a $top above the maximum that is ignored where it is
	// otherwise clamped (contract 0.3).
	Pages bool `json:"pages,omitempty"`
	// Names leaves DeviceName and UPN empty in some rows of a status report
	// (contract b.1).
	Names bool `json:"names,omitempty"`
	// CachedStatusRefused makes the tenant refuse a cached status report of a
	// policy (contract b.1, n = 1: 400, while the action works).
	CachedStatusRefused bool `json:"cachedStatusRefused,omitempty"`
}

// oddStatuses are the operations whose success status is not settled: the
// documentation says 204 and other programs accept 200 as well (contract d;
// third-party 16). The deletes beside it are of the same service. ASSUMED.
var oddStatuses = map[string]struct{ method, pattern string }{
	"deletePolicy": {http.MethodDelete, "deviceManagement/configurationPolicies/{id}"},
	"deleteScript": {http.MethodDelete, "deviceManagement/deviceHealthScripts/{id}"},
	"deleteFilter": {http.MethodDelete, "deviceManagement/assignmentFilters/{id}"},
	"assignScript": {http.MethodPost, "deviceManagement/deviceHealthScripts/{id}/assign"},
}

// OddStatuses lists the words of Odd.Statuses.
func OddStatuses() []string { return sortedKeys(oddStatuses) }

func (o *Odd) validate() error {
	if o == nil {
		return nil
	}
	for _, name := range sortedKeys(o.Statuses) {
		if _, known := oddStatuses[name]; !known {
			return fmt.Errorf("scenario: odd.statuses %q: write one of %v", name, OddStatuses())
		}
		if status := o.Statuses[name]; !slices.Contains([]int{http.StatusOK, http.StatusNoContent}, status) {
			return fmt.Errorf("scenario: odd.statuses.%s is %d: write 200 or 204", name, status)
		}
	}
	return nil
}

// odd is what the scenario switches on; never nil.
func (c *call) odd() *Odd {
	if o := c.server.scenario.Odd; o != nil {
		return o
	}
	return &Odd{}
}

// oddStatus gives a success the status that the scenario wants of it.
func (c *call) oddStatus(out *reply) {
	for name, status := range c.odd().Statuses {
		op := oddStatuses[name]
		if op.method == c.route.method && op.pattern == c.route.pattern && out.status < http.StatusMultipleChoices && out.body == nil {
			out.status = status
		}
	}
}

// pageOdds is how a page of a list departs from what was asked for.
type pageOdds struct {
	empty     bool // no item, and a nextLink to the same place
	size      int
	miscounts bool // @odata.count is 0 beside rows (contract 0.3)
}

// oddPage draws the odds of the page that begins after a key. Equal requests get
// equal pages. A page that follows an empty one is not empty, and one that begins
// by $skip is not either: its nextLink could not say how much to skip.
func (c *call) oddPage(q odata.Query, size int, after int64) pageOdds {
	normal := pageOdds{size: size}
	if !c.odd().Pages || c.route.query&odata.OptSkipToken == 0 {
		return normal
	}
	u := ids.Uniform(ids.Mix(c.server.options.Seed ^ ids.HashText("odd page "+c.route.pattern) ^ ids.Mix(uint64(after+1))))
	switch {
	case u < 0.2 && !c.afterEmpty && q.Skip == 0:
		return pageOdds{empty: true}
	case after < 0 && u < 0.7: // the observed pages were 948 and 999 of 1,000
		return pageOdds{size: max(1, size-1-int(u*100)*size/1000)}
	case u >= 0.85:
		return pageOdds{size: size, miscounts: true}
	default:
		return normal
	}
}

// lostNames is the share of rows that lack a name where that is switched on.
// ASSUMED number.
const lostNames = 0.02

// unlessLost is a name of a report's row, or empty: names get lost, the same ones
// each time (contract b.1).
func (v deviceView) unlessLost(label, name string) string {
	if o := v.s.scenario.Odd; o != nil && o.Names && v.s.draw(v.i, "lost "+label) < lostNames {
		return ""
	}
	return name
}
