// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// remediationTotals is the function getRemediationSummary(): over all scripts.
func remediationTotals(c *call) (*reply, error) {
	repaired := 0
	for _, r := range c.server.remediations.All() {
		for _, v := range c.server.runs(r)(-1) {
			repaired += boolInt(v.run.repair == "success")
		}
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context("microsoft.graph.deviceHealthScriptRemediationSummary", nil),
		"scriptCount":    len(c.server.remediations.All()), "remediatedDeviceCount": repaired}}, nil
}

// remediationDay counts devices by how their last run of a day ended.
type remediationDay struct{ repaired, fine, failed int }

// tally counts a run on its day. A run of the same device earlier on that day no
// longer counts.
func (r *remediation) tally(run, before runResult) {
	if r.days == nil {
		r.days = map[int64]remediationDay{}
	}
	day := run.at / daySeconds
	counts := r.days[day]
	if before.at != 0 && before.at/daySeconds == day {
		counts.add(before, -1)
	}
	counts.add(run, 1)
	r.days[day] = counts
	delete(r.days, day-historyDays)
}

func (d *remediationDay) add(run runResult, n int) {
	switch {
	case run.repair == "success":
		d.repaired += n
	case run.detection == "success":
		d.fine += n
	case run.detection == "scriptError":
		d.failed += n
	}
}

// remediationHistory is the function getRemediationHistory(): a day counts the
// devices by how their last run on it ended. ASSUMED: the metadata names the
// counts, nobody has shown what they count.
func remediationHistory(c *call) (*reply, error) {
	r, err := c.server.remediations.See(c.byID())
	if err != nil {
		return nil, err
	}
	last := min(c.now.Unix(), c.server.freeze()) / daySeconds
	history := []object{}
	for _, day := range slices.Sorted(maps.Keys(r.days)) {
		if counts := r.days[day]; day <= last && day > last-historyDays && counts != (remediationDay{}) {
			history = append(history, object{"date": time.Unix(day*daySeconds, 0).UTC().Format(time.DateOnly), "remediatedDeviceCount": counts.repaired,
				"noIssueDeviceCount": counts.fine, "detectFailedDeviceCount": counts.failed})
		}
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context":       c.context("microsoft.graph.deviceHealthScriptRemediationHistory", nil),
		"lastModifiedDateTime": intuneTime(c.now), "historyData": history}}, nil
}
