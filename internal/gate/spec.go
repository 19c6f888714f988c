// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"errors"
	"fmt"
)

const (
	// MaxDevices is the largest count the package judges: far above any one
	// tenant, low enough that every function here ends in milliseconds.
	MaxDevices = 10_000_000
	// MaxLooks bounds how thinly the error rate can be spread.
	MaxLooks = 20

	// minAlpha is the smallest error rate with a meaning for real fleets.
	minAlpha = 1e-9
)

// Spec is what one metric of a wave is judged by. All rates are fractions from
// 0 to 1, not percentages. Exactly one of Promote and Smoke is set.
type Spec struct {
	// Promote is the floor that must be proven. The zero value means that the
	// wave makes no statistical claim and is judged as Smoke.
	Promote Promote
	// Smoke is the rule of a wave that is too small to prove a rate.
	Smoke *Smoke
	// Halt is when to stop early. Only a smoke wave may leave it at its zero
	// value, as its own failure limit stops it.
	Halt Halt
	// MinReports is the fewest matured reports a pass may rest on, at least 1.
	MinReports int
	// MinCoverage is the smallest share of matured devices with a fresh
	// terminal result, in (0, 1]. It guards against the silent part of a wave
	// being the broken part (gate D3).
	MinCoverage float64
	// MaxNotApplicable is the largest share of the audience on which the policy
	// may turn out not to apply, in [0, 1]. Beyond it the targeting is wrong
	// (gate D1).
	MaxNotApplicable float64
}

// Promote asks for proof: with confidence Confidence, the success rate behind
// the wave is at least FloorRate (gate D4.1).
type Promote struct {
	// FloorRate is the success rate to be proven, in (0, 1). 1 cannot be
	// proven by any sample; use Smoke for "no failure at all".
	FloorRate float64
	// Confidence is one-sided, in [0.5, 1).
	Confidence float64
	// Looks is how often the proof is tried before the last devices are waited
	// for, the beginning of that final stretch included, 1 to MaxLooks. All
	// tries together keep Confidence (gate D4.7, [Plan]).
	Looks int
}

// Smoke is the rule for a handful of devices (gate D7, wave 0): all that is
// demanded by MinCoverage and MinReports has reported, and no more than
// MaxFailures devices failed. More failures than that halt the wave at once.
type Smoke struct {
	// MaxFailures is a number of devices, at least 0.
	MaxFailures int
}

// Halt stops a wave when the evidence that it fails more often than tolerated
// reaches 1/Alpha (gate D4.5).
type Halt struct {
	// ToleratedFailureRate is the failure rate that is accepted, in [0, 1).
	ToleratedFailureRate float64
	// Alpha is the chance, over the whole wave, to halt a policy that fails no
	// more often than tolerated, in (0, 0.5].
	Alpha float64
	// MinFailures is the fewest failed devices that may halt a wave, at
	// least 1, whatever the evidence.
	MinFailures int
}

// Validate reports every field that is out of its range, with the value found
// and what to write instead. A nil error means that [Evaluate] can judge by the
// spec; whether an audience is large enough is the question of [Reachable].
func (s Spec) Validate() error {
	var errs []error
	switch {
	case s.Smoke == nil && s.Promote == Promote{}:
		errs = append(errs, errors.New("promote: not set: set promote with a floorRate to be proven, or smoke with maxFailures"))
	case s.Smoke != nil && s.Promote != Promote{}:
		errs = append(errs, fmt.Errorf("promote: set with floorRate %v beside smoke: keep one of the two", s.Promote.FloorRate))
	case s.Smoke != nil:
		errs = append(errs, s.Smoke.validate())
	default:
		errs = append(errs, s.Promote.validate())
	}
	if s.Smoke == nil || s.Halt != (Halt{}) {
		errs = append(errs, s.Halt.validate())
	}
	if s.MinReports < 1 || s.MinReports > MaxDevices {
		errs = append(errs, fmt.Errorf("minReports: %d: write a number of devices from 1 to %d", s.MinReports, MaxDevices))
	}
	if s.MinCoverage == 0 || !within(s.MinCoverage, 0, 1) {
		errs = append(errs, fmt.Errorf("minCoverage: %v: write a fraction above 0 and up to 1, such as 0.9", s.MinCoverage))
	}
	if !within(s.MaxNotApplicable, 0, 1) {
		errs = append(errs, fmt.Errorf("maxNotApplicable: %v: write a fraction from 0 to 1, such as 0.1", s.MaxNotApplicable))
	}
	return errors.Join(errs...)
}

func (s Smoke) validate() error {
	if s.MaxFailures < 0 || s.MaxFailures > MaxDevices {
		return fmt.Errorf("smoke.maxFailures: %d: write a number of devices from 0 to %d", s.MaxFailures, MaxDevices)
	}
	return nil
}

func (p Promote) validate() error {
	var errs []error
	if !openUnit(p.FloorRate) {
		errs = append(errs, fmt.Errorf("promote.floorRate: %v: write a fraction above 0 and below 1, such as 0.95, or use smoke to demand a clean run", p.FloorRate))
	}
	if !within(p.Confidence, 0.5, 1-minAlpha) {
		errs = append(errs, fmt.Errorf("promote.confidence: %v: write a fraction from 0.5 to below 1, such as 0.95", p.Confidence))
	}
	if p.Looks < 1 || p.Looks > MaxLooks {
		errs = append(errs, fmt.Errorf("promote.looks: %d: write a number from 1 to %d", p.Looks, MaxLooks))
	}
	if len(errs) == 0 && RequiredReports(p.FloorRate, 1-p.Confidence, 0) == Unprovable {
		errs = append(errs, fmt.Errorf("promote.floorRate: %v: no fleet of up to %d devices can prove it: write a lower rate", p.FloorRate, MaxDevices))
	}
	return errors.Join(errs...)
}

func (h Halt) validate() error {
	var errs []error
	if h.ToleratedFailureRate == 1 || !within(h.ToleratedFailureRate, 0, 1) {
		errs = append(errs, fmt.Errorf("halt.toleratedFailureRate: %v: write a fraction from 0 to below 1, such as 0.05", h.ToleratedFailureRate))
	}
	if !within(h.Alpha, minAlpha, 0.5) {
		errs = append(errs, fmt.Errorf("halt.alpha: %v: write a fraction above 0 and up to 0.5, such as 0.05", h.Alpha))
	}
	if h.MinFailures < 1 || h.MinFailures > MaxDevices {
		errs = append(errs, fmt.Errorf("halt.minFailures: %d: write a number of devices from 1 to %d", h.MinFailures, MaxDevices))
	}
	return errors.Join(errs...)
}

// alpha is the error rate that all looks together may spend.
func (s Spec) alpha() float64 { return 1 - s.Promote.Confidence }

// firstLook is the smallest sample that could pass.
func (s Spec) firstLook() int {
	return max(RequiredReports(s.Promote.FloorRate, s.alpha(), 0), s.MinReports)
}

// Counts is the evidence of one metric at one instant, for one payload and one
// attempt, in devices. Devices that are excluded or ineligible are in none of
// them; a stale report is no report.
type Counts struct {
	// Eligible is the size of the audience, exposed or not. No outcome moves it.
	Eligible int
	// Withdrawn devices are in none of the other counts: they were part of the
	// audience that the plan was made for, and left it before they got the policy.
	Withdrawn int
	// Exposed devices are assigned the policy.
	Exposed int
	// Seen devices have checked in since they were exposed, and SeenFailed of
	// them failed hard. These two decide about halting. A conflict with
	// another profile is no hard failure (gate D2), and a device on which the
	// policy does not apply had no chance to fail: it is not among the seen.
	Seen, SeenFailed int
	// Matured devices have been exposed for the maturity time, whether they
	// were seen or not. Reported of them have a fresh terminal result, which is
	// one of Succeeded, Failed, Conflict and Unexplained: the policy does not
	// apply, and no prerequisite explains it. These decide about promoting.
	Matured, Reported, Succeeded, Failed, Conflict, Unexplained int
	// NotApplicable devices are all on which the policy does not apply, matured
	// or not. Those that a prerequisite explains are not among the matured.
	NotApplicable int
	// Recovered of the succeeded devices had failed before. They count as any other success; a person is told.
	Recovered int
}

// Validate reports each contradiction between the counts. Contradicting counts
// are unreadable telemetry, not evidence (P4).
func (c Counts) Validate() error {
	var errs []error
	for _, part := range []struct {
		name  string
		count int
		whole string
		limit int
	}{
		{"eligible", c.Eligible, "the largest fleet supported", MaxDevices},
		{"exposed", c.Exposed, "eligible", c.Eligible},
		{"seen", c.Seen, "exposed", c.Exposed},
		{"seenFailed", c.SeenFailed, "seen", c.Seen},
		{"matured", c.Matured, "exposed", c.Exposed},
		{"reported", c.Reported, "matured", c.Matured},
		{"reported", c.Reported - c.Unexplained, "seen", c.Seen},
		{"unexplained", c.Unexplained, "notApplicable", c.NotApplicable},
		{"seen and notApplicable", c.Seen + c.NotApplicable, "exposed", c.Exposed},
		{"withdrawn", c.Withdrawn, "the largest fleet supported", MaxDevices},
		{"succeeded", c.Succeeded, "reported", c.Reported},
		{"failed", c.Failed, "seenFailed", c.SeenFailed},
		{"conflict", c.Conflict, "reported", c.Reported},
		{"recovered", c.Recovered, "succeeded", c.Succeeded},
	} {
		if part.count < 0 || part.count > part.limit {
			errs = append(errs, fmt.Errorf("%s: %d: must be from 0 to %d (%s)", part.name, part.count, part.limit, part.whole))
		}
	}
	if sum := c.Succeeded + c.Failed + c.Conflict + c.Unexplained; sum != c.Reported {
		errs = append(errs, fmt.Errorf("reported: %d: must be the sum of succeeded, failed, conflict and unexplained, %d", c.Reported, sum))
	}
	return errors.Join(errs...)
}
