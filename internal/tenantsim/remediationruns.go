// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
)

// RemediationRule decides how remediation scripts end on a share of devices.
// Without a rule a device has the issue at its first run, is repaired, and has
// none from then on.
type RemediationRule struct {
	// Script is part of the display name. Empty: every script.
	Script         string  `json:"script,omitempty"`
	DevicesPercent float64 `json:"devicesPercent"`
	// Detection is noIssue, issue, scriptError, pending or notApplicable.
	Detection string `json:"detection"`
	// Repair is success (default), failed, scriptError or skipped; it matters
	// when detection finds an issue.
	Repair string `json:"repair,omitempty"`
	// Recurs brings the issue back by the next run.
	Recurs bool `json:"recurs,omitempty"`
	// Output is what the detection script prints. The service keeps 2,048
	// characters (contract d).
	Output string `json:"output,omitempty"`
}

func (r RemediationRule) validate() error {
	switch {
	case !slices.Contains([]string{"noIssue", "issue", "scriptError", "pending", "notApplicable"}, r.Detection):
		return fmt.Errorf("detection %q: write noIssue, issue, scriptError, pending or notApplicable", r.Detection)
	case !slices.Contains([]string{"", "success", "failed", "scriptError", "skipped"}, r.Repair):
		return fmt.Errorf("repair %q: write success, failed, scriptError or skipped", r.Repair)
	}
	return nil
}

// Words of the runState and remediationState enums. In Graph's words success
// means "no issue found" and fail means "issue found" (contract d).
var (
	detectionWords = map[string]string{"noIssue": "success", "issue": "fail", "scriptError": "scriptError", "pending": "pending", "notApplicable": "notApplicable"}
	repairWords    = map[string]string{"": "unknown", "success": "success", "failed": "remediationFailed", "scriptError": "scriptError", "skipped": "skipped"}
)

// maxScriptOutput is what the service keeps of a script's output (contract d).
const maxScriptOutput = 2048

// runResult is one run of one script on one device.
type runResult struct {
	at                int64 // Unix seconds; 0: none
	detection, repair string
	before, after     string
	reoccurred        bool
}

// runState is the newest result, and the one that is shown until it arrives.
type runState struct {
	current, shown runResult
	visible        int64
	repaired       bool
	repairs        int
}

// runRemediations runs what is due on a device that checks in.
func (s *Server) runRemediations(i int32, d *device, at int64) {
	if d.platform != platformWindows {
		return
	}
	for _, r := range s.remediations.All() {
		if asked := r.asked[i]; asked || s.reachOf(r).Has(int(i)) {
			a := s.remediationFor(r, i)
			if asked || r.due(i, a, at) {
				delete(r.asked, i)
				s.runScript(i, d, r, a, at)
			}
		}
	}
}

// remediationFor is the first assignment that reaches the device.
func (s *Server) remediationFor(r *remediation, i int32) remediationAssignment {
	all := r.scheduled()
	targets := plainTargets(all)
	for k, a := range all {
		if a.kind == targetExclude {
			continue
		}
		// Alone with the exclusions, which take from every target.
		rest := slices.DeleteFunc(slices.Clone(targets), func(o assignment) bool { return o.kind != targetExclude && o != targets[k] })
		if s.reaches(rest, i) {
			return a
		}
	}
	return remediationAssignment{repair: true} // asked for by hand
}

// due reports whether the schedule wants a run at the moment. Changed content
// runs at the next contact.
func (r *remediation) due(i int32, a remediationAssignment, at int64) bool {
	var last int64
	if int(i) < len(r.states) {
		last = r.states[i].current.at
	}
	start, err := clockTime(a.schedule.time)
	if err != nil {
		start = 0
	}
	switch a.schedule.kind {
	case "RunOnceSchedule":
		day, err := time.Parse(time.DateOnly, a.schedule.date)
		return err == nil && last == 0 && at >= day.Add(start).Unix()
	case "HourlySchedule":
		return last == 0 || last < r.version || at-last >= int64(a.schedule.interval)*3600
	}
	if last == 0 || last < r.version {
		return true
	}
	// The first moment of the schedule after the last run.
	day := last - last%86400 + int64(start/time.Second)
	for day <= last {
		day += 86400
	}
	return at >= day+int64(a.schedule.interval-1)*86400
}

// state is what is known of the script on a device of a fleet of that size. The
// result is stale once the fleet has grown.
func (r *remediation) state(i int32, devices int) *runState {
	if int(i) >= len(r.states) {
		r.states = append(r.states, make([]runState, devices-len(r.states))...)
	}
	return &r.states[i]
}

// runScript runs detection and, on an issue, the repair.
func (s *Server) runScript(i int32, d *device, r *remediation, a remediationAssignment, at int64) {
	state := r.state(i, len(s.fleet.devices))
	rule := s.remediationRule(i, r, state)
	result := runResult{at: at, detection: detectionWords[rule.Detection], repair: "unknown"}
	result.before = s.scriptOutput(d, rule)
	if rule.Detection == "issue" {
		result.reoccurred = state.repaired
		if a.repair && r.repair != "" {
			result.repair = repairWords[rule.Repair]
		} else {
			result.repair = "skipped"
		}
		state.repaired = result.repair == "success"
		if state.repaired {
			state.repairs++
			if r.effect != passkeyUnset {
				d.effective = r.effect
			}
			result.after = s.scriptOutput(d, rule)
		}
	}
	r.tally(result, state.current)
	state.promote(at)
	waiting := state.current.at != 0 && state.shown.at != state.current.at
	state.current = result
	if !waiting {
		state.visible = at + s.scenario.lag(s.drawAt(i, "script lag", d.checkins))
	}
}

func (st *runState) promote(now int64) {
	if st.current.at != 0 && now >= st.visible {
		st.shown = st.current
	}
}

// remediationRule is the first rule that hits the device, or the default.
func (s *Server) remediationRule(i int32, r *remediation, state *runState) RemediationRule {
	for k, rule := range s.scenario.Remediations {
		if !strings.Contains(r.displayName, rule.Script) || s.draw(i, fmt.Sprint("script rule ", k, rule.Script))*100 >= rule.DevicesPercent {
			continue
		}
		if rule.Repair == "" {
			rule.Repair = "success"
		}
		if rule.Detection == "issue" && rule.Repair == "success" && state.repaired && !rule.Recurs {
			rule.Detection = "noIssue"
		}
		return rule
	}
	if forced := s.fleet.devices[i].special().overwrites; forced != passkeyUnset && r.effect != passkeyUnset && forced != r.effect {
		// Group policy undoes the repair before the next run (domain 7.2).
		return RemediationRule{Detection: "issue", Repair: "success", Recurs: true}
	}
	if state.repaired {
		return RemediationRule{Detection: "noIssue"}
	}
	return RemediationRule{Detection: "issue", Repair: "success"}
}

func (s *Server) scriptOutput(d *device, rule RemediationRule) string {
	out := rule.Output
	if out == "" {
		out = fmt.Sprintf("edge=%s; passkeys=%s", edgeReleases[d.edge].version, d.effective)
	}
	return out[:min(len(out), maxScriptOutput)]
}

// runOnDemand is …/managedDevices/{id}/initiateOnDemandProactiveRemediation.
func runOnDemand(c *call) (*reply, error) {
	i, err := c.managedDevice()
	if err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(c.Body) {
		if name != "scriptPolicyId" {
			return nil, c.BadRequest("The property '%s' does not exist on the action's parameters.", name)
		}
	}
	s := c.server
	r := s.remediations.Get(text(c.Body, "scriptPolicyId"))
	if r == nil {
		return nil, c.NotFound(text(c.Body, "scriptPolicyId"))
	}
	if r.asked == nil {
		r.asked = map[int32]bool{}
	}
	r.asked[i] = true
	return syncDevice(c)
}

// runView is one row of deviceRunStates.
type runView struct {
	deviceView
	script *remediation
	run    runResult
}

var runStateEntity = &entity.Type[runView]{Name: "microsoft.graph.deviceHealthScriptDeviceState", Properties: []entity.Property[runView]{
	{Name: "id", Ops: odata.Eq, Get: func(v runView) any { return v.script.ID + ":" + v.d.managedID.String() }},
	{Name: "detectionState", Ops: odata.Eq, Get: func(v runView) any { return v.run.detection }},
	{Name: "lastStateUpdateDateTime", Get: func(v runView) any { return unixTime(v.deviceTime(v.run.at)) }},
	{Name: "expectedStateUpdateDateTime", Get: func(runView) any { return nil }},
	{Name: "lastSyncDateTime", Get: func(v runView) any { return unixTime(v.d.lastSync) }},
	{Name: "preRemediationDetectionScriptOutput", Get: func(v runView) any { return orNull(v.run.before) }},
	{Name: "preRemediationDetectionScriptError", Get: func(v runView) any { return scriptErrorText(v.run.detection) }},
	{Name: "remediationScriptError", Get: func(v runView) any { return scriptErrorText(v.run.repair) }},
	{Name: "postRemediationDetectionScriptOutput", Get: func(v runView) any { return orNull(v.run.after) }},
	{Name: "postRemediationDetectionScriptError", Get: func(runView) any { return nil }},
	{Name: "remediationState", Ops: odata.Eq, Get: func(v runView) any { return v.run.repair }},
	{Name: "assignmentFilterIds", Get: func(runView) any { return []string{} }},
}}

func scriptErrorText(state string) any {
	if state != "scriptError" {
		return nil
	}
	return "At line:1 char:1: The term is not recognized as the name of a cmdlet."
}

// runs yields what the service shows of a script's runs.
func (s *Server) runs(r *remediation) entity.Keyed[runView] {
	now := min(s.clock.Now().Unix(), s.freeze())
	return func(after int64) iter.Seq2[int64, runView] {
		return func(yield func(int64, runView) bool) {
			for i := after + 1; i < int64(len(r.states)); i++ {
				v := s.device(int32(i))
				r.states[i].promote(now)
				if run := r.states[i].shown; run.at != 0 && s.inReports(v, now) && !yield(i, runView{v, r, run}) {
					return
				}
			}
		}
	}
}

// listRunStates expands managedDevice, with the permission for devices
// (contract d).
func listRunStates(c *call) (*reply, error) {
	var members []*entity.Property[deviceView]
	for _, e := range c.Query.Expand {
		name, options, _ := strings.Cut(strings.TrimSuffix(e, ")"), "(")
		if name != "managedDevice" {
			return nil, c.BadRequest("Parsing OData Select and Expand failed: Could not find a navigation property named '%s'.", name)
		}
		if err := c.authorize(rolesManaged); err != nil {
			return nil, err
		}
		var selected []string
		if list, ok := strings.CutPrefix(options, "$select="); ok {
			selected = odata.SplitList(list)
		} else if options != "" {
			return nil, c.BadRequest("Parsing OData Select and Expand failed: '%s' is not supported.", options)
		}
		var err error
		if members, err = managedDevice.Projection(&c.Request, selected); err != nil {
			return nil, err
		}
	}
	r, err := c.server.remediations.See(c.byID())
	if err != nil {
		return nil, err
	}
	style := listStyle{context: scriptsContext + "('" + r.ID + "')/deviceRunStates", size: 100, max: 1000, count: countPage}
	if members != nil {
		style.decorate = func(key int64, out object) error {
			out["managedDevice"] = entity.Render(c.server.device(int32(key)), members)
			return nil
		}
	}
	return listReply(c, c.Query, runStateEntity, c.server.runs(r), style)
}

// runSummary counts the states (contract d).
func runSummary(c *call) (*reply, error) {
	r, err := c.server.remediations.See(c.byID())
	if err != nil {
		return nil, err
	}
	s := c.server
	counts := map[string]int{}
	var last int64
	reported := ids.NewBitset(len(s.fleet.devices))
	for i, v := range s.runs(r)(-1) {
		reported.Set(int(i))
		last = max(last, v.run.at)
		counts[v.run.detection]++
		counts["repair "+v.run.repair]++
		counts["reoccurred"] += boolInt(v.run.reoccurred)
		counts["repairs"] += r.states[i].repairs
	}
	pending := 0
	s.reachOf(r).Each(func(i int) {
		d := &s.fleet.devices[i]
		pending += boolInt(!reported.Has(i) && isEnrolled(d) && d.platform == platformWindows)
	})
	return &reply{status: http.StatusOK, body: object{
		"@odata.context":                          c.context(scriptsContext+"('"+r.ID+"')/runSummary/$entity", nil),
		"id":                                      r.ID,
		"noIssueDetectedDeviceCount":              counts["success"],
		"issueDetectedDeviceCount":                counts["fail"],
		"detectionScriptErrorDeviceCount":         counts["scriptError"],
		"detectionScriptPendingDeviceCount":       counts["pending"] + pending,
		"detectionScriptNotApplicableDeviceCount": counts["notApplicable"],
		"issueRemediatedDeviceCount":              counts["repair success"],
		"remediationSkippedDeviceCount":           counts["repair skipped"],
		"issueReoccurredDeviceCount":              counts["reoccurred"],
		"remediationScriptErrorDeviceCount":       counts["repair scriptError"] + counts["repair remediationFailed"],
		"lastScriptRunDateTime":                   unixTime(last),
		"issueRemediatedCumulativeDeviceCount":    counts["repairs"],
	}}, nil
}
