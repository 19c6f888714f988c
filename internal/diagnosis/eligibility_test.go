// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

const day = 24 * time.Hour

var asOf = time.Date(2026, 10, 12, 9, 0, 0, 0, time.UTC)

func rules() Rules {
	return Rules{
		Windows: "10.0.22621", MacOS: "13", Edge: "145",
		Encryption: v1alpha1.EncryptionRequire,
		MaxOffline: 7 * day,
		Maturity:   48 * time.Hour,
		Skew:       DefaultSkew,
		Platforms:  []v1alpha1.Platform{v1alpha1.PlatformWindows, v1alpha1.PlatformMacOS},
		AsOf:       asOf,
	}
}

// healthy meets every prerequisite and checked in an hour ago.
func healthy() Facts {
	return Facts{
		Name: "PC-001", Managed: true, ManagementAgent: "mdm", ManagementState: "managed", Account: AccountEnabled,
		OperatingSystem: "Windows", OSVersion: "10.0.22631.4169", EdgeVersion: "145.0.3800.58",
		Encrypted: true, EncryptionKnown: true,
		LastSync: asOf.Add(-time.Hour),
	}
}

func TestInventoryVersion(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.22631.4169": "10.0.22631.4169", "13.4.1 (22F82)": "13.4.1", " 14.8 ": "14.8", "13": "13", "0.1": "0.1",
		"": "", "Unknown": "", "10.x": "", "120-beta": "", "1..2": "", "-1": "", "+1": "", ".": "", "0": "", "0.0.0.0": "",
		"1.2.3.4.5.6.7.8.9": "", "99999999999999999999999": "",
	} {
		got, ok := InventoryVersion(in)
		if ok != (want != "") || got.String() != want {
			t.Errorf("InventoryVersion(%q) = %v, %t; want %q", in, got, ok, want)
		}
	}
}

func FuzzInventoryVersion(f *testing.F) {
	f.Add("10.0.22631.4169")
	f.Add("13.4.1 (22F82)")
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := InventoryVersion(s)
		if ok == (v == nil) {
			t.Errorf("InventoryVersion(%q) = %v, %t", s, v, ok)
		}
		if ok && !strings.ContainsAny(s, "123456789") {
			t.Errorf("InventoryVersion(%q) found a version", s)
		}
	})
}

func TestEligibility(t *testing.T) {
	for name, c := range map[string]struct {
		facts  func(*Facts)
		rules  func(*Rules)
		reason string // of an ineligible device
		says   string
	}{
		"healthy":                      {},
		"no record":                    {facts: func(f *Facts) { f.Managed = false }, reason: ReasonNotManaged, says: "no record"},
		"co-managed":                   {facts: func(f *Facts) { f.ManagementAgent = "configurationManagerClientMdm" }},
		"only Configuration Manager":   {facts: func(f *Facts) { f.ManagementAgent = "configurationManagerClient" }, reason: ReasonNotManaged, says: "configurationManagerClient"},
		"jamf":                         {facts: func(f *Facts) { f.ManagementAgent = "jamf" }, reason: ReasonNotManaged},
		"agent unknown":                {facts: func(f *Facts) { f.ManagementAgent = "unknown" }, reason: ReasonManagementUnknown},
		"agent empty":                  {facts: func(f *Facts) { f.ManagementAgent = "" }, reason: ReasonManagementUnknown},
		"agent of the future":          {facts: func(f *Facts) { f.ManagementAgent = "quantumMdm" }, reason: ReasonManagementUnknown, says: "quantumMdm"},
		"retire ordered":               {facts: func(f *Facts) { f.ManagementState = "retirePending" }, reason: ReasonLeaving, says: "told to retire"},
		"wipe on its way":              {facts: func(f *Facts) { f.ManagementState = "wipeIssued" }, reason: ReasonLeaving, says: "told to wipe"},
		"to be deleted":                {facts: func(f *Facts) { f.ManagementState = "deletePending" }, reason: ReasonLeaving, says: "told to delete"},
		"retire failed":                {facts: func(f *Facts) { f.ManagementState = "retireFailed" }},
		"wipe cancelled":               {facts: func(f *Facts) { f.ManagementState = "wipeCanceled" }},
		"unhealthy":                    {facts: func(f *Facts) { f.ManagementState = "unhealthy" }, reason: ReasonUnhealthy},
		"only discovered":              {facts: func(f *Facts) { f.ManagementState = "discovered" }, reason: ReasonNotManaged, says: "only discovered"},
		"state of the future":          {facts: func(f *Facts) { f.ManagementState = "unknownFutureValue" }, reason: ReasonUnknownManagementState, says: "unknownFutureValue"},
		"state empty":                  {facts: func(f *Facts) { f.ManagementState = "" }, reason: ReasonUnknownManagementState},
		"workload elsewhere":           {facts: func(f *Facts) { f.ConfiguredElsewhere = true }, reason: ReasonConfiguredElsewhere},
		"disabled":                     {facts: func(f *Facts) { f.Account = AccountDisabled }, reason: ReasonDisabled},
		"account not said":             {facts: func(f *Facts) { f.Account = AccountUnknown }, reason: ReasonAccountUnknown},
		"leaving comes before silent":  {facts: func(f *Facts) { f.ManagementState, f.LastSync = "retirePending", asOf.Add(-40*day) }, reason: ReasonLeaving},
		"macOS":                        {facts: func(f *Facts) { f.OperatingSystem, f.OSVersion = "macOS", "13.4.1 (22F82)" }},
		"iPad":                         {facts: func(f *Facts) { f.OperatingSystem, f.OSVersion = "iPadOS", "17.5" }, reason: ReasonPlatformNotSelected, says: "iPadOS"},
		"Windows only, on macOS":       {facts: func(f *Facts) { f.OperatingSystem, f.OSVersion = "macOS", "14.8" }, rules: func(r *Rules) { r.Platforms = r.Platforms[:1] }, reason: ReasonPlatformNotSelected, says: "delivered to Windows"},
		"Windows Phone":                {facts: func(f *Facts) { f.OperatingSystem = "Windows Phone" }, reason: ReasonPlatformNotSelected},
		"operating system empty":       {facts: func(f *Facts) { f.OperatingSystem = "" }, reason: ReasonOSUnknown},
		"upper-case name":              {facts: func(f *Facts) { f.OperatingSystem = "WINDOWS" }},
		"Windows 10 22H2":              {facts: func(f *Facts) { f.OSVersion = "10.0.19045.4046" }, reason: ReasonOSTooOld, says: "required 10.0.22621"},
		"Windows 11 21H2":              {facts: func(f *Facts) { f.OSVersion = "10.0.22000.1" }, reason: ReasonOSTooOld},
		"Windows 11 22H2":              {facts: func(f *Facts) { f.OSVersion = "10.0.22621" }},
		"build compared as number":     {facts: func(f *Facts) { f.OSVersion = "10.0.100000" }},
		"macOS 12":                     {facts: func(f *Facts) { f.OperatingSystem, f.OSVersion = "macOS", "12.7.6 (21H1320)" }, reason: ReasonOSTooOld},
		"version empty":                {facts: func(f *Facts) { f.OSVersion = "" }, reason: ReasonOSUnknown},
		"version of zeros":             {facts: func(f *Facts) { f.OSVersion = "0.0.0.0" }, reason: ReasonOSUnknown},
		"Edge too old":                 {facts: func(f *Facts) { f.EdgeVersion = "144.9.9.9" }, reason: ReasonEdgeTooOld, says: "Microsoft Edge is 144.9.9.9, required 145"},
		"Edge compared as number":      {facts: func(f *Facts) { f.EdgeVersion = "99.0" }, reason: ReasonEdgeTooOld},
		"Edge not in the inventory":    {facts: func(f *Facts) { f.EdgeVersion = "" }, reason: ReasonEdgeUnknown},
		"Edge garbage":                 {facts: func(f *Facts) { f.EdgeVersion = "stable" }, reason: ReasonEdgeUnknown, says: `"stable"`},
		"rule is no version":           {rules: func(r *Rules) { r.Edge = "newest" }, reason: ReasonEdgeUnknown, says: `"newest"`},
		"rule of zero":                 {rules: func(r *Rules) { r.Edge = "0" }},
		"not encrypted":                {facts: func(f *Facts) { f.Encrypted = false }, reason: ReasonNotEncrypted},
		"encryption unknown":           {facts: func(f *Facts) { f.Encrypted, f.EncryptionKnown = false, false }, reason: ReasonEncryptionUnknown},
		"encrypted by a guess":         {facts: func(f *Facts) { f.EncryptionKnown = false }, reason: ReasonEncryptionUnknown},
		"not encrypted, ignored":       {facts: func(f *Facts) { f.Encrypted = false }, rules: func(r *Rules) { r.Encryption = v1alpha1.EncryptionIgnore }},
		"rule not set requires":        {facts: func(f *Facts) { f.Encrypted = false }, rules: func(r *Rules) { r.Encryption = "" }, reason: ReasonNotEncrypted},
		"never synced":                 {facts: func(f *Facts) { f.LastSync = time.Time{} }, reason: ReasonNeverSynced},
		"inventory never read":         {rules: func(r *Rules) { r.AsOf = time.Time{} }, reason: ReasonNeverSynced},
		"offline for exactly 7 days":   {facts: func(f *Facts) { f.LastSync = asOf.Add(-7 * day) }},
		"offline for longer":           {facts: func(f *Facts) { f.LastSync = asOf.Add(-7*day - time.Second) }, reason: ReasonOffline, says: "within 168h"},
		"sync during the reading":      {facts: func(f *Facts) { f.LastSync = asOf.Add(time.Minute) }},
		"offline comes before old":     {facts: func(f *Facts) { f.LastSync, f.OSVersion = asOf.Add(-9*day), "10.0.19045" }, reason: ReasonOffline},
		"no record comes first":        {facts: func(f *Facts) { *f = Facts{} }, reason: ReasonNotManaged},
		"platform comes before silent": {facts: func(f *Facts) { f.OperatingSystem, f.LastSync = "Linux (ubuntu)", asOf.Add(-40*day) }, reason: ReasonPlatformNotSelected},
	} {
		f, r := healthy(), rules()
		if c.facts != nil {
			c.facts(&f)
		}
		if c.rules != nil {
			c.rules(&r)
		}
		eligible, reason, detail := Eligibility(f, r)
		if eligible != (c.reason == "") || reason != c.reason || !strings.Contains(detail, c.says) || (reason != "" && detail == "") {
			t.Errorf("%s: %t, %q, %q; want %q with %q", name, eligible, reason, detail, c.reason, c.says)
		}
		if reason != "" && Runbook(reason) == "" {
			t.Errorf("%s: reason %s has no runbook", name, reason)
		}
	}
}

// TestUnreachable: out of reach are those that no policy object gets to; a prerequisite, silence or a gap in the facts is none
// of it, and who is out of reach is never eligible.
func TestUnreachable(t *testing.T) {
	for name, c := range map[string]struct {
		facts func(*Facts)
		want  string
	}{
		"healthy":          {facts: func(*Facts) {}},
		"no record":        {func(f *Facts) { f.Managed = false }, ReasonNotManaged},
		"leaving":          {func(f *Facts) { f.ManagementState = "wipePending" }, ReasonLeaving},
		"unhealthy":        {func(f *Facts) { f.ManagementState = "unhealthy" }, ReasonUnhealthy},
		"disabled":         {func(f *Facts) { f.Account = AccountDisabled }, ReasonDisabled},
		"elsewhere":        {func(f *Facts) { f.ConfiguredElsewhere = true }, ReasonConfiguredElsewhere},
		"other platform":   {func(f *Facts) { f.OperatingSystem = "iPadOS" }, ReasonPlatformNotSelected},
		"unknown state":    {facts: func(f *Facts) { f.ManagementState = "?" }},
		"unknown agent":    {facts: func(f *Facts) { f.ManagementAgent = "" }},
		"unknown account":  {facts: func(f *Facts) { f.Account = AccountUnknown }},
		"unknown platform": {facts: func(f *Facts) { f.OperatingSystem = "" }},
		"old Edge":         {facts: func(f *Facts) { f.EdgeVersion = "100" }},
		"old system":       {facts: func(f *Facts) { f.OSVersion = "10.0.1" }},
		"off line":         {facts: func(f *Facts) { f.LastSync = asOf.Add(-90 * day) }},
		"plain":            {facts: func(f *Facts) { f.Encrypted = false }},
	} {
		f := healthy()
		c.facts(&f)
		reason, out := Unreachable(f, rules())
		if out != (c.want != "") || reason != c.want {
			t.Errorf("%s: %q, %t; want %q", name, reason, out, c.want)
		}
		if eligible, _, _ := Eligibility(f, rules()); out && eligible {
			t.Errorf("%s: out of reach and eligible", name)
		}
	}
}

func TestEncryptionWarnCountsWithoutExcluding(t *testing.T) {
	r := rules()
	r.Encryption = v1alpha1.EncryptionWarn
	f := healthy()
	f.Encrypted = false
	if eligible, reason, _ := Eligibility(f, r); !eligible || reason != ReasonNotEncrypted {
		t.Errorf("not encrypted under Warn: %t, %q; want eligible with the reason", eligible, reason)
	}
	f.EncryptionKnown = false
	if eligible, reason, _ := Eligibility(f, r); !eligible || reason != ReasonEncryptionUnknown {
		t.Errorf("encryption unknown under Warn: %t, %q; want eligible with the reason", eligible, reason)
	}
	f.EdgeVersion = ""
	if eligible, reason, _ := Eligibility(f, r); eligible || reason != ReasonEdgeUnknown {
		t.Errorf("Warn hides another prerequisite: %t, %q", eligible, reason)
	}
}

// Each fact that is missing keeps the device out, whatever the others are.
func TestPromise04_UnknownIsNeverEligible(t *testing.T) {
	for name, forget := range map[string]func(*Facts){
		"managed":          func(f *Facts) { f.Managed = false },
		"management agent": func(f *Facts) { f.ManagementAgent = "" },
		"management state": func(f *Facts) { f.ManagementState = "" },
		"account":          func(f *Facts) { f.Account = AccountUnknown },
		"operating system": func(f *Facts) { f.OperatingSystem = "" },
		"version":          func(f *Facts) { f.OSVersion = "" },
		"Edge":             func(f *Facts) { f.EdgeVersion = "" },
		"encryption":       func(f *Facts) { f.EncryptionKnown = false },
		"last sync":        func(f *Facts) { f.LastSync = time.Time{} },
	} {
		f := healthy()
		forget(&f)
		if eligible, _, _ := Eligibility(f, rules()); eligible {
			t.Errorf("eligible although %s is not known", name)
		}
	}
}
