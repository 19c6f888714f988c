// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "time"

// OrdinaryLag is the slowness of a service on an ordinary day. That reads, lists
// and member lists are late, and that Intune hears of changes minutes to hours
// later, is contract b.3 and g; no number binds Microsoft, these are ASSUMED but for
// that of the assignment status report (contract b.3).
func OrdinaryLag() *Lag {
	between := func(least, most time.Duration) LagRange { return LagRange{Min: Duration(least), Max: Duration(most)} }
	return &Lag{
		Read:             between(time.Second, 10*time.Second),
		List:             between(5*time.Second, 45*time.Second),
		Members:          between(10*time.Second, 2*time.Minute),
		Index:            between(30*time.Second, 5*time.Minute),
		Replicas:         3,
		Targeting:        between(5*time.Minute, 2*time.Hour),
		Assignments:      between(time.Minute, 30*time.Minute),
		AssignmentStatus: between(24*time.Hour, 48*time.Hour),
		Dynamic:          between(5*time.Minute, 4*time.Hour),
		FilterRelease:    between(0, 30*time.Second),
	}
}

// ordinary gives a scenario what it does not name: the slowness, the odd
// answers and the comings and goings of any day. A scenario that names a part,
// even an empty one (lag: {}), keeps its own.
func (sc Scenario) ordinary() Scenario {
	if sc.Lag == nil {
		sc.Lag = OrdinaryLag()
	}
	if sc.Throttle == nil {
		sc.Throttle = &Throttle{NowAndThenPercent: 0.5} // ASSUMED: now and then (contract k.4), no source has a number
	}
	if sc.Odd == nil {
		sc.Odd = &Odd{Pages: true, Names: true}
	}
	if sc.Churn == nil {
		sc.Churn = DefaultChurn()
	}
	return sc
}

// inForce is the scenario as the tenant lives it: an ideal tenant has nothing
// but what the scenario names.
func (o *Options) inForce(sc Scenario) Scenario {
	if o.Ideal != "" {
		return sc
	}
	return sc.ordinary()
}
