// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/clock"
)

// Limit is one token bucket. A negative PerSecond switches the bucket off; zero takes the default.
type Limit struct {
	// PerSecond is the sustained rate in requests per second; for Directory in resource units per second.
	PerSecond float64
	// Burst is how many requests (or units) may leave at once; zero means one second's worth, at least 1.
	Burst int
}

// Limits holds one bucket for each workload class whose limit Microsoft publishes per application and tenant
// (contract k.3). A write takes from the class and from its bucket for writes.
type Limits struct {
	// Configuration is Intune device configuration v2: policies, assignments, catalog. Published 1,000 per 20 s.
	Configuration Limit
	// ConfigurationWrites: published 100 per 20 s.
	ConfigurationWrites Limit
	// Devices is Intune managed devices. Published 2,000 per 20 s.
	Devices Limit
	// DeviceWrites: published 200 per 20 s.
	DeviceWrites Limit
	// Exports is all calls on export jobs, polls too. Published 48 per minute and application.
	Exports Limit
	// Directory is Entra reads in resource units. Published 3,500 units per 10 s for the smallest tenants.
	Directory Limit
	// DirectoryWrites: published 3,000 per 150 s.
	DirectoryWrites Limit
	// ConditionalAccess is policies and authentication strengths. Published 1 per second and tenant, over all
	// applications together.
	ConditionalAccess Limit
	// Reports is sign-ins and registration details. Published 5 per 10 s.
	Reports Limit
}

// Unlimited switches every bucket off: for servers that stand in for Microsoft's.
func Unlimited() Limits {
	off := Limit{PerSecond: -1}
	return Limits{
		Configuration: off, ConfigurationWrites: off, Devices: off, DeviceWrites: off, Exports: off, Directory: off,
		DirectoryWrites: off, ConditionalAccess: off, Reports: off,
	}
}

// DefaultShare is the part of the published limits that is used when nothing else is said, in percent: other applications
// share the limits of a tenant.
const DefaultShare = 50

// ShareOf gives every workload the same part of its published limit: 1 to 100 percent. Bursts shrink and grow with it.
func ShareOf(percent int) Limits {
	l := Limits{}.withDefaults()
	for _, v := range []*Limit{&l.Configuration, &l.ConfigurationWrites, &l.Devices, &l.DeviceWrites, &l.Exports, &l.Directory,
		&l.DirectoryWrites, &l.ConditionalAccess, &l.Reports} {
		v.PerSecond *= float64(percent) / DefaultShare
		v.Burst = max(1, v.Burst*percent/DefaultShare)
	}
	return l
}

// withDefaults fills each absent limit with half of the published one. The burst is chosen so that burst plus
// rate stays below the published number over the published window.
func (l Limits) withDefaults() Limits {
	fill := func(v *Limit, perSecond float64, burst int) {
		if v.PerSecond == 0 {
			*v = Limit{PerSecond: perSecond, Burst: burst}
		}
		if v.Burst <= 0 {
			v.Burst = max(1, int(v.PerSecond))
		}
	}
	fill(&l.Configuration, 25, 50)
	fill(&l.ConfigurationWrites, 2.5, 10)
	fill(&l.Devices, 50, 100)
	fill(&l.DeviceWrites, 5, 20)
	fill(&l.Exports, 0.4, 4)
	fill(&l.Directory, 175, 350)
	fill(&l.DirectoryWrites, 10, 50)
	fill(&l.ConditionalAccess, 0.5, 1)
	fill(&l.Reports, 0.25, 2)
	return l
}

// class is a workload with a throttling limit of its own (contract k.3).
type class string

const (
	classConfiguration class = "configuration"
	classDevices       class = "devices"
	classExports       class = "exports"
	classDirectory     class = "directory"
	classAccess        class = "conditionalAccess"
	classReports       class = "reports"
)

// classes lists every workload class.
var classes = []class{classConfiguration, classDevices, classExports, classDirectory, classAccess, classReports}

// maxThrottle bounds a Retry-After that no operator could mean.
const maxThrottle = 24 * time.Hour

// limiter paces the requests of one tenant. Each class has its own buckets and its own pause, so that a
// throttled workload does not hold up the others.
type limiter struct {
	clock    clock.Clock
	maxWait  time.Duration
	base     time.Duration
	byClass  map[class]*lane
	observed func(class, time.Duration)
}

// lane is the pace of one workload class.
type lane struct {
	all, writes *rate.Limiter // nil: not limited

	mu          sync.Mutex
	pausedUntil time.Time
	streak      int // 429 answers in a row that named no time
}

// newLimiter builds the lanes from limits whose defaults are filled in.
func newLimiter(limits Limits, clk clock.Clock, maxWait, base time.Duration, observed func(class, time.Duration)) *limiter {
	bucket := func(l Limit) *rate.Limiter {
		if l.PerSecond < 0 {
			return nil
		}
		return rate.NewLimiter(rate.Limit(l.PerSecond), l.Burst)
	}
	return &limiter{clock: clk, maxWait: maxWait, base: base, observed: observed, byClass: map[class]*lane{
		classConfiguration: {all: bucket(limits.Configuration), writes: bucket(limits.ConfigurationWrites)},
		classDevices:       {all: bucket(limits.Devices), writes: bucket(limits.DeviceWrites)},
		classExports:       {all: bucket(limits.Exports)},
		classDirectory:     {all: bucket(limits.Directory), writes: bucket(limits.DirectoryWrites)},
		classAccess:        {all: bucket(limits.ConditionalAccess)},
		classReports:       {all: bucket(limits.Reports)},
	}}
}

// wait blocks until the request may leave. It fails with Throttled when the tenant asked for a pause that is
// longer than the client waits, and with the context's error when the caller gives up first.
func (l *limiter) wait(ctx context.Context, c call) error {
	lane := l.byClass[c.class]
	if lane == nil {
		return fmt.Errorf("graph: %s has no workload class %q", c.op, c.class)
	}
	start := l.clock.Now()
	defer func() {
		if waited := l.clock.Since(start); waited > 0 && l.observed != nil {
			l.observed(c.class, waited)
		}
	}()
	if err := l.waitPause(ctx, lane, c); err != nil {
		return err
	}
	if err := l.take(ctx, lane.all, max(1, c.units)); err != nil {
		return err
	}
	if c.effect != effectRead {
		if err := l.take(ctx, lane.writes, max(1, c.writes)); err != nil {
			return err
		}
	}
	// Another request may have been throttled while this one waited for its tokens.
	return l.waitPause(ctx, lane, c)
}

// waitPause sits out a pause that the tenant asked for.
func (l *limiter) waitPause(ctx context.Context, lane *lane, c call) error {
	for {
		lane.mu.Lock()
		until := lane.pausedUntil
		lane.mu.Unlock()
		remaining := until.Sub(l.clock.Now())
		if remaining <= 0 {
			return nil
		}
		if remaining > l.maxWait {
			return &Error{Kind: KindThrottled, Op: c.op, RetryAt: until,
				Message: fmt.Sprintf("the tenant throttles %s requests; nothing was sent", c.class)}
		}
		if err := sleep(ctx, l.clock, remaining); err != nil {
			return err
		}
	}
}

// take waits for n tokens of a bucket, and gives back those that it still waits for when the caller goes away first. A
// request that costs more than a bucket holds, such as a batch, fills it several times.
func (l *limiter) take(ctx context.Context, b *rate.Limiter, n int) error {
	for b != nil && n > 0 {
		now := l.clock.Now()
		part := min(n, b.Burst())
		r := b.ReserveN(now, part)
		if err := sleep(ctx, l.clock, r.DelayFrom(now)); err != nil {
			r.CancelAt(l.clock.Now())
			return err
		}
		n -= part
	}
	return nil
}

// pause notes that the tenant throttles a class and returns until when. A named time is obeyed to the second;
// without one the pause starts at the configured base, doubles with each such answer in a row and gets jitter on
// top, so that it is never shorter than what contract k.4 asks for.
func (l *limiter) pause(c class, named time.Time) time.Time {
	lane := l.byClass[c]
	lane.mu.Lock()
	defer lane.mu.Unlock()
	now := l.clock.Now()
	until := named
	if until.IsZero() {
		d := min(l.base<<min(lane.streak, 6), 10*time.Minute)
		lane.streak++
		until = now.Add(d + rand.N(d/2+1)) // #nosec G404 -- jitter, not a secret
	}
	if limit := now.Add(maxThrottle); until.After(limit) {
		until = limit
	}
	if until.After(lane.pausedUntil) {
		lane.pausedUntil = until
	}
	return lane.pausedUntil
}

// resume notes that a class was served again.
func (l *limiter) resume(c class) {
	lane := l.byClass[c]
	lane.mu.Lock()
	defer lane.mu.Unlock()
	lane.streak = 0
}

// throttledUntil returns the end of the longest pause that still lasts, or the zero time.
func (l *limiter) throttledUntil() time.Time {
	var latest time.Time
	now := l.clock.Now()
	for _, c := range classes {
		lane := l.byClass[c]
		lane.mu.Lock()
		if lane.pausedUntil.After(now) && lane.pausedUntil.After(latest) {
			latest = lane.pausedUntil
		}
		lane.mu.Unlock()
	}
	return latest
}

// sleep waits on a clock or until the context ends, whichever is first.
func sleep(ctx context.Context, clk clock.Clock, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d <= 0 {
		return nil
	}
	t := clk.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C():
		return nil
	}
}

// limitTransport lets a request pass when its workload class has room.
type limitTransport struct {
	next    http.RoundTripper
	limiter *limiter
}

// RoundTrip implements http.RoundTripper.
func (t *limitTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.limiter.wait(req.Context(), callFrom(req.Context())); err != nil {
		closeBody(req)
		return nil, &notSentError{err}
	}
	return t.next.RoundTrip(req)
}
