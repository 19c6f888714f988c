// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"iter"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// SignIns shapes the sign-in log.
type SignIns struct {
	// FailurePercent of passkey sign-ins fail. Default 1.
	FailurePercent *float64 `json:"failurePercent,omitempty"`
	// DetailLag is how long after a sign-in its authenticationDetails stay
	// incomplete. Default 2h (contract j).
	DetailLag *Duration `json:"detailLag,omitempty"`
}

// keptSignIns is the retention with Entra P1 (contract j).
const keptSignIns = 30

// signIn is one interactive sign-in. Each user makes one on each work day; the
// whole log is computed, not stored.
type signIn struct {
	user   userView
	day    int64 // Unix day
	shows  time.Time
	access bool // the caller may see conditional access
}

// at spreads the users over the working day in the order of their index, which
// makes the newest sign-in the one with the highest index.
func (e signIn) at() time.Time {
	slot := float64(e.user.i) / float64(len(e.user.s.users))
	return time.Unix(e.day*86400+6*3600+int64(slot*12*3600), 0).UTC()
}

func (e signIn) key(label string) string {
	return ids.NewGUID(e.user.s.options.Seed^ids.HashText(label), "signIn", uint64(e.day)<<32|uint64(e.user.i)).String()
}

// method is the display text of the method used (contract j: not an enum).
func (e signIn) method() string {
	switch s := e.user.s; {
	case s.hasSynced(e.user.i):
		return "Passkey (synced)"
	case s.hasDeviceBound(e.user.i):
		return "Passkey (device-bound)"
	case e.user.passwordless():
		return "Windows Hello for Business"
	default:
		return "Password"
	}
}

func (e signIn) passkey() bool { return e.method()[:4] == "Pass" && e.method() != "Password" }

func (e signIn) failed() bool {
	rate := 1.0
	if sc := e.user.s.scenario.SignIns; sc != nil {
		rate = orDefault(sc.FailurePercent, rate)
	}
	return e.passkey() && ids.Uniform(ids.Mix(ids.HashText(e.key("outcome"))))*100 < rate
}

// complete tells whether the details have arrived.
func (e signIn) complete() bool {
	lag := 2 * time.Hour
	if sc := e.user.s.scenario.SignIns; sc != nil && sc.DetailLag != nil {
		lag = time.Duration(*sc.DetailLag)
	}
	return !e.shows.Before(e.at().Add(lag))
}

// canSignIn tells whether somebody can have signed in on the device at a moment, as
// the other members of it say: after it was registered, and not later than the last
// sign-in that the directory shows when it was disabled or lost contact.
func (d *device) canSignIn(at int64) bool {
	switch {
	case !inDirectory(d) || at < d.enrolled:
		return false
	case d.traits&traitDisabled != 0 && at >= d.disabled:
		return false
	}
	return inContact(d) || at <= d.lastSync
}

// from is the device that the user signs in on: the first one, or one of them by
// the day when some are phones.
func (e signIn) from() (deviceView, bool) {
	s := e.user.s
	var own []int32
	phones := false
	for _, i := range s.users[e.user.i].devices {
		if d := &s.fleet.devices[i]; d.canSignIn(e.at().Unix()) {
			own = append(own, i)
			phones = phones || d.platform.phone()
		}
	}
	switch {
	case len(own) == 0:
		return deviceView{}, false
	case phones:
		return s.device(own[int(ids.Uniform(ids.Mix(ids.HashText(e.key("device"))))*float64(len(own)))]), true
	}
	return s.device(own[0]), true
}

// byApp tells whether the sign-in comes from an application instead of a browser:
// on a phone half of the time (ASSUMED).
func (e signIn) byApp() bool {
	v, ok := e.from()
	return ok && v.d.platform.phone() && ids.Uniform(ids.Mix(ids.HashText(e.key("client")))) < 0.5
}

func (e signIn) clientApp() string {
	if e.byApp() {
		return "Mobile Apps and Desktop clients"
	}
	return "Browser"
}

// system is the operating system in the words of the log; those of phones are
// ASSUMED.
func (e signIn) system(v deviceView) string {
	switch v.d.platform {
	case platformMacOS:
		return "MacOs"
	case platformIOS:
		return "Ios " + v.d.release().version
	case platformAndroid:
		return "Android " + v.d.release().version
	}
	return "Windows10"
}

// browser is empty for an application. The words of phones are ASSUMED.
func (e signIn) browser(v deviceView) string {
	switch {
	case e.byApp():
		return ""
	case v.d.platform == platformIOS:
		return "Mobile Safari " + v.d.release().version
	case v.d.platform == platformAndroid:
		return "Chrome Mobile 137.0.0"
	}
	return "Edge 148.0.0"
}

func (e signIn) device() object {
	out := object{"deviceId": "", "displayName": "", "operatingSystem": "Windows10", "browser": "Edge 148.0.0", "isCompliant": false, "isManaged": false, "trustType": ""}
	if v, ok := e.from(); ok {
		out["operatingSystem"], out["browser"] = e.system(v), e.browser(v)
		out["deviceId"], out["displayName"], out["isManaged"] = v.d.deviceID.String(), v.name(), isEnrolled(v.d)
		out["isCompliant"] = isEnrolled(v.d) && v.complianceState() == "compliant"
		out["trustType"] = map[string]string{"AzureAd": "Azure AD joined", "Workplace": "Azure AD registered", "ServerAd": "Hybrid Azure AD joined"}[v.trustType()]
	}
	return out
}

func (e signIn) details() []object {
	if !e.complete() { // contract j: the primary row is missing at first
		return []object{}
	}
	return []object{{"authenticationStepDateTime": entraTime(e.at()), "authenticationMethod": e.method(), "authenticationMethodDetail": "",
		"succeeded": !e.failed(), "authenticationStepResultDetail": "", "authenticationStepRequirement": "Primary authentication"}}
}

// appliedAccess is empty without a permission for policies: silently
// (contract j).
func (e signIn) appliedAccess() []object {
	out := []object{}
	if !e.access {
		return out
	}
	for _, p := range e.user.s.access.All() {
		result := map[any]string{"enabled": "success", "enabledForReportingButNotEnforced": "reportOnlySuccess", "disabled": "notEnabled"}[p.doc["state"]]
		out = append(out, object{"id": p.ID, "displayName": p.doc["displayName"], "enforcedGrantControls": []string{}, "enforcedSessionControls": []string{}, "result": result})
	}
	return out
}

var signInEntity = &entity.Type[signIn]{Name: "microsoft.graph.signIn", Properties: []entity.Property[signIn]{
	{Name: "id", Ops: odata.Eq, Get: func(e signIn) any { return e.key("id") }},
	{Name: "createdDateTime", Sort: true, Ops: odata.OpsOrder, Get: func(e signIn) any { return entraTime(e.at()) }},
	{Name: "userDisplayName", Ops: odata.Eq | odata.StartsWith, Get: func(e signIn) any { return e.user.s.displayName(e.user.i) }},
	{Name: "userPrincipalName", Ops: odata.Eq | odata.StartsWith, Get: func(e signIn) any {
		if e.passkey() && ids.Uniform(ids.Mix(ids.HashText(e.key("upn")))) < 0.1 {
			return e.user.s.users[e.user.i].id.String() // contract j: passwordless may show the id
		}
		return e.user.s.userPrincipalName(e.user.i)
	}},
	{Name: "userId", Ops: odata.Eq, Get: func(e signIn) any { return e.user.s.users[e.user.i].id.String() }},
	{Name: "appId", Ops: odata.Eq, Get: func(signIn) any { return "00000002-0000-0ff1-ce00-000000000000" }},
	{Name: "appDisplayName", Ops: odata.Eq | odata.StartsWith, Get: func(signIn) any { return "Office 365 Exchange Online" }},
	{Name: "ipAddress", Ops: odata.Eq | odata.StartsWith, Get: func(e signIn) any { return fmt.Sprintf("192.0.2.%d", e.user.i%254+1) }},
	{Name: "clientAppUsed", Ops: odata.Eq, Get: func(e signIn) any { return e.clientApp() }},
	{Name: "correlationId", Ops: odata.Eq, Get: func(e signIn) any { return e.key("correlation") }},
	{Name: "conditionalAccessStatus", Ops: odata.Eq, Get: func(e signIn) any {
		if len(e.user.s.access.All()) == 0 {
			return "notApplied"
		}
		return "success"
	}},
	{Name: "isInteractive", Ops: odata.Eq, Get: func(signIn) any { return true }},
	{Name: "riskDetail", Get: func(signIn) any { return "none" }},
	{Name: "riskLevelAggregated", Ops: odata.Eq, Get: func(signIn) any { return "none" }},
	{Name: "riskLevelDuringSignIn", Ops: odata.Eq, Get: func(signIn) any { return "none" }},
	{Name: "riskState", Ops: odata.Eq, Get: func(signIn) any { return "none" }},
	{Name: "riskEventTypes_v2", Get: func(signIn) any { return []string{} }},
	{Name: "resourceDisplayName", Get: func(signIn) any { return "Office 365 Exchange Online" }},
	{Name: "resourceId", Ops: odata.Eq, Get: func(signIn) any { return "00000002-0000-0ff1-ce00-000000000000" }},
	{Name: "status", Get: func(e signIn) any {
		if e.failed() {
			return object{"errorCode": 50126, "failureReason": "Error validating credentials.", "additionalDetails": nil}
		}
		return object{"errorCode": 0, "failureReason": "Other.", "additionalDetails": nil}
	}},
	{Name: "status/errorCode", Ops: odata.Eq | odata.Ne, Hidden: true, Get: func(e signIn) any {
		if e.failed() {
			return 50126
		}
		return 0
	}},
	{Name: "deviceDetail", Get: func(e signIn) any { return e.device() }},
	{Name: "deviceDetail/operatingSystem", Ops: odata.Eq | odata.StartsWith, Hidden: true, Get: func(e signIn) any { return e.device()["operatingSystem"] }},
	{Name: "location", Get: func(signIn) any {
		return object{"city": "Utrecht", "state": "Utrecht", "countryOrRegion": "NL", "geoCoordinates": nil}
	}},
	{Name: "appliedConditionalAccessPolicies", Get: func(e signIn) any { return e.appliedAccess() }},
	{Name: "authenticationRequirement", Beta: true, Ops: odata.Eq, Get: func(e signIn) any {
		if e.method() == "Passkey (synced)" { // contract j: observed on a synced passkey
			return "singleFactorAuthentication"
		}
		return "multiFactorAuthentication"
	}},
	{Name: "authenticationMethodsUsed", Beta: true, Get: func(signIn) any { return []string{} }},
	{Name: "authenticationProcessingDetails", Beta: true, Get: func(signIn) any { return []object{} }},
	{Name: "authenticationDetails", Beta: true, Get: func(e signIn) any { return e.details() }},
	{Name: "incomingTokenType", Beta: true, Get: func(signIn) any { return "none" }},
	{Name: "mfaDetail", Beta: true, Get: func(signIn) any { return nil }},
	{Name: "signInEventTypes", Beta: true, Ops: odata.Any, Get: func(signIn) any { return []string{"interactiveUser"} }},
	{Name: "userType", Beta: true, Ops: odata.Eq, Get: func(signIn) any { return "member" }},
}}

// listSignIns is newest first, at most 1,000 on a page (contract j). v1.0 lacks
// the members that tell about passkeys.
func listSignIns(c *call) (*reply, error) {
	s := c.server
	if len(s.users) == 0 {
		return nil, c.BadRequest("The tenant has no users.")
	}
	from, to, err := c.window()
	if err != nil {
		return nil, err
	}
	if len(c.Query.Order) == 1 && c.Query.Order[0] == (odata.OrderKey{Path: "createdDateTime", Desc: true}) {
		c.Query.Order = nil // the log's own order
	}
	access := c.hasAny(rolesReadPolicy...)
	// Keys ascend while time descends; the base is later than any sign-in.
	const base = int64(1) << 40
	users := int64(len(s.users))
	items := func(after int64) iter.Seq2[int64, signIn] {
		return func(yield func(int64, signIn) bool) {
			newest := to.Unix()/86400*users + users - 1
			if after >= 0 {
				newest = min(newest, base-after-1)
			}
			for n := newest; n >= from.Unix()/86400*users; n-- {
				e := signIn{user: userView{s, int32(n % users)}, day: n / users, shows: c.now, access: access}
				if isWeekend(e.day*86400) || e.at().After(to) || e.at().Before(from) {
					continue
				}
				if !yield(base-n, e) {
					return
				}
			}
		}
	}
	out, err := listReply(c, c.Query, signInEntity, items, listStyle{context: "auditLogs/signIns", size: 1000, max: 1000, refuseAbove: true,
		decorate: func(_ int64, out object) error {
			delete(out, "status/errorCode")
			delete(out, "deviceDetail/operatingSystem")
			if !access {
				delete(out, "appliedConditionalAccessPolicies") // contract j: silently absent
			}
			return nil
		}})
	return out, err
}

// window narrows the log by comparisons of createdDateTime that hold for the
// whole filter, so that a filter does not cost the whole retention.
func (c *call) window() (from, to time.Time, err error) {
	from, to = c.now.AddDate(0, 0, -keptSignIns), c.now
	var narrow func(odata.Expr)
	narrow = func(e odata.Expr) {
		switch node := e.(type) {
		case odata.And:
			narrow(node.Left)
			narrow(node.Right)
		case *odata.Comparison:
			at, isTime := node.Values[0].Value.(time.Time)
			switch {
			case node.Path != "createdDateTime" || !isTime:
			case node.Op&(odata.Ge|odata.Gt) != 0 && at.After(from):
				from = at
			case node.Op&(odata.Le|odata.Lt) != 0 && at.Before(to):
				to = at
			}
		}
	}
	if c.Query.Filter != nil {
		narrow(c.Query.Filter)
	}
	if types := c.eventTypes(); types > 1 { // contract j: one query per type
		return from, to, c.BadRequest("signInEventTypes cannot be combined in one filter.")
	}
	return from, to, nil
}

func (c *call) eventTypes() int {
	n := 0
	if c.Query.Filter != nil {
		c.Query.Filter.Walk(func(e *odata.Comparison) { n += boolInt(e.Path == "signInEventTypes") })
	}
	return n
}
