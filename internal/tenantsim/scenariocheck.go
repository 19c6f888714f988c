// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Validate refuses values that cannot be meant. Errors name field and remedy.
func (sc *Scenario) Validate() error {
	percents := sc.percents()
	for _, name := range sortedKeys(percents) {
		if v := percents[name]; v != nil && (math.IsNaN(*v) || *v < 0 || *v > 100) {
			return fmt.Errorf("scenario: %s is %v: write a percentage between 0 and 100", name, *v)
		}
	}
	if b := sc.ConflictingBaseline; b != nil && (b.DisplayName == "" || b.GroupDisplayName == "") {
		return fmt.Errorf("scenario: conflictingBaseline needs displayName and groupDisplayName")
	}
	if b := sc.ConflictingBaseline; b != nil && !slices.Contains(baselineKinds, b.Kind) {
		return fmt.Errorf("scenario: conflictingBaseline.kind %q: write settingsCatalog, securityBaseline, intent or groupPolicy", b.Kind)
	}
	if err := sc.Churn.validate(); err != nil {
		return err
	}
	if err := sc.validateLists(); err != nil {
		return err
	}
	return sc.validateTimes()
}

// percents names every percentage of the scenario; absent ones are nil.
func (sc *Scenario) percents() map[string]*float64 {
	out := map[string]*float64{
		"failurePercent": &sc.FailurePercent, "offlinePercent": &sc.OfflinePercent, "tattooPercent": &sc.TattooPercent,
		"exportWithoutURLPercent": &sc.ExportWithoutURLPercent, "exportFailurePercent": &sc.ExportFailurePercent,
		"federationFailurePercent": &sc.FederationFailurePercent,
		"stalePercent":             sc.StalePercent, "neverPercent": sc.NeverPercent, "unenrolledPercent": sc.UnenrolledPercent,
		"missingPrerequisitePercent": sc.MissingPrerequisitePercent, "unencryptedPercent": sc.UnencryptedPercent,
		"phonesPercent": &sc.PhonesPercent, "secondUserPercent": &sc.SecondUserPercent,
		"officeHoursPercent": sc.OfficeHoursPercent, "pushPercent": sc.PushPercent,
	}
	sc.Churn.percents(out)
	if t := sc.Throttle; t != nil {
		out["throttle.nowAndThenPercent"] = &t.NowAndThenPercent
	}
	if b := sc.ConflictingBaseline; b != nil {
		out["conflictingBaseline.devicesPercent"] = &b.DevicesPercent
	}
	if l := sc.SignIns; l != nil {
		out["signIns.failurePercent"] = l.FailurePercent
	}
	if p := sc.Passkeys; p != nil {
		out["passkeys.syncedPercent"], out["passkeys.deviceBoundPercent"], out["passkeys.noMethodPercent"] = p.SyncedPercent, p.DeviceBoundPercent, p.NoMethodPercent
	}
	for i := range sc.Rules {
		out[fmt.Sprintf("rules[%d].devicesPercent", i)] = &sc.Rules[i].DevicesPercent
	}
	for i := range sc.Remediations {
		out[fmt.Sprintf("remediations[%d].devicesPercent", i)] = &sc.Remediations[i].DevicesPercent
	}
	for i := range sc.Devices {
		out[fmt.Sprintf("devices[%d].percent", i)] = &sc.Devices[i].Percent
	}
	for i := range sc.Groups {
		out[fmt.Sprintf("groups[%d].percent", i)] = &sc.Groups[i].Percent
	}
	return out
}

func (sc *Scenario) validateLists() error {
	for i, kind := range sc.Approvals {
		if !slices.Contains(approvalKinds, kind) {
			return fmt.Errorf("scenario: approvals[%d] %q: write one of %v", i, kind, approvalKinds)
		}
	}
	for i, r := range sc.Rules {
		if !slices.Contains([]Outcome{OutcomeError, OutcomeConflict, OutcomePending, OutcomeDark}, r.Outcome) {
			return fmt.Errorf("scenario: rules[%d].outcome %q: write error, conflict, pending or dark", i, r.Outcome)
		}
	}
	for i, r := range sc.Remediations {
		if err := r.validate(); err != nil {
			return fmt.Errorf("scenario: remediations[%d].%w", i, err)
		}
	}
	for i, d := range sc.Devices {
		if err := d.validate(); err != nil {
			return fmt.Errorf("scenario: devices[%d]: %w", i, err)
		}
	}
	for i, g := range sc.Groups {
		if err := g.validate(); err != nil {
			return fmt.Errorf("scenario: groups[%d]: %w", i, err)
		}
		for _, name := range g.Groups {
			if !slices.ContainsFunc(sc.Groups, func(o GroupSpec) bool { return o.DisplayName == name }) {
				return fmt.Errorf("scenario: groups[%d].groups names %q: write the displayName of another entry", i, name)
			}
		}
	}
	return nil
}

func (sc *Scenario) validateTimes() error {
	if d := time.Duration(sc.CheckinInterval); d != 0 && d < time.Minute {
		return fmt.Errorf("scenario: checkinInterval %s: write at least 1m", d)
	}
	if l := sc.ReportLag; l != nil && l.Max < l.Min {
		return fmt.Errorf("scenario: reportLag.max %s is smaller than min %s", time.Duration(l.Max), time.Duration(l.Min))
	}
	if sc.ExportPolls != nil && *sc.ExportPolls < 0 {
		return fmt.Errorf("scenario: exportPolls is %d: write 0 or more", *sc.ExportPolls)
	}
	for i, o := range sc.Outages {
		if err := o.validate(); err != nil {
			return fmt.Errorf("scenario: outages[%d].%w", i, err)
		}
	}
	lag := sc.Lag.Validate()
	if lag != nil {
		lag = fmt.Errorf("scenario: %w", lag)
	}
	if err := errors.Join(lag, sc.Odd.validate(), sc.Date.validate()); err != nil {
		return err
	}
	return sc.Throttle.validate()
}

func (o Outage) validate() error {
	if o.Status < 400 || o.Status > 599 {
		return fmt.Errorf("status is %d: write an HTTP error status such as 503", o.Status)
	}
	if o.Scope != "" && o.Scope != "all" && o.Scope != "reports" {
		return fmt.Errorf("scope %q: write all or reports", o.Scope)
	}
	if _, err := moment(o.From, time.Time{}); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	if _, err := moment(o.To, time.Time{}); o.To != "" && err != nil {
		return fmt.Errorf("to: %w", err)
	}
	return nil
}

func (g GroupSpec) validate() error {
	switch {
	case g.DisplayName == "":
		return fmt.Errorf("displayName is missing")
	case g.Count < 0:
		return fmt.Errorf("count is %d: write 0 or more", g.Count)
	case g.Count > 0 && g.Percent > 0:
		return fmt.Errorf("count and percent exclude each other")
	case !slices.Contains([]string{"", "all", "windows", "macos", "ios", "android", "everything"}, g.From) && stateIndex(g.From) == 0:
		return fmt.Errorf("from %q: write windows, macos, ios, android, all, everything or a state of devices such as %s", g.From, deviceStates[1].name)
	case !slices.Contains([]string{"", "device", "user", "mixed"}, g.Unit):
		return fmt.Errorf("unit %q: write device, user or mixed", g.Unit)
	default:
		return g.validateKind()
	}
}
