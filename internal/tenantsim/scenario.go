// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"os"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// Outcome is what a rule does to a device that applies a policy.
type Outcome string

// The outcomes of a rule.
const (
	// OutcomeError reports status 5.
	OutcomeError Outcome = "error"
	// OutcomeConflict reports status 6 without another policy being involved.
	OutcomeConflict Outcome = "conflict"
	// OutcomePending lets the device check in but never report a result.
	OutcomePending Outcome = "pending"
	// OutcomeDark silences the device: it stops checking in altogether.
	OutcomeDark Outcome = "dark"
)

// Scenario says how the tenant and its devices behave. The zero value is a
// healthy tenant with the ordinary noise of a real fleet. Percentages are
// 0 to 100. Fields marked "start" shape the fleet and are read once.
type Scenario struct {
	// FailurePercent of devices report Error for any policy value they meet for
	// the first time; the same device fails on the same value again.
	FailurePercent float64 `json:"failurePercent,omitempty"`
	// Rules target failures; the first rule that matches a device decides.
	Rules []Rule `json:"rules,omitempty"`
	// ConflictingBaseline is a foreign policy that exists in the tenant.
	// Reappears when SetScenario names it again after an admin removed it.
	ConflictingBaseline *Baseline `json:"conflictingBaseline,omitempty"`
	// OfflinePercent of devices do not check in while this is set.
	OfflinePercent float64 `json:"offlinePercent,omitempty"`
	// StalePercent of devices made their last contact 8 to 40 days before the
	// start and never return. Start; default 4.
	StalePercent *float64 `json:"stalePercent,omitempty"`
	// NeverPercent of devices are enrolled but never checked in. Start; default 1.
	NeverPercent *float64 `json:"neverPercent,omitempty"`
	// UnenrolledPercent of devices are registered in Entra only and have no
	// managed device. Start; default 1.
	UnenrolledPercent *float64 `json:"unenrolledPercent,omitempty"`
	// MissingPrerequisitePercent of devices run an operating system or an Edge
	// that the passkey setting does not support. Start; default 3.
	MissingPrerequisitePercent *float64 `json:"missingPrerequisitePercent,omitempty"`
	// UnencryptedPercent of devices report isEncrypted false. Start; default 2.
	UnencryptedPercent *float64 `json:"unencryptedPercent,omitempty"`
	// PhonesPercent of devices are phones and tablets. Start; default 0.
	PhonesPercent float64 `json:"phonesPercent,omitempty"`
	// SecondUserPercent of the Windows devices are used by a second person, who
	// has results of her own in the reports. Start; default 0.
	SecondUserPercent float64 `json:"secondUserPercent,omitempty"`
	// Devices puts devices into special states, each otherwise fit and in
	// contact; the percentages above and below are about the others. Start.
	Devices []DeviceSpec `json:"devices,omitempty"`
	// OfficeHoursPercent of devices sleep at night and mostly at weekends; the
	// others are always on. Start; default 60.
	OfficeHoursPercent *float64 `json:"officeHoursPercent,omitempty"`
	// Churn lets devices join, leave and change all the time. Default:
	// DefaultChurn, and none in an ideal tenant.
	Churn *Churn `json:"churn,omitempty"`
	// CheckinInterval between scheduled contacts. Default 8h (contract b.3).
	CheckinInterval Duration `json:"checkinInterval,omitempty"`
	// PushPercent of online devices react within the hour when a policy, an
	// assignment or a membership that concerns them changes; the others need up
	// to four hours (domain 6.2). Default 90; 0 leaves scheduled contacts only.
	PushPercent *float64 `json:"pushPercent,omitempty"`
	// ReportLag delays a result between check-in and report. Default 5m to 45m.
	ReportLag *LagRange `json:"reportLag,omitempty"`
	// TattooPercent of devices keep a value after its policy is gone.
	TattooPercent float64 `json:"tattooPercent,omitempty"`
	// Outages take workloads down for a while.
	Outages []Outage `json:"outages,omitempty"`
	// ZeroReports makes every row of a status report say 0 (unknown).
	ZeroReports bool `json:"zeroReports,omitempty"`
	// EmptyReports makes status reports succeed without rows.
	EmptyReports bool `json:"emptyReports,omitempty"`
	// StaleReports freezes status reports as of this virtual time.
	StaleReports *time.Time `json:"staleReports,omitempty"`
	// ExportPolls is how many polls an export job needs. Default 1.
	ExportPolls *int `json:"exportPolls,omitempty"`
	// ExportWithoutURLPercent of jobs say completed with an empty url for two
	// polls before the link appears (contract b.4).
	ExportWithoutURLPercent float64 `json:"exportWithoutURLPercent,omitempty"`
	// ExportFailurePercent of jobs end as failed.
	ExportFailurePercent float64 `json:"exportFailurePercent,omitempty"`
	// TokenRefused makes the token endpoint refuse the application.
	TokenRefused bool `json:"tokenRefused,omitempty"`
	// FederationFailurePercent of the sign-ins with a federated token fail with
	// AADSTS70021, as they do for minutes after the credential was made
	// (contract l.3).
	FederationFailurePercent float64 `json:"federationFailurePercent,omitempty"`
	// RevokeTokens makes Graph refuse every token with 401.
	RevokeTokens bool `json:"revokeTokens,omitempty"`
	// MissingRoles are application permissions taken away from the grant.
	MissingRoles []string `json:"missingRoles,omitempty"`
	// Remediations decide how remediation scripts end; the first rule that hits
	// a device counts.
	Remediations []RemediationRule `json:"remediations,omitempty"`
	// Passkeys says who has which passkey.
	Passkeys *Passkeys `json:"passkeys,omitempty"`
	// SignIns shapes the sign-in log.
	SignIns *SignIns `json:"signIns,omitempty"`
	// Approvals names what Multi Admin Approval protects:
	// configurationPolicies, scripts. Default: nothing.
	Approvals []string `json:"approvals,omitempty"`
	// Throttle enforces the published limits. Default: a refusal now and then,
	// and none in an ideal tenant.
	Throttle *Throttle `json:"throttle,omitempty"`
	// Odd switches on answers against the documentation. Default: pages and
	// names, and none in an ideal tenant.
	Odd *Odd `json:"odd,omitempty"`
	// Licences that the tenant lacks. Default: it has all.
	Licences *Licences `json:"licences,omitempty"`
	// Lag makes reads and targeting trail behind writes. Default: OrdinaryLag,
	// and none in an ideal tenant.
	Lag *Lag `json:"lag,omitempty"`
	// CaseSensitiveSearch makes searches of the settings catalog compare letters
	// exactly, as OData says. Default: whatever their case, as tools seem to rely
	// on (ASSUMED; no source shows either, and no client may depend on one).
	CaseSensitiveSearch bool `json:"caseSensitiveSearch,omitempty"`
	// StrictAssignments refuses assignments to groups that do not exist. Default:
	// an id that is well formed is accepted and reaches nobody, as reports say of
	// the service (third-party 14).
	StrictAssignments bool `json:"strictAssignments,omitempty"`
	// Date makes the Date header of answers lie. Default: it shows the tenant's
	// own time, as every answer of a server does (RFC 9110, 6.6.1).
	Date *DateHeader `json:"date,omitempty"`
	// Groups replaces the default groups. Start. Two equal display names make
	// the name ambiguous, on purpose.
	Groups []GroupSpec `json:"groups,omitempty"`
}

// Rule makes a share of devices fail in a chosen way.
type Rule struct {
	// Name labels the rule and seeds the choice of devices.
	Name string `json:"name"`
	// Groups limits the rule to members, by display name or id. Empty: all.
	Groups []string `json:"groups,omitempty"`
	// DevicesPercent of the devices in reach are hit.
	DevicesPercent float64 `json:"devicesPercent"`
	Outcome        Outcome `json:"outcome"`
	// Definition limits the rule to policies that set a definition whose id
	// contains this text.
	Definition string `json:"definition,omitempty"`
	// Value limits it further to policies whose value for such a definition
	// ends in this text, such as "_1" or "_true".
	Value string `json:"value,omitempty"`
	// After delays the outcome: until so long after the device first applied
	// the policy, it behaves.
	After Duration `json:"after,omitempty"`
}

// Baseline is a policy of someone else that sets a definition to a value of
// its own for a share of another group's devices.
type Baseline struct {
	DisplayName string `json:"displayName"`
	// GroupDisplayName names the group whose devices are hit; the baseline is
	// assigned to a group of its own that holds that share of them.
	GroupDisplayName string  `json:"groupDisplayName"`
	DevicesPercent   float64 `json:"devicesPercent"`
	// Definition is the definition id. Default: the device-scoped Windows
	// passkey setting.
	Definition string `json:"definition,omitempty"`
	// Value is the option item id. Default: the disabling option.
	Value string `json:"value,omitempty"`
	// Kind is what the policy is: "settingsCatalog" (default), "securityBaseline"
	// (a settings catalog policy of the newest template that has the definition,
	// with all settings of the template), "intent" (a baseline of the first
	// generation) or "groupPolicy" (administrative templates). The last two need
	// a Windows policy of Edge.
	Kind string `json:"kind,omitempty"`
}

// Outage is a window in which requests are answered with Status.
type Outage struct {
	// From and To bound the window: an RFC 3339 time or a duration since the
	// tenant's start. To empty: until the scenario changes.
	From string `json:"from"`
	To   string `json:"to,omitempty"`
	// Status is the HTTP status, such as 503 or 429.
	Status int `json:"status"`
	// Scope is "reports" (exports and report actions) or "all". Default all.
	Scope string `json:"scope,omitempty"`
	// RetryAfter in seconds is sent as a header when positive.
	RetryAfter int `json:"retryAfter,omitempty"`
}

// GroupSpec is a group that exists when the tenant starts.
type GroupSpec struct {
	DisplayName string `json:"displayName"`
	// Count of members, or Percent of the pool; both zero: an empty group.
	Count   int     `json:"count,omitempty"`
	Percent float64 `json:"percent,omitempty"`
	// From is the pool: "windows", "macos", "ios", "android" or "all" (default): devices that are
	// in regular contact, disjoint between groups; "everything": every device
	// in the tenant, or a word of DeviceStates: the devices in that state, both
	// shared with other groups.
	From string `json:"from,omitempty"`
	// Unit is "device" (default), "user" (the primary users of the devices) or
	// "mixed" (devices and primary users in turns).
	Unit string `json:"unit,omitempty"`
	// Kind is "security" (default), "unified", "hidden" (unified with hidden
	// membership), "mail" (mail-enabled security), "synced" (from on-premises) or
	// "roleAssignable".
	Kind string `json:"kind,omitempty"`
	// Rule makes the group dynamic: its members are those that the membership
	// rule holds for, from the start.
	Rule string `json:"rule,omitempty"`
	// Groups are nested in it, by the display names of other entries.
	Groups []string `json:"groups,omitempty"`
}

// ParseScenario reads YAML or JSON strictly and validates it.
func ParseScenario(raw []byte) (Scenario, error) {
	var sc Scenario
	if err := yaml.UnmarshalStrict(raw, &sc); err != nil {
		return sc, fmt.Errorf("scenario: %w", err)
	}
	return sc, sc.Validate()
}

// LoadScenario returns the built-in scenario of that name, or else reads the
// file of that name.
func LoadScenario(nameOrFile string) (Scenario, error) {
	if sc, ok := BuiltinScenario(nameOrFile); ok {
		return sc, nil
	}
	raw, err := os.ReadFile(nameOrFile) // #nosec G304 -- the person who starts the simulator names the file
	if err != nil {
		return Scenario{}, fmt.Errorf("scenario %q is neither built in (%s) nor a readable file: %w",
			nameOrFile, strings.Join(BuiltinScenarios(), ", "), err)
	}
	return ParseScenario(raw)
}

// BuiltinScenarios lists the names that BuiltinScenario knows.
func BuiltinScenarios() []string {
	return []string{"healthy", "baseline-conflict", "bad-policy", "telemetry-outage"}
}

// BuiltinScenario returns a named scenario.
func BuiltinScenario(name string) (Scenario, bool) {
	switch name {
	case "", "healthy":
		return Scenario{}, true
	case "baseline-conflict":
		return Scenario{ConflictingBaseline: &Baseline{
			DisplayName: "Contoso Edge Security Baseline", GroupDisplayName: "Tidegate Early", DevicesPercent: 12,
		}}, true
	case "bad-policy":
		return Scenario{Rules: []Rule{
			{Name: "allow breaks Edge on Windows and macOS", DevicesPercent: 30, Outcome: OutcomeError, Definition: "passkeysenabled", Value: "_1"},
			{Name: "allow breaks Edge on Windows and macOS", DevicesPercent: 30, Outcome: OutcomeError, Definition: "passkeysenabled", Value: "_true"},
		}}, true
	case "telemetry-outage":
		return Scenario{Outages: []Outage{{From: "24h", To: "72h", Status: 503, Scope: "reports"}}}, true
	default:
		return Scenario{}, false
	}
}

// moment reads an RFC 3339 time or a duration since start.
func moment(s string, start time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil {
		return start.Add(d), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q: write an RFC 3339 time or a duration since the start such as \"24h\"", s)
	}
	return t, nil
}

// outageAt returns the outage that covers the moment, or nil.
func (sc *Scenario) outageAt(now, start time.Time, reports bool) *Outage {
	for i := range sc.Outages {
		o := &sc.Outages[i]
		from, err := moment(o.From, start)
		if err != nil || now.Before(from) || o.Scope == "reports" && !reports {
			continue
		}
		if to, err := moment(o.To, start); o.To == "" || err == nil && now.Before(to) {
			return o
		}
	}
	return nil
}

func orDefault(p *float64, def float64) float64 {
	if p == nil {
		return def
	}
	return *p
}

func (sc *Scenario) interval() int64 {
	if sc.CheckinInterval == 0 {
		return 8 * 3600
	}
	return int64(time.Duration(sc.CheckinInterval) / time.Second)
}

// lag maps a draw in [0,1) to a report delay in seconds.
func (sc *Scenario) lag(u float64) int64 {
	lo, hi := 5*time.Minute, 45*time.Minute
	if sc.ReportLag != nil {
		lo, hi = time.Duration(sc.ReportLag.Min), time.Duration(sc.ReportLag.Max)
	}
	return int64((lo + time.Duration(u*float64(hi-lo))) / time.Second)
}

// groupSpecs returns the groups of a new tenant.
func (sc *Scenario) groupSpecs() []GroupSpec {
	if sc.Groups != nil {
		return sc.Groups
	}
	return []GroupSpec{
		{DisplayName: "Tidegate Canary", Count: 10, From: "windows"},
		{DisplayName: "Tidegate Pilot", Count: 100, From: "windows"},
		{DisplayName: "Tidegate Early", Count: 400, From: "windows"},
		{DisplayName: "All Corporate Devices", From: "everything", Percent: 100},
	}
}
