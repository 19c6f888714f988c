// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/gate"
)

// Metric is the name of the one metric that a wave is judged by today: what devices report of the payload's settings
// catalog policies.
const Metric = "delivered"

// DefaultMaxNotApplicablePercent is the largest share of an audience on which the policy may turn out not to apply when the wave
// does not say another (design §5).
const DefaultMaxNotApplicablePercent = 10

// Case is the evidence of one attempt at one instant, as the newest complete reading of the fleet shows it.
type Case struct {
	// Gate that the attempt began with, and what else was fixed then; nil for a ledger without.
	Gate  *v1alpha1.Gate
	Proof *v1alpha1.ProofStatus
	// DeadlinePassed: gate.deadline is over.
	DeadlinePassed bool
	Ledger         *audience.Ledger
	// Rules of the policy; what the gate has a say in (Maturity) is taken from Gate.
	Rules diagnosis.Rules
	// Unit is what the entries of the ledger are.
	Unit v1alpha1.Unit
	// Facts of the one device that an entry is, or of every device of the person that it is; a device that the inventory
	// does not have is not managed.
	Facts func(audience.ID) []diagnosis.Facts
}

// Judgement is what a Case amounts to.
type Judgement struct {
	State    EvidenceState
	Message  string
	Row      v1alpha1.GateRow
	Devices  v1alpha1.DeviceCounts
	Findings []v1alpha1.Finding
	// Unreported is the number of exposed devices without a fresh result.
	Unreported int
	// DeadlineReports is the number of reports by which the proof was tried at the deadline; 0 when it was not.
	DeadlineReports int32
	// Digest identifies the outcomes that were judged, by what and of which attempt; equal evidence has an equal digest.
	Digest string
}

// Judge diagnoses each entry of the ledger and evaluates the gate on the outcomes.
func Judge(c Case) (Judgement, error) {
	spec, err := GateSpec(c.Gate)
	if err != nil {
		return Judgement{}, err
	}
	c.Rules.Maturity = c.Gate.Maturity.Duration
	var tally diagnosis.Tally
	digest := sha256.New()
	fmt.Fprintf(digest, "%d\n%s\n%s\n", c.Ledger.Attempt, c.Ledger.PayloadHash, GateHash(c.Gate))
	for i, e := range c.Ledger.Entries {
		o, name, counts := c.outcome(i)
		if reason := refusal(e); reason != "" {
			tally.Refused(reason, name)
		}
		if !counts {
			continue
		}
		o.Matured = o.Matured && e.JoinedAt.IsZero() // the looks were planned without it; a halt counts it
		tally.Add(o, name)
		fmt.Fprintf(digest, "%s %s %t %t\n", e.ID, o.Kind, o.Matured, o.Recovered)
	}
	counts := gateCounts(&tally)
	counts.Withdrawn = c.withdrawn()
	looks, err := plan(spec, c.Proof, c.frozen())
	if err != nil {
		return Judgement{}, err
	}
	last := c.lastTry(looks, counts.Reported)
	r := gate.Evaluate(looks, counts, last)
	ev := Judgement{
		DeadlineReports: int32(last),
		Message:         r.Message, Row: row(spec, r), Devices: tally.Counts(), Findings: tally.Findings(),
		Unreported: tally.Unreported(), Digest: "sha256:" + hex.EncodeToString(digest.Sum(nil)),
	}
	ev.State = evidenceState(spec, r, counts.Seen, counts.SeenFailed, tally.SeenConflict)
	if ev.State == EvidenceConflict {
		ev.Message = fmt.Sprintf("%d of %d devices that checked in report a conflict: another policy sets the same setting to another value; find it under the findings, end its assignment, and the wave goes on by itself", tally.SeenConflict, counts.Seen)
	}
	return ev, nil
}

// lastTry is the number of reports by which the proof is tried at the deadline, 0 when it is not: before it, and as long as
// too few have reported for a try, and in an attempt whose deadline was edited: its level holds for a moment that does not depend
// on the reports (P15).
func (c Case) lastTry(looks gate.Plan, reported int) int {
	switch {
	case c.Proof == nil, c.Proof.DeadlineEdited:
		return 0
	case c.Proof.DeadlineReports > 0:
		return int(c.Proof.DeadlineReports)
	case c.DeadlinePassed && looks.Covers(reported):
		return reported
	}
	return 0
}

// frozen is the size of the audience as it was when the attempt began. Whatever is reported, it stays.
func (c Case) frozen() int {
	n := 0
	for i := range c.Ledger.Entries {
		if c.Ledger.Entries[i].JoinedAt.IsZero() {
			n++
		}
	}
	return n
}

// withdrawn is how many of that audience are not counted and never had what the attempt brings.
func (c Case) withdrawn() int {
	n := 0
	for i := range c.Ledger.Entries {
		if e := &c.Ledger.Entries[i]; e.JoinedAt.IsZero() && e.ConfirmedAt.IsZero() && !counted(e) {
			n++
		}
	}
	return n
}

// gateCounts hands the gate what it reasons with: each of its counts is the tally's of the same name.
func gateCounts(t *diagnosis.Tally) gate.Counts {
	return gate.Counts{
		Eligible: t.Eligible, Exposed: t.Exposed, Seen: t.Seen, SeenFailed: t.SeenFailed,
		Matured: t.Matured, Reported: t.Reported, Succeeded: t.Succeeded, Failed: t.Failed, Conflict: t.Conflict,
		Unexplained: t.Unexplained, NotApplicable: t.NotApplicable, Recovered: t.Recovered,
	}
}

// evidenceState maps the gate's verdict to the closed input of Decide. Conflicts never halt a wave, for the policy is not
// at fault; but when failures and conflicts together are more than the halt test tolerates, the targeting is wrong and
// exposing more devices only makes more conflicts (gate D2, D6).
func evidenceState(spec gate.Spec, r gate.Result, seen, failed, conflict int) EvidenceState {
	switch {
	case r.Verdict == gate.VerdictHalt:
		return EvidenceHalt
	case conflicted(spec, seen, failed, conflict):
		return EvidenceConflict
	case r.Reason == gate.ReasonTooManyNotApplicable:
		return EvidenceNotApplicable
	case r.Verdict == gate.VerdictPass:
		return EvidencePass
	case r.Verdict == gate.VerdictNoData && r.Reason != gate.ReasonNotMatured:
		return EvidenceNoData
	default:
		return EvidenceWait
	}
}

// conflicted looks at every device that was seen, matured or not, for the sooner it fires the fewer devices are harmed.
func conflicted(spec gate.Spec, seen, failed, conflict int) bool {
	switch {
	case conflict == 0:
		return false
	case spec.Smoke != nil:
		return failed+conflict > spec.Smoke.MaxFailures
	default:
		return failed+conflict >= spec.Halt.MinFailures &&
			gate.HaltEvidence(seen, failed+conflict, spec.Halt.ToleratedFailureRate) >= gate.HaltThreshold(spec.Halt.Alpha)
	}
}

// GateSpec turns the API's decimal strings into numbers. The CRD's validation makes an error unlikely, not impossible:
// an object may be older than the rule.
func GateSpec(g *v1alpha1.Gate) (gate.Spec, error) {
	s := gate.Spec{MinReports: int(g.Coverage.MinReports), MinCoverage: float64(g.Coverage.MinPercent) / 100, MaxNotApplicable: DefaultMaxNotApplicablePercent / 100.}
	if most := g.Coverage.MaxNotApplicablePercent; most != nil {
		s.MaxNotApplicable = float64(*most) / 100
	}
	var p rates
	s.Halt = gate.Halt{
		ToleratedFailureRate: p.rate("gate.halt.toleratedFailureRate", g.Halt.ToleratedFailureRate),
		Alpha:                p.rate("gate.halt.alpha", g.Halt.Alpha), MinFailures: int(g.Halt.MinFailures),
	}
	if g.Smoke != nil {
		s.Smoke = &gate.Smoke{MaxFailures: int(g.Smoke.MaxFailures)}
	}
	if g.Promote != nil {
		s.Promote = gate.Promote{
			FloorRate:  p.rate("gate.promote.floorRate", g.Promote.FloorRate),
			Confidence: p.rate("gate.promote.confidence", g.Promote.Confidence), Looks: int(g.Promote.Looks),
		}
	}
	if p.err != nil {
		return gate.Spec{}, p.err
	}
	if err := s.Validate(); err != nil {
		return gate.Spec{}, fmt.Errorf("gate: %w", err)
	}
	return s, nil
}

// rates parses decimals and keeps the first error.
type rates struct{ err error }

func (p *rates) rate(field, text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("%s: %q is not a decimal: write a fraction such as \"0.95\"", field, text)
	}
	return v
}

// GateHash identifies a gate: equal gates have equal hashes.
func GateHash(g *v1alpha1.Gate) string {
	data, err := json.Marshal(g) // struct fields only: the order is fixed and nothing in it can fail to marshal
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func row(spec gate.Spec, r gate.Result) v1alpha1.GateRow {
	out := v1alpha1.GateRow{
		Metric: Metric, Verdict: v1alpha1.Verdict(r.Verdict), N: int32(r.N), K: int32(r.K),
		Observed: decimal(r.Observed), LowerBound: decimal(r.LowerBound), WorstCase: decimal(r.WorstCase), BestCase: decimal(r.BestCase),
		Coverage: decimal(r.Coverage), HaltEvidence: strconv.FormatFloat(r.HaltEvidence, 'g', 4, 64), HaltAt: strconv.FormatFloat(r.HaltAt, 'g', 4, 64),
		LookAt: int32(r.LookAt), AllowedFailures: int32(r.Allowed), NextLookAt: int32(r.NextLook),
	}
	if spec.Smoke == nil {
		out.Floor = decimal(r.Floor)
	}
	return out
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }

// Reachable says whether a wave of eligible devices can ever be promoted by its gate, and if not, what it needs (gate F2).
func Reachable(g *v1alpha1.Gate, eligible int) (reason, message string, ok bool) {
	spec, err := GateSpec(g)
	if err != nil {
		return v1alpha1.ReasonInvalid, err.Error(), false
	}
	need, proves, ok := gate.Reachable(spec, eligible)
	if ok {
		return "", "", true
	}
	if spec.Smoke != nil || proves >= spec.Promote.FloorRate {
		return v1alpha1.ReasonAudienceTooSmall, fmt.Sprintf("%d devices are eligible and gate.coverage.minReports asks for %d: enlarge the audience or lower minReports", eligible, need), false
	}
	return v1alpha1.ReasonAudienceTooSmall, fmt.Sprintf(
		"%d devices are eligible; even without a failure they prove a success rate of %.4f, gate.promote.floorRate asks for %s and that needs %d devices: enlarge the audience or lower the floor",
		eligible, proves, g.Promote.FloorRate, need), false
}
