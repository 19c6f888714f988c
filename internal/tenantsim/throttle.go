// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// Throttle makes the tenant enforce the published limits of contract k.3.
type Throttle struct {
	// Enabled switches the limits on.
	Enabled bool `json:"enabled"`
	// Scale multiplies every limit; 0.1 makes the tenant ten times as touchy.
	// Default 1. A limit is never less than one request.
	Scale float64 `json:"scale,omitempty"`
	// Clock measures windows: "real" (default) or "virtual".
	Clock string `json:"clock,omitempty"`
	// NowAndThenPercent of the requests are refused, whatever the limits: other
	// applications of the tenant use the same budgets (contract k.3). It works
	// without Enabled. Sign-in and what holds a batch together are never refused.
	NowAndThenPercent float64 `json:"nowAndThenPercent,omitempty"`
}

func (t *Throttle) validate() error {
	switch {
	case t == nil:
		return nil
	case math.IsNaN(t.Scale) || t.Scale < 0:
		return fmt.Errorf("scenario: throttle.scale is %v: write more than 0, or leave it out for 1", t.Scale)
	case !slices.Contains([]string{"", "real", "virtual"}, t.Clock):
		return fmt.Errorf("scenario: throttle.clock %q: write real or virtual", t.Clock)
	}
	return nil
}

// workload is a service behind Graph that counts requests by itself.
type workload string

const (
	workConfig  workload = "deviceConfigurationV2"
	workDevices workload = "intuneDevices"
	workExports workload = "exportJobs"
	workBroker  workload = "queryBroker"
	workApps    workload = "detectedAppsPerDevice"
	workReports workload = "identityReports"
	workAccess  workload = "conditionalAccess"
	workEntra   workload = "identity"
)

// limit is one bucket of a workload.
type limit struct {
	work   workload
	writes bool // counts writes only
	units  int
	window time.Duration
	// silent limits send no Retry-After (contract k.4).
	silent bool
	// broker limits answer 500 with the query broker's sentence (contract k.4).
	broker bool
}

// limits of one application in one tenant (contract k.3). The per-device
// application list and the query broker are known to throttle, not at which
// number: both are ASSUMED. Identity reads depend on the size of the tenant.
var limits = []limit{
	{work: workConfig, writes: true, units: 100, window: 20 * time.Second},
	{work: workConfig, units: 1000, window: 20 * time.Second},
	{work: workDevices, writes: true, units: 200, window: 20 * time.Second},
	{work: workDevices, units: 2000, window: 20 * time.Second},
	{work: workExports, units: 48, window: time.Minute},
	{work: workBroker, units: 100, window: 20 * time.Second, broker: true},
	{work: workApps, units: 60, window: 20 * time.Second, silent: true},
	{work: workReports, units: 5, window: 10 * time.Second, silent: true},
	{work: workAccess, units: 1, window: time.Second, silent: true},
	{work: workEntra, writes: true, units: 3000, window: 150 * time.Second},
	{work: workEntra, window: 10 * time.Second}, // units by tenant size
}

// workloadOf assigns a route to the service that counts it.
func workloadOf(pattern string) workload {
	switch {
	case strings.HasSuffix(pattern, "managedDevices/{id}/detectedApps"):
		return workApps
	case strings.HasPrefix(pattern, "deviceManagement/reports/exportJobs"):
		return workExports
	case strings.HasPrefix(pattern, "deviceManagement/reports/"):
		return workBroker
	case strings.HasPrefix(pattern, "deviceManagement/managedDevice"), strings.HasPrefix(pattern, "deviceManagement/detectedApps"),
		strings.HasPrefix(pattern, "deviceManagement/deviceHealthScripts"):
		return workDevices
	case strings.HasPrefix(pattern, "deviceManagement/"):
		return workConfig
	case strings.HasPrefix(pattern, "reports/"), strings.HasPrefix(pattern, "auditLogs/"):
		return workReports
	case strings.HasPrefix(pattern, "identity/"), strings.HasPrefix(pattern, "policies/authenticationStrength"):
		return workAccess
	case pattern == "$batch":
		return "" // only what is inside counts (contract k.1)
	default:
		return workEntra
	}
}

// bucket is how much of a limit its current window has used.
type bucket struct {
	began time.Time
	used  int
}

// throttle counts the request in every bucket that concerns it and refuses it
// when one is full.
func (c *call) throttle() error {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	rule := s.scenario.Throttle
	if rule == nil || c.route.work == "" {
		return nil
	}
	if err := c.nowAndThen(rule); err != nil || !rule.Enabled {
		return err
	}
	now := s.wall.Now()
	if rule.Clock == "virtual" {
		now = s.clock.Now()
	}
	cost := c.cost()
	if c.route.work == workEntra {
		c.extra().Set("x-ms-resource-unit", strconv.Itoa(cost))
	}
	for i := range limits {
		l := &limits[i]
		if l.work != c.route.work || l.writes && c.HTTP.Method == http.MethodGet {
			continue
		}
		units := cost
		if l.writes {
			units = 1
		}
		if err := c.fill(i, l, units, s.capacity(l, rule), now); err != nil {
			return err
		}
	}
	return nil
}

// nowAndThen refuses a share of the requests, by their number, as the service
// behind the route does when its budget is used up. Retry-After is 1 or 2 s.
func (c *call) nowAndThen(rule *Throttle) error {
	drawn := ids.Mix(c.server.options.Seed ^ ids.HashText("now and then") ^ ids.Mix(c.number))
	if ids.Uniform(drawn)*100 >= rule.NowAndThenPercent {
		return nil
	}
	i := slices.IndexFunc(limits, func(l limit) bool { return l.work == c.route.work })
	return c.throttled(&limits[i], time.Duration(1+drawn%2)*time.Second)
}

// capacity is the limit of this tenant under this rule.
func (s *Server) capacity(l *limit, rule *Throttle) int {
	units := l.units
	if units == 0 { // contract k.3: small, medium and large tenants
		switch users := len(s.users); {
		case users < 50:
			units = 3500
		case users <= 500:
			units = 5000
		default:
			units = 8000
		}
	}
	if rule.Scale > 0 {
		units = int(float64(units) * rule.Scale)
	}
	return max(units, 1)
}

func (c *call) fill(i int, l *limit, units, capacity int, now time.Time) error {
	s := c.server
	if s.buckets == nil {
		s.buckets = make([]bucket, len(limits))
	}
	b := &s.buckets[i]
	if b.began.IsZero() || now.Sub(b.began) >= l.window || now.Before(b.began) {
		*b = bucket{began: now}
	}
	share := float64(b.used+units) / float64(capacity)
	if share > 0.8 { // contract k.2
		c.extra().Set("x-ms-throttle-limit-percentage", strconv.FormatFloat(share, 'f', 2, 64))
	}
	if b.used > 0 && b.used+units > capacity {
		return c.throttled(l, b.began.Add(l.window).Sub(now))
	}
	b.used += units
	return nil
}

// throttled is how the refusal of a full bucket looks (contract k.4).
func (c *call) throttled(l *limit, wait time.Duration) error {
	if l.broker {
		return odata.Fail(http.StatusInternalServerError, "InternalServerError",
			"Rate limit reached because of too many requests to query broker. Please retry after sometime.")
	}
	e := odata.Fail(http.StatusTooManyRequests, "TooManyRequests", "Too many requests.") // ASSUMED text
	c.extra().Set("x-ms-throttle-scope", "Tenant_Application/ReadWrite/"+c.server.options.ClientID+"/"+c.server.options.TenantID)
	c.extra().Set("x-ms-throttle-information", string(l.work))
	if !l.silent {
		e.Header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(max(wait.Seconds(), 1))))}}
	}
	return e
}

// cost is the price of a request in resource units (contract k.3). Only
// identity reads have prices; everything else costs one.
func (c *call) cost() int {
	if c.route.work != workEntra {
		return 1
	}
	units := 1
	switch pattern := c.route.pattern; {
	case strings.Contains(pattern, "transitiveMembers"):
		units = 5
	case strings.Contains(pattern, "/members"):
		units = 3
	case strings.HasPrefix(pattern, "users"):
		units = 2
	}
	for name, values := range c.HTTP.URL.Query() {
		switch option, _ := c.QueryOption(name); option {
		case odata.OptSelect:
			units--
		case odata.OptExpand:
			units++
		case odata.OptTop:
			if top, err := strconv.Atoi(values[0]); err == nil && top < 20 {
				units--
			}
		}
	}
	return max(units, 1)
}

// extra are headers that the answer carries whatever it is.
func (c *call) extra() http.Header {
	if c.headers == nil {
		c.headers = http.Header{}
	}
	return c.headers
}
