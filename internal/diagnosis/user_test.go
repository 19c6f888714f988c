// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"slices"
	"testing"
	"time"
)

// TestPerson: what the devices of a person say of the person.
func TestPerson(t *testing.T) {
	exposed := asOf.Add(-72 * time.Hour)
	for name, c := range map[string]struct {
		devices []Kind
		want    Kind
	}{
		"one succeeds":              {[]Kind{Succeeded}, Succeeded},
		"all that report succeed":   {[]Kind{Stale, Succeeded, Seen, Dark, Succeeded}, Succeeded},
		"one of three fails":        {[]Kind{Succeeded, Failed, Succeeded}, Failed},
		"failed beside conflict":    {[]Kind{Conflict, Failed}, Failed},
		"conflict beside success":   {[]Kind{Succeeded, Conflict}, Conflict},
		"not applicable beside":     {[]Kind{NotApplicable, Succeeded}, Succeeded},
		"not applicable on all":     {[]Kind{NotApplicable, NotApplicable}, NotApplicable},
		"not applicable and silent": {[]Kind{NotApplicable, Dark}, Dark},
		"not applicable and stale":  {[]Kind{NotApplicable, Stale}, Stale},
		"nearest to a report":       {[]Kind{Stale, Exposed, Seen, Dark}, Seen},
		"waiting":                   {[]Kind{Dark, Exposed}, Exposed},
		"dark may be an effect":     {[]Kind{Stale, Dark}, Dark},
		"stale":                     {[]Kind{Stale}, Stale},
	} {
		for _, order := range [][]Kind{c.devices, reversed(c.devices)} {
			var devices []Outcome
			for _, k := range order {
				devices = append(devices, Outcome{Kind: k, Reason: string(k)})
			}
			if got := together(exposed, devices, rules()); got.Kind != c.want || got.Reason != string(c.want) {
				t.Errorf("%s: %v is %s", name, order, got.Kind)
			}
		}
	}
	got := together(exposed, []Outcome{{Kind: Succeeded}, {Kind: Stale, Matured: true}, {Kind: Exposed, SeenSince: true}}, rules())
	if !got.Matured || !got.SeenSince || got.Kind != Succeeded {
		t.Errorf("%+v: matured and seen as any of the devices", got)
	}
	if got := together(time.Time{}, []Outcome{{Kind: Failed}}, rules()); got.Kind != Pending || got.Matured {
		t.Errorf("not exposed: %+v", got)
	}
	if got := together(exposed, nil, rules()); got.Kind != Stale || got.Reason != ReasonNoDevice || !got.Matured || got.Detail == "" || Runbook(got.Reason) == "" {
		t.Errorf("no device: %+v", got)
	}
	if got := together(asOf.Add(-time.Hour), nil, rules()); got.Matured {
		t.Errorf("no device, exposed an hour ago: %+v", got)
	}
}

// together is what devices of these outcomes say of their person.
func together(exposedAt time.Time, devices []Outcome, r Rules) Outcome {
	var p Person
	for _, o := range devices {
		p.add(o)
	}
	return p.Outcome(exposedAt, r)
}

// judged is what devices of these facts say of their person.
func judged(exposedAt time.Time, devices []Facts) Outcome {
	var p Person
	for _, f := range devices {
		f.ExposedAt = exposedAt
		p.Judge(f, rules())
	}
	return p.Outcome(exposedAt, rules())
}

func reversed(kinds []Kind) []Kind {
	out := slices.Clone(kinds)
	slices.Reverse(out)
	return out
}

// TestUserOrderIsWhole: each outcome has a place, else a person's worst device could go unheard.
func TestUserOrderIsWhole(t *testing.T) {
	for _, k := range []Kind{Pending, Exposed, Seen, Succeeded, Failed, Conflict, NotApplicable, Stale, Dark} {
		if !slices.Contains(userOrder, k) {
			t.Errorf("%s has no place", k)
		}
	}
}

// TestPersonByFacts: by the facts of the devices; a phone that the policy never reaches says nothing, a failure of a device that
// has gone since still does.
func TestPersonByFacts(t *testing.T) {
	exposed := asOf.Add(-72 * time.Hour)
	with := func(status int, change func(*Facts)) Facts {
		f := healthy()
		if status >= 0 {
			f.Report = &Report{At: asOf.Add(-time.Hour), Status: status}
		}
		if change != nil {
			change(&f)
		}
		return f
	}
	phone := func(f *Facts) { f.OperatingSystem, f.OSVersion = "iOS", "17.5" }
	for name, c := range map[string]struct {
		devices []Facts
		want    Kind
	}{
		"laptop":                     {[]Facts{with(StatusSucceeded, nil)}, Succeeded},
		"two, one fails":             {[]Facts{with(StatusSucceeded, nil), with(StatusError, nil)}, Failed},
		"laptop silent, phone seen":  {[]Facts{with(-1, func(f *Facts) { f.LastSync = exposed.Add(-time.Hour) }), with(-1, phone)}, Dark},
		"only a phone":               {[]Facts{with(-1, phone)}, Stale},
		"failed and retired since":   {[]Facts{with(StatusSucceeded, nil), with(StatusError, func(f *Facts) { f.ManagementState = "retirePending" })}, Failed},
		"succeeded, other one wiped": {[]Facts{with(StatusSucceeded, nil), with(-1, func(f *Facts) { f.Managed = false })}, Succeeded},
		"nobody":                     {nil, Stale},
	} {
		if got := judged(exposed, c.devices); got.Kind != c.want {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
	if got := judged(time.Time{}, []Facts{with(StatusError, nil)}); got.Kind != Pending {
		t.Errorf("pending: %+v", got)
	}
}

// TestUserEligibility: one device that is fit is enough; else the reason is that of the one that is nearest to it.
func TestUserEligibility(t *testing.T) {
	fit := healthy()
	unmanaged, phone, old, plain := Facts{Name: "a"}, healthy(), healthy(), healthy()
	phone.OperatingSystem, phone.Name = "iOS", "phone"
	old.EdgeVersion, old.Name = "100", "old"
	plain.Encrypted, plain.Name = false, "plain"
	for name, c := range map[string]struct {
		devices []Facts
		want    string
	}{
		"none":               {nil, ReasonNoDevice},
		"fit":                {[]Facts{fit}, ""},
		"one of four is fit": {[]Facts{unmanaged, phone, old, fit}, ""},
		"unmanaged":          {[]Facts{unmanaged}, ReasonNotManaged},
		"phone and old Edge": {[]Facts{phone, old, unmanaged}, ReasonEdgeTooOld},
		"nearest is plain":   {[]Facts{plain, old}, ReasonNotEncrypted},
	} {
		for _, order := range [][]Facts{c.devices, backwards(c.devices)} {
			eligible, reason, detail := UserEligibility(order, rules())
			if eligible != (c.want == "") || reason != c.want || reason != "" && detail == "" {
				t.Errorf("%s: %t, %q, %q; want %q", name, eligible, reason, detail, c.want)
			}
		}
	}
	if reason, out := UserUnreachable([]Facts{phone, unmanaged}, rules()); !out || reason != ReasonPlatformNotSelected {
		t.Errorf("phone only: %q, %t", reason, out)
	}
	if reason, out := UserUnreachable([]Facts{phone, old}, rules()); out || reason != "" {
		t.Errorf("an old Edge can be reached: %q, %t", reason, out)
	}
	if reason, out := UserUnreachable(nil, rules()); !out || reason != ReasonNoDevice {
		t.Errorf("no device: %q, %t", reason, out)
	}
}

func backwards(devices []Facts) []Facts {
	out := slices.Clone(devices)
	slices.Reverse(out)
	return out
}
