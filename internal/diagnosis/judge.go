// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"time"
)

// Kind is the outcome of a device of a wave; each device has exactly one (gate D2).
type Kind string

// The outcomes.
const (
	// Pending: not exposed yet.
	Pending Kind = "Pending"
	// Exposed: no check-in since exposure.
	Exposed Kind = "Exposed"
	// Seen: checked in since exposure, no result yet.
	Seen Kind = "Seen"
	// Succeeded: reports the policy as applied or remediated.
	Succeeded Kind = "Succeeded"
	// Failed: reports an error or that it does not comply.
	Failed Kind = "Failed"
	// Conflict: reports that another policy sets the same setting differently.
	Conflict Kind = "Conflict"
	// NotApplicable: reports that the policy does not apply.
	NotApplicable Kind = "NotApplicable"
	// Stale: what is known of the device is too old to say anything about this exposure.
	Stale Kind = "Stale"
	// Dark: active before exposure, silent since for longer than maturity.
	Dark Kind = "Dark"
)

// Mode is a failure mode (domain 5). Empty: nothing is wrong, or nothing that a person has to look at yet.
type Mode string

// The failure modes of a device. F4, a sign-in that is blocked, belongs to users and tenants.
const (
	// ModePrerequisite (F1): the device misses a prerequisite.
	ModePrerequisite Mode = "F1"
	// ModeNotApplied (F2): the device is in contact and the policy has not arrived, or does not apply.
	ModeNotApplied Mode = "F2"
	// ModeConflict (F3): the device reports an error or a conflict.
	ModeConflict Mode = "F3"
	// ModeStale (F5): the device is out of contact.
	ModeStale Mode = "F5"
)

// The reasons of outcomes, beside those of [Eligibility].
const (
	// ReasonPending: the device is not exposed yet.
	ReasonPending = "NotExposedYet"
	// ReasonWaitingForCheckIn: no check-in since exposure, and no need to worry yet.
	ReasonWaitingForCheckIn = "WaitingForCheckIn"
	// ReasonWaitingForReport: checked in since exposure, and no need to worry yet.
	ReasonWaitingForReport = "WaitingForReport"
	// ReasonApplied: success.
	ReasonApplied = "PolicyApplied"
	// ReasonPolicyError: the device reports an error.
	ReasonPolicyError = "PolicyError"
	// ReasonNonCompliant: the device reports that it does not comply.
	ReasonNonCompliant = "PolicyNonCompliant"
	// ReasonPolicyConflict: another policy sets the same setting differently.
	ReasonPolicyConflict = "PolicyConflict"
	// ReasonNotApplicable: the device reports that the policy does not apply, and no prerequisite explains it.
	ReasonNotApplicable = "PolicyNotApplicable"
	// ReasonNoResult: matured, checked in since exposure, and still no result.
	ReasonNoResult = "NoResultAfterCheckIn"
	// ReasonNoCheckIn: matured, and no check-in since exposure.
	ReasonNoCheckIn = "NoCheckInSinceExposure"
	// ReasonContactOld: what is known of the device beside its report was read too long ago.
	ReasonContactOld = "ContactReadTooLongAgo"
	// ReasonSilent: dark.
	ReasonSilent = "SilentSinceExposure"
	// ReasonReportOlder: the only result was made before the device was exposed.
	ReasonReportOlder = "ReportOlderThanExposure"
	// ReasonReportFromFuture: the only result is dated after the reading.
	ReasonReportFromFuture = "ReportFromFuture"

	// ReasonMemberGone: the directory has no such object any more, so that it could not be made a member of the wave's group.
	ReasonMemberGone = "MemberGone"
	// ReasonMemberRefused: the tenant does not take the object as a member of the wave's group.
	ReasonMemberRefused = "MemberRefused"
)

// maxReportLead is how much later than the beginning of a reading a report may be dated: a reading of a large tenant
// takes a while. A later one is not trusted, since it would count as fresh for every exposure to come.
const maxReportLead = 24 * time.Hour

// Outcome is what one device says about one attempt.
type Outcome struct {
	Kind   Kind
	Mode   Mode
	Reason string
	// Detail is a sentence for a person.
	Detail string
	// Matured: exposed for the maturity time, so that silence counts against coverage. Never set for a pending device.
	Matured bool
	// SeenSince: in contact since exposure, so that it had the chance to fail.
	SeenSince bool
	// Recovered: it succeeded, and in the same attempt it, or a device of the person, had failed or was in conflict before. It
	// takes the history of the attempt to know.
	Recovered bool
}

// Judge gives the outcome of one eligible device of an attempt, in the order of diagnosis (domain 5.1, gate D2).
//
// A report counts when it was made at least Skew after the exposure. One that a device makes sooner is taken for older;
// it is ASSUMED that Intune moves the time of a row with each later check-in, which brings that device back.
//
// A bad report (Failed, Conflict) counts from then on: that a broken device falls silent does not make it less broken.
// Every other result lapses when the device has been out of contact for longer than MaxOffline, or when Intune no longer
// manages it. The device is Stale then: it lowers coverage, and is never a failure (P4).
func Judge(f Facts, r Rules) Outcome {
	if f.ExposedAt.IsZero() {
		return Outcome{Kind: Pending, Reason: ReasonPending, Detail: "not exposed yet"}
	}
	rep := report{Report: f.Report, freshFrom: f.ExposedAt.Add(r.Skew), trustedTo: r.AsOf.Add(r.Behind + maxReportLead)}
	base := Outcome{
		Matured:   !r.AsOf.Before(f.ExposedAt.Add(r.Maturity)),
		SeenSince: rep.fresh() || !f.LastSync.IsZero() && !f.LastSync.Before(f.ExposedAt.Add(r.Skew)),
	}
	if o, ok := judgeBadReport(base, f, r, rep); ok {
		return o
	}
	if o, ok := judgeContact(base, f, r); ok {
		return o
	}
	if rep.fresh() {
		return judgeGoodReport(base, f, r)
	}
	return judgeWithoutReport(base, f, r, rep)
}

// report is a device's report and the time in which it must have been made to count.
type report struct {
	*Report
	freshFrom, trustedTo time.Time
}

// terminal says whether there is a result at all. Codes that are not known are none (contract b.2).
func (r report) terminal() bool {
	return r.Report != nil && r.Status >= StatusNotApplicable && r.Status <= StatusConflict
}

// fresh says whether there is a result of this exposure.
func (r report) fresh() bool { return r.terminal() && !r.At.Before(r.freshFrom) && !r.fromFuture() }

func (r report) fromFuture() bool { return r.terminal() && r.At.After(r.trustedTo) }

// judgeBadReport: definite words beat timers. A conflict names its cause itself; an error may come of a prerequisite.
func judgeBadReport(base Outcome, f Facts, r Rules, rep report) (Outcome, bool) {
	if !rep.fresh() {
		return Outcome{}, false
	}
	switch f.Report.Status {
	case StatusConflict:
		return base.as(Conflict, ModeConflict, ReasonPolicyConflict, "another policy sets the same setting differently%s", reportedAt(f)), true
	case StatusError:
		return base.as(Failed, ModeConflict, ReasonPolicyError, "the device reports an error%s", reportedAt(f)).explained(f, r), true
	case StatusNonCompliant:
		return base.as(Failed, ModeConflict, ReasonNonCompliant, "the device reports that it does not comply%s", reportedAt(f)).explained(f, r), true
	}
	return Outcome{}, false
}

// judgeContact finds the devices of which nothing can be known any more, and those of which nothing is known yet that is young
// enough.
func judgeContact(base Outcome, f Facts, r Rules) (Outcome, bool) {
	if r.MaxContactAge > 0 && r.AsOf.Sub(r.contactAsOf()) > r.MaxContactAge {
		return base.as(Stale, ModeStale, ReasonContactOld, "what Intune says of the device is of %s, the reports are of %s", stamp(r.contactAsOf()), stamp(r.AsOf)), true
	}
	for _, check := range []func(Facts, Rules) finding{checkManaged, checkState} {
		if found := check(f, r); found.reason == ReasonNotManaged {
			return base.as(Stale, ModePrerequisite, found.reason, "%s any more", found.detail), true
		}
	}
	if wentDark(base, f, r) {
		return base.as(Dark, ModeStale, ReasonSilent, "last check-in %s, before it was exposed at %s", stamp(f.LastSync), stamp(f.ExposedAt)), true
	}
	if found := checkContact(f, r); !found.passed() {
		return base.as(Stale, ModeStale, found.reason, "%s", found.detail), true
	}
	return Outcome{}, false
}

// wentDark says whether the device was active when it was exposed and has been silent since, for longer than maturity.
// It stays dark until it is seen, so that a policy that cuts devices off does not look like laptops on leave.
func wentDark(base Outcome, f Facts, r Rules) bool {
	if base.SeenSince || f.LastSync.IsZero() {
		return false
	}
	active := f.ExposedAt.Sub(f.LastSync) <= r.MaxOffline
	return active && r.contactAsOf().Sub(f.ExposedAt) > r.Maturity+r.Skew
}

func judgeGoodReport(base Outcome, f Facts, r Rules) Outcome {
	if f.Report.Status == StatusNotApplicable {
		o := base.as(NotApplicable, ModeNotApplied, ReasonNotApplicable, "the device reports that the policy does not apply%s", reportedAt(f))
		return o.explained(f, r)
	}
	return base.as(Succeeded, "", ReasonApplied, "policy applied%s", reportedAt(f))
}

// judgeWithoutReport: silence is normal until the device is matured, and says something is wrong only after.
func judgeWithoutReport(base Outcome, f Facts, r Rules, rep report) Outcome {
	switch {
	case rep.fromFuture():
		return base.as(Stale, ModeStale, ReasonReportFromFuture, "the result is dated %s, the inventory was read at %s", stamp(f.Report.At), stamp(r.AsOf))
	case rep.terminal():
		return base.as(Stale, base.silenceMode(), ReasonReportOlder, "the result is of %s, the device was exposed at %s", stamp(f.Report.At), stamp(f.ExposedAt))
	case base.SeenSince && base.Matured:
		return base.as(Seen, base.silenceMode(), ReasonNoResult, "checked in at %s and has no result, exposed at %s", stamp(f.LastSync), stamp(f.ExposedAt)).explained(f, r)
	case base.SeenSince:
		return base.as(Seen, "", ReasonWaitingForReport, "checked in at %s, no result yet", stamp(f.LastSync))
	case base.Matured:
		return base.as(Exposed, base.silenceMode(), ReasonNoCheckIn, "last check-in %s, exposed at %s", stamp(f.LastSync), stamp(f.ExposedAt))
	}
	return base.as(Exposed, "", ReasonWaitingForCheckIn, "no check-in since it was exposed at %s", stamp(f.ExposedAt))
}

func (o Outcome) as(kind Kind, mode Mode, reason, format string, args ...any) Outcome {
	o.Kind, o.Mode, o.Reason, o.Detail = kind, mode, reason, fmt.Sprintf(format, args...)
	return o
}

// explained names the prerequisite that the device fails as the cause, if there is one: F1 comes before F2 and before
// an error (domain 5.1 step 3). What the device reports stays in the detail.
func (o Outcome) explained(f Facts, r Rules) Outcome {
	if found, ok := unmetPrerequisite(f, r); ok {
		o.Mode, o.Reason, o.Detail = ModePrerequisite, found.reason, found.detail+"; "+o.Detail
	}
	return o
}

// silenceMode is the failure mode of a device without a fresh result. The check-in after exposure tells F2, which can be
// reached, from F5 (domain 5.1); a device that has not had its time yet has none.
func (o Outcome) silenceMode() Mode {
	switch {
	case !o.Matured:
		return ""
	case o.SeenSince:
		return ModeNotApplied
	}
	return ModeStale
}

func reportedAt(f Facts) string { return ", reported at " + stamp(f.Report.At) }

func stamp(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}
