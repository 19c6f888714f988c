// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "net/http"

// remediationTotals is the function getRemediationSummary(): over all scripts.
func remediationTotals(c *call) (*reply, error) {
	repaired := 0
	for _, r := range c.server.remediations.items {
		for _, v := range c.server.runs(r)(-1) {
			repaired += boolInt(v.run.repair == "success")
		}
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context("microsoft.graph.deviceHealthScriptRemediationSummary", nil),
		"scriptCount":    len(c.server.remediations.items), "remediatedDeviceCount": repaired}}, nil
}

// remediationHistory is the function getRemediationHistory(). The simulator
// keeps the newest state of each device, so a day counts the devices whose state
// changed last on it. ASSUMED.
func remediationHistory(c *call) (*reply, error) {
	r, err := c.server.remediations.see(c)
	if err != nil {
		return nil, err
	}
	days := map[string]map[string]int{}
	for _, v := range c.server.runs(r)(-1) {
		day := unixUTC(v.run.at).Format("2006-01-02")
		if days[day] == nil {
			days[day] = map[string]int{}
		}
		switch {
		case v.run.repair == "success":
			days[day]["remediatedDeviceCount"]++
		case v.run.detection == "success":
			days[day]["noIssueDeviceCount"]++
		case v.run.detection == "scriptError":
			days[day]["detectFailedDeviceCount"]++
		}
	}
	history := []object{}
	for _, day := range sortedKeys(days) {
		history = append(history, object{"date": day, "remediatedDeviceCount": days[day]["remediatedDeviceCount"],
			"noIssueDeviceCount": days[day]["noIssueDeviceCount"], "detectFailedDeviceCount": days[day]["detectFailedDeviceCount"]})
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context":       c.context("microsoft.graph.deviceHealthScriptRemediationHistory", nil),
		"lastModifiedDateTime": intuneTime(c.now), "historyData": history}}, nil
}
