// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"math/rand"
	"strings"
	"testing"
	"time"
)

// exposedFor is a healthy device, exposed that long before the reading.
func exposedFor(d time.Duration) Facts {
	f := healthy()
	f.ExposedAt = asOf.Add(-d)
	return f
}

// reporting adds a report made that long after exposure.
func reporting(f Facts, status int, after time.Duration) Facts {
	f.Report = &Report{At: f.ExposedAt.Add(after), Status: status}
	return f
}

func with(f Facts, change func(*Facts)) Facts {
	change(&f)
	return f
}

func silentSince(f Facts, at time.Time) Facts { return with(f, func(f *Facts) { f.LastSync = at }) }

func TestJudge(t *testing.T) {
	const m = 48 * time.Hour // maturity
	old, young := exposedFor(72*time.Hour), exposedFor(8*time.Hour)
	before := func(f Facts, d time.Duration) Facts { return silentSince(f, f.ExposedAt.Add(-d)) }
	for name, c := range map[string]struct {
		facts   Facts
		kind    Kind
		mode    Mode
		reason  string
		matured bool
		seen    bool
	}{
		"pending":                       {healthy(), Pending, "", ReasonPending, false, false},
		"pending, with an old report":   {reporting(healthy(), StatusError, 0), Pending, "", ReasonPending, false, false},
		"exposed after the reading":     {exposedFor(-time.Hour), Exposed, "", ReasonWaitingForCheckIn, false, false},
		"exposed, no check-in":          {before(young, time.Hour), Exposed, "", ReasonWaitingForCheckIn, false, false},
		"check-in within the skew":      {silentSince(young, young.ExposedAt.Add(9*time.Minute)), Exposed, "", ReasonWaitingForCheckIn, false, false},
		"check-in at the skew":          {silentSince(young, young.ExposedAt.Add(10*time.Minute)), Seen, "", ReasonWaitingForReport, false, true},
		"seen, no row":                  {young, Seen, "", ReasonWaitingForReport, false, true},
		"seen, row pending":             {reporting(young, StatusUnknown, time.Hour), Seen, "", ReasonWaitingForReport, false, true},
		"seen, row not assigned":        {reporting(young, StatusNotAssigned, time.Hour), Seen, "", ReasonWaitingForReport, false, true},
		"seen, code not known":          {reporting(young, 8, time.Hour), Seen, "", ReasonWaitingForReport, false, true},
		"seen, negative code":           {reporting(young, -1, time.Hour), Seen, "", ReasonWaitingForReport, false, true},
		"seen and matured, no row":      {old, Seen, ModeNotApplied, ReasonNoResult, true, true},
		"seen, Edge explains it":        {with(old, func(f *Facts) { f.EdgeVersion = "120.0" }), Seen, ModePrerequisite, ReasonEdgeTooOld, true, true},
		"seen, a gap explains nothing":  {with(old, func(f *Facts) { f.EdgeVersion = "" }), Seen, ModeNotApplied, ReasonNoResult, true, true},
		"pending row is no contact":     {reporting(before(young, time.Hour), StatusUnknown, time.Hour), Exposed, "", ReasonWaitingForCheckIn, false, false},
		"succeeded":                     {reporting(old, StatusSucceeded, time.Hour), Succeeded, "", ReasonApplied, true, true},
		"remediated":                    {reporting(old, StatusRemediated, time.Hour), Succeeded, "", ReasonApplied, true, true},
		"succeeded early":               {reporting(young, StatusSucceeded, time.Hour), Succeeded, "", ReasonApplied, false, true},
		"report implies contact":        {reporting(before(young, time.Hour), StatusSucceeded, time.Hour), Succeeded, "", ReasonApplied, false, true},
		"report at the skew":            {reporting(young, StatusSucceeded, 10*time.Minute), Succeeded, "", ReasonApplied, false, true},
		"report within the skew":        {reporting(young, StatusSucceeded, 10*time.Minute-1), Stale, "", ReasonReportOlder, false, true},
		"error":                         {reporting(old, StatusError, time.Hour), Failed, ModeConflict, ReasonPolicyError, true, true},
		"non-compliant":                 {reporting(old, StatusNonCompliant, time.Hour), Failed, ModeConflict, ReasonNonCompliant, true, true},
		"error, encryption explains it": {with(reporting(old, StatusError, time.Hour), func(f *Facts) { f.Encrypted = false }), Failed, ModePrerequisite, ReasonNotEncrypted, true, true},
		"conflict":                      {reporting(old, StatusConflict, time.Hour), Conflict, ModeConflict, ReasonPolicyConflict, true, true},
		"conflict explains itself":      {with(reporting(old, StatusConflict, time.Hour), func(f *Facts) { f.EdgeVersion = "99" }), Conflict, ModeConflict, ReasonPolicyConflict, true, true},
		"not applicable":                {reporting(old, StatusNotApplicable, time.Hour), NotApplicable, ModeNotApplied, ReasonNotApplicable, true, true},
		"not applicable, OS too old":    {with(reporting(old, StatusNotApplicable, time.Hour), func(f *Facts) { f.OSVersion = "10.0.19045" }), NotApplicable, ModePrerequisite, ReasonOSTooOld, true, true},
		"old success":                   {reporting(old, StatusSucceeded, -day), Stale, ModeNotApplied, ReasonReportOlder, true, true},
		"old error is no failure":       {reporting(old, StatusError, -day), Stale, ModeNotApplied, ReasonReportOlder, true, true},
		"old conflict is no conflict":   {reporting(old, StatusConflict, -day), Stale, ModeNotApplied, ReasonReportOlder, true, true},
		"old error, just exposed":       {reporting(before(young, time.Hour), StatusError, -day), Stale, "", ReasonReportOlder, false, false},
		"old pending row":               {reporting(young, StatusUnknown, -day), Seen, "", ReasonWaitingForReport, false, true},
		"report far in the future":      {reporting(old, StatusSucceeded, 5*day), Stale, ModeStale, ReasonReportFromFuture, true, true},
		"report during the reading":     {reporting(old, StatusSucceeded, 73*time.Hour), Succeeded, "", ReasonApplied, true, true},
		"dark":                          {before(old, time.Hour), Dark, ModeStale, ReasonSilent, true, false},
		"dark, with an old report":      {reporting(before(old, time.Hour), StatusSucceeded, -day), Dark, ModeStale, ReasonSilent, true, false},
		"matured, not yet dark":         {before(exposedFor(m+5*time.Minute), time.Hour), Exposed, ModeStale, ReasonNoCheckIn, true, false},
		"maturity is inclusive":         {exposedFor(m), Seen, ModeNotApplied, ReasonNoResult, true, true},
		"a moment before maturity":      {exposedFor(m - time.Second), Seen, "", ReasonWaitingForReport, false, true},
		"dark does not lapse":           {before(exposedFor(12*day), time.Hour), Dark, ModeStale, ReasonSilent, true, false},
		"inactive before exposure":      {before(old, 8*day), Stale, ModeStale, ReasonOffline, true, false},
		"seen, then offline":            {silentSince(exposedFor(12*day), asOf.Add(-8*day)), Stale, ModeStale, ReasonOffline, true, true},
		"success lapses when offline":   {reporting(silentSince(exposedFor(12*day), asOf.Add(-8*day)), StatusSucceeded, day), Stale, ModeStale, ReasonOffline, true, true},
		"failure does not lapse":        {reporting(silentSince(exposedFor(12*day), asOf.Add(-8*day)), StatusError, day), Failed, ModeConflict, ReasonPolicyError, true, true},
		"conflict does not lapse":       {reporting(silentSince(exposedFor(12*day), asOf.Add(-8*day)), StatusConflict, day), Conflict, ModeConflict, ReasonPolicyConflict, true, true},
		"no longer managed":             {with(old, func(f *Facts) { f.Managed = false }), Stale, ModePrerequisite, ReasonNotManaged, true, true},
		"success, no longer managed":    {with(reporting(old, StatusSucceeded, day), func(f *Facts) { f.Managed = false }), Stale, ModePrerequisite, ReasonNotManaged, true, true},
		"failure, no longer managed":    {with(reporting(old, StatusError, day), func(f *Facts) { f.Managed = false }), Failed, ModePrerequisite, ReasonNotManaged, true, true},
		"never synced":                  {silentSince(old, time.Time{}), Stale, ModeStale, ReasonNeverSynced, true, false},
	} {
		o := Judge(c.facts, rules())
		if o.Kind != c.kind || o.Mode != c.mode || o.Reason != c.reason || o.Matured != c.matured || o.SeenSince != c.seen {
			t.Errorf("%s:\n got %s %q %s matured=%t seen=%t (%s)\nwant %s %q %s matured=%t seen=%t",
				name, o.Kind, o.Mode, o.Reason, o.Matured, o.SeenSince, o.Detail, c.kind, c.mode, c.reason, c.matured, c.seen)
		}
		if o.Detail == "" || strings.Contains(o.Detail, "%!") {
			t.Errorf("%s: detail %q", name, o.Detail)
		}
		if (o.Mode != "") != (Runbook(o.Reason) != "") && o.Reason != ReasonReportOlder {
			t.Errorf("%s: mode %q and runbook %q do not go together", name, o.Mode, Runbook(o.Reason))
		}
	}
}

func TestExplainedOutcomeKeepsWhatTheDeviceReports(t *testing.T) {
	f := with(reporting(exposedFor(72*time.Hour), StatusError, time.Hour), func(f *Facts) { f.EdgeVersion = "120.0" })
	o := Judge(f, rules())
	if !strings.Contains(o.Detail, "required 145") || !strings.Contains(o.Detail, "reports an error") {
		t.Errorf("detail %q lacks the cause or the report", o.Detail)
	}
}

// randomFacts mixes everything that a reading can say about a device of a wave.
func randomFacts(r *rand.Rand) Facts {
	f := healthy()
	at := func() time.Time { return asOf.Add(time.Duration(r.Int63n(int64(30*day))) - 28*day) }
	f.LastSync = at()
	switch r.Intn(10) {
	case 0:
		f.Managed = false
	case 1:
		f.EdgeVersion = "99.1"
	case 2:
		f.LastSync = time.Time{}
	}
	if r.Intn(8) > 0 {
		f.ExposedAt = at()
	}
	if r.Intn(3) > 0 {
		f.Report = &Report{At: at(), Status: r.Intn(10)}
	}
	return f
}

func TestPromise04_OnlyAFreshReportDecides(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	decided := 0
	for i := range 200_000 {
		f := randomFacts(r)
		o := Judge(f, rules())
		switch o.Kind {
		case Succeeded, Failed, Conflict, NotApplicable:
			decided++
			if f.Report == nil || f.Report.At.Before(f.ExposedAt.Add(DefaultSkew)) || f.ExposedAt.IsZero() {
				t.Fatalf("%d: %s without a fresh report: %+v", i, o.Kind, f)
			}
			if !o.SeenSince {
				t.Fatalf("%d: %s and not seen", i, o.Kind)
			}
		case Pending:
			if o.Matured || o.SeenSince {
				t.Fatalf("%d: pending device is matured or seen", i)
			}
		}
		if o.Kind == Succeeded && (f.Report.Status != StatusSucceeded && f.Report.Status != StatusRemediated || !f.Managed || asOf.Sub(f.LastSync) > 7*day) {
			t.Fatalf("%d: succeeded: %+v", i, f)
		}
		if o.Kind == Failed && f.Report.Status != StatusError && f.Report.Status != StatusNonCompliant {
			t.Fatalf("%d: failed with status %d", i, f.Report.Status)
		}
		if o != Judge(f, rules()) {
			t.Fatalf("%d: judged twice, two outcomes", i)
		}
	}
	if decided < 10_000 {
		t.Errorf("only %d devices were decided: the property was hardly tested", decided)
	}
}

// A failure that was once fresh stays a failure as time passes and nothing else is heard (gate D4: evidence for a halt
// must not evaporate).
func TestFailuresDoNotLapseWithTime(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	failures := 0
	for range 50_000 {
		f, rs := randomFacts(r), rules()
		kind := Judge(f, rs).Kind
		if kind != Failed && kind != Conflict {
			continue
		}
		failures++
		rs.AsOf = asOf.Add(time.Duration(r.Int63n(int64(60 * day))))
		if later := Judge(f, rs).Kind; later != kind {
			t.Fatalf("%s became %s %s later: %+v", kind, later, rs.AsOf.Sub(asOf), f)
		}
	}
	if failures < 1000 {
		t.Errorf("only %d failures: the property was hardly tested", failures)
	}
}
