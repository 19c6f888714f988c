// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "time"

// OrdinaryLag is the slowness of a service on an ordinary day. That reads, lists
// and member lists are late, and that Intune hears of changes minutes to hours
// later, is contract b.3 and g; no number binds Microsoft, these are ASSUMED.
func OrdinaryLag() *Lag {
	return &Lag{
		Read:          Duration(10 * time.Second),
		List:          Duration(45 * time.Second),
		Members:       Duration(2 * time.Minute),
		Index:         Duration(5 * time.Minute),
		Targeting:     Duration(time.Hour),
		FilterRelease: Duration(30 * time.Second),
	}
}

// ordinary gives a scenario what it does not name: the slowness and the odd
// answers that the service has on any day. A scenario that names a part, even
// an empty one (lag: {}), keeps its own.
func (sc Scenario) ordinary() Scenario {
	if sc.Lag == nil {
		sc.Lag = OrdinaryLag()
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
