// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"strings"
	"testing"
)

// TestTablesAnswerTheFirstQuestion reads the headers that kubectl get prints (design §6).
func TestTablesAnswerTheFirstQuestion(t *testing.T) {
	c := shared(t)
	ns := c.namespace(t)
	for kind := range smallest {
		c.create(t, edited(t, kind, ns, nil))
	}
	for _, test := range []struct{ resource, wide, want string }{
		{"tenants", "", "NAME READY DEVICES INVENTORY AGE REASON AGE"},
		{"passkeypolicies", "", "NAME READY MODE REVISION WAVES CURRENT REASON AGE"},
		{"pilotwaves", "", "NAME PHASE REVISION VERDICT PROGRESS FAILED BOUND FLOOR NEXT REASON AGE"},
		{"pilotwaves", "-owide", "NAME PHASE REVISION VERDICT PROGRESS FAILED BOUND FLOOR NEXT REASON AGE POLICY ATTEMPT MESSAGE"},
		{"waveledgers", "", "NAME WAVE ATTEMPT REVISION CHUNK AGE"},
	} {
		args := []string{"get", "-n", ns, test.resource}
		if test.wide != "" {
			args = append(args, test.wide)
		}
		header, _, _ := strings.Cut(c.kubectl(t, args...), "\n")
		if got := strings.Join(strings.Fields(header), " "); got != test.want {
			t.Errorf("kubectl get %s %s prints\n  %s\nwant\n  %s", test.resource, test.wide, got, test.want)
		}
	}
}

func TestShortNamesAndCategory(t *testing.T) {
	c := shared(t)
	ns := c.namespace(t)
	for kind := range smallest {
		c.create(t, edited(t, kind, ns, nil))
	}
	for name, want := range map[string]string{
		"ten":  "tenant.tidegate.dev/smallest",
		"pkp":  "passkeypolicy.tidegate.dev/smallest",
		"wave": "pilotwave.tidegate.dev/smallest",
		"wled": "waveledger.tidegate.dev/smallest",
	} {
		if got := strings.TrimSpace(c.kubectl(t, "get", "-n", ns, name, "-oname")); got != want {
			t.Errorf("kubectl get %s gives %q, want %q", name, got, want)
		}
	}
	got := strings.Fields(c.kubectl(t, "get", "-n", ns, "tidegate", "-oname"))
	if len(got) != len(smallest)-1 || strings.Contains(strings.Join(got, " "), "waveledger") {
		t.Errorf("kubectl get tidegate gives %q, want one object of each kind that people write", got)
	}
}

// TestExplainGivesUnitsAndDefaults wants kubectl explain to be enough to write a gate.
func TestExplainGivesUnitsAndDefaults(t *testing.T) {
	c := shared(t)
	for path, wants := range map[string][]string{
		"pilotwave.spec.gate": {
			"promote", "smoke", "Exactly one of promote and smoke", "Default 72h", "Default 48h", "Default 336h (14 days)", "Default 26h",
		},
		"pilotwave.spec.gate.promote":  {"-required-", "a decimal above 0 and below 1", `Default "0.95"`, "1 to 10, default 1"},
		"pilotwave.spec.gate.coverage": {"number of matured devices", "1 to 100", "Default 90"},
		"pilotwave.spec.gate.halt":     {"number of failed devices", `Default "0.05"`, "Default 3"},
		"pilotwave.spec.audience":      {"eligible devices", "0 to 100", "Default 20", "Absent: all"},
		"pilotwave.spec.exposure":      {"1 to 10000", "Default 25", "Default 8h", "twice batchSize"},
		"passkeypolicy.spec":           {"Default [Windows]", "Immutable", "at least 1m", "Default 30m"},
		"tenant.spec":                  {"a GUID", "Default Global", "Application permissions only"},
	} {
		// kubectl breaks lines at its own width.
		got := strings.Join(strings.Fields(c.kubectl(t, "explain", path)), " ")
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("kubectl explain %s does not say %q:\n%s", path, want, got)
			}
		}
	}
}
