// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"slices"
	"time"
)

// ReasonNoDevice: Intune manages no device of which the person is the primary user.
const ReasonNoDevice = "NoDevice"

// UserEligibility says whether a wave may expose a person, given the devices of which they are the primary user: when at
// least one of these is eligible. The reason is else that of their best device, which is the one that passes the most checks
// in the order of [Eligibility]; of equals the first. Without any device it is NoDevice.
func UserEligibility(devices []Facts, r Rules) (eligible bool, reason, detail string) {
	reason, detail = ReasonNoDevice, "Intune has no device of which the person is the primary user"
	best := -1
	for _, f := range devices {
		passed, ok, found := examine(f, r)
		if ok {
			return true, found.reason, found.detail
		}
		if passed > best {
			best, reason, detail = passed, found.reason, found.detail
			if f.Name != "" {
				detail = f.Name + ": " + detail
			}
		}
	}
	return false, reason, detail
}

// UserUnreachable says whether no policy object can reach any device of a person, and by which reason: that of their first
// device, or NoDevice.
func UserUnreachable(devices []Facts, r Rules) (reason string, out bool) {
	reason = ReasonNoDevice
	for i, f := range devices {
		why, away := Unreachable(f, r)
		if !away {
			return "", false
		}
		if i == 0 {
			reason = why
		}
	}
	return reason, true
}

// userOrder is the order in which outcomes of devices speak for their user. What a device reports comes first, the bad before
// the good, so that a person for whom one device fails has failed. Without a report the device counts that is nearest to
// one. Dark comes before Stale, since it may be an effect of the policy, and both before Not applicable, which would take
// the person out of the statistics while another device of theirs may still speak.
var userOrder = []Kind{Failed, Conflict, Succeeded, Seen, Exposed, Pending, Dark, Stale, NotApplicable}

// Person adds up what the devices of one person say of an attempt: failed if one failed, else in conflict if one is,
// succeeded when every one that reports did, at least one; else as the device says that is nearest to a report. Devices on
// which the policy does not apply count only when there are no others. Mode, reason and detail are those of the first device of
// that outcome; the person has matured and was seen when any device has. The zero value has no device.
type Person struct {
	// best speaks for the person; rank is its place in userOrder, from 1, and 0 before the first device.
	best          Outcome
	rank          int
	matured, seen bool
}

// Judge adds the device that the facts are of, and returns what it says for itself. ExposedAt is when the person was exposed,
// not zero. A device that no policy can reach speaks for nobody, unless it has said something bad of this exposure: that a
// device is retired does not undo its failure (P15).
func (p *Person) Judge(f Facts, r Rules) Outcome {
	o := Judge(f, r)
	if o.Kind != Failed && o.Kind != Conflict {
		if _, out := Unreachable(f, r); out {
			return o
		}
	}
	p.add(o)
	return o
}

func (p *Person) add(o Outcome) {
	rank := slices.Index(userOrder, o.Kind) + 1
	if p.rank == 0 || rank < p.rank {
		p.best, p.rank = o, rank
	}
	p.matured, p.seen = p.matured || o.Matured, p.seen || o.SeenSince
}

// Outcome is what they say together. A person without a device that can be reached is stale with reason NoDevice once exposed
// at exposedAt, and pending while that is zero.
func (p *Person) Outcome(exposedAt time.Time, r Rules) Outcome {
	switch {
	case exposedAt.IsZero():
		return Outcome{Kind: Pending, Reason: ReasonPending, Detail: "not exposed yet"}
	case p.rank == 0:
		o := Outcome{Matured: !r.AsOf.Before(exposedAt.Add(r.Maturity))}
		return o.as(Stale, ModePrerequisite, ReasonNoDevice, "no device of the person can be reached any more")
	}
	o := p.best
	o.Matured, o.SeenSince = p.matured, p.seen
	return o
}
