// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "time"

// historyDays is how long the counts of a day are kept. ASSUMED.
const historyDays = 60

// daySeconds of a day in UTC.
const daySeconds = 24 * 3600

// dayCounts is what reports showed of one policy when a day ended.
type dayCounts struct {
	day      int64 // Unix days
	id, name string
	counts   policyCounts
}

// keepHistory notes the counts of every day that ended before the moment. It runs
// between the contacts of devices, so that each day is seen as it ended.
func (s *Server) keepHistory(at int64) {
	today := at / daySeconds
	if s.historyDay == 0 {
		s.historyDay = s.start.Unix() / daySeconds
	}
	for ; s.historyDay < today; s.historyDay++ {
		if today-s.historyDay > historyDays {
			s.historyDay = today - historyDays // older days are not kept anyway
		}
		s.endDay(s.historyDay)
	}
}

// endDay notes one day as its last second shows it.
func (s *Server) endDay(day int64) {
	last := (day+1)*daySeconds - 1
	for _, c := range s.countPolicies(last) {
		s.history = append(s.history, dayCounts{day: day, id: c.policy.id.String(), name: c.policy.name, counts: c})
	}
	kept := 0
	for kept < len(s.history) && s.history[kept].day <= day-historyDays {
		kept++
	}
	s.history = s.history[kept:]
}

// reportHistory is getHistoricalReport: the counts of a policy by day, of the days
// that are over and of the one that runs. The action and its members are in the
// metadata (contract 0.1); that the counts of policies have a history, its columns
// and its length are ASSUMED.
var reportHistory = &report[dayCounts]{name: policyAggregates.name, columns: []column[dayCounts]{
	{name: "Date", kind: "String", filter: true, get: func(d dayCounts) any {
		return time.Unix(d.day*daySeconds, 0).UTC().Format(time.DateOnly)
	}},
	historyColumn("NumberOfCompliantDevices", 2, 3),
	historyColumn("NumberOfConflictDevices", 6),
	historyColumn("NumberOfErrorDevices", 5),
	historyColumn("NumberOfInProgressDevices", 0),
	historyColumn("NumberOfNonCompliantDevices", 4),
	historyColumn("NumberOfNotApplicableDevices", 1),
	{name: "PolicyId", kind: "String", filter: true, get: func(d dayCounts) any { return d.id }},
	{name: "PolicyName", kind: "String", get: func(d dayCounts) any { return d.name }},
}, rows: func(s *Server, yield func(dayCounts)) {
	if s.scenario.EmptyReports {
		return
	}
	for _, d := range s.history {
		yield(d)
	}
	now := s.clock.Now().Unix()
	for _, c := range s.countPolicies(now) {
		yield(dayCounts{day: now / daySeconds, id: c.policy.id.String(), name: c.policy.name, counts: c})
	}
}}

func historyColumn(name string, statuses ...int) column[dayCounts] {
	return column[dayCounts]{name: name, kind: "Int32", get: func(d dayCounts) any { return d.counts.of(statuses...) }}
}

func historicalReport(c *call) (*reply, error) {
	if err := c.onlyParameters(c.Body, "name", "select", "search", "groupBy", "orderBy", "skip", "top", "filter"); err != nil {
		return nil, err
	}
	if name := text(c.Body, "name"); name != reportHistory.name {
		return nil, c.BadRequest("Report '%s' was not found.", name)
	}
	return serveReport(c, reportHistory)
}
