// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"archive/zip"
	"bytes"
	"crypto/hmac"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// downloadPrefix is where the blob storage of finished exports lives.
const downloadPrefix = "/_blob/"

// linkLife is how long a download link works, in real time so that a fast
// virtual clock does not void links (contract b.4: about six hours).
const linkLife = 6 * time.Hour

// keptJobs bounds finished exports that are kept.
const keptJobs = 64

// exportJob is one report export.
type exportJob struct {
	id, reportName, filter, format string
	localization                   string
	selected                       []string
	requested                      time.Time
	polls                          int
	silentPolls                    int // polls to answer completed without url
	failed                         bool
	table                          table
	archive                        []byte
	made                           time.Time // real
}

// exportable is a report that an export job can run.
type exportable interface {
	prepare(c *call, filter string, selected []string) (table, error)
}

func (rep *report[T]) prepare(c *call, filter string, selected []string) (table, error) {
	expr, err := rep.parse(c, filter)
	if err != nil {
		return table{}, err
	}
	columns, err := rep.choose(c, selected)
	if err != nil {
		return table{}, err
	}
	return rep.run(c.server, expr, columns), nil
}

// exportReports are the reports of contract b.4 that the simulator has.
func exportReports(name string) (exportable, bool) {
	switch name {
	case "DeviceStatusesByConfigurationProfile", "DeviceStatusesByConfigurationProfileWithPF",
		"DeviceStatusesByConfigurationProfileV3", "DeviceStatusesByConfigurationProfileWithPFV3", "DeviceStatusesByConfigurationProfileForASR",
		"DeviceStatusesByConfigurationProfileForEDR", "DeviceStatusesByConfigurationProfileForAppControl":
		return deviceStatus, true
	case policiesOfDevice.name, policiesOfDevice.name + "V3":
		return policiesOfDevice, true
	case settingAggregates.name:
		return settingAggregates, true
	case inventoryExport.name:
		return inventoryExport, true
	case "Devices":
		return devicesExport, true
	case "AppInvRawData":
		return appInventory, true
	case assignmentStatus.name:
		return assignmentStatus, true
	case policyAggregates.name, policyAggregates.name + "WithPF", policyAggregates.name + "V3":
		return policyAggregates, true
	case remediationRuns.name:
		return remediationRuns, true
	case appTotals.name:
		return appTotals, true
	case appsOfDevice.name:
		return appsOfDevice, true
	case appDevices.name:
		return appDevices, true
	default:
		return nil, false
	}
}

// rolesExport create jobs (a write permission, although nothing is written),
// rolesPoll read them (contract b.4).
var (
	rolesExport = []string{"DeviceManagementConfiguration.ReadWrite.All", "DeviceManagementApps.ReadWrite.All", "DeviceManagementManagedDevices.ReadWrite.All"}
	rolesPoll   = append([]string{"DeviceManagementConfiguration.Read.All", "DeviceManagementApps.Read.All", "DeviceManagementManagedDevices.Read.All"}, rolesExport...)
)

const (
	locTwins   = "localizedValuesAsAdditionalColumn"
	locReplace = "replaceLocalizableValues"
)

// jobShape is the body of POST exportJobs with the documented limits.
var jobShape = shape{typeName: "microsoft.graph.deviceManagementExportJob", members: map[string]member{
	"id":                 {kind: kindString, readOnly: true},
	"reportName":         {kind: kindString, required: true, max: 2000},
	"filter":             {kind: kindString, max: 2000},
	"select":             {kind: kindStrings},
	"format":             {kind: kindEnum, values: []string{"csv", "pdf", "json"}},
	"localizationType":   {kind: kindEnum, values: []string{locTwins, locReplace}},
	"snapshotId":         {kind: kindString, max: 128},
	"search":             {kind: kindString},
	"status":             {kind: kindString, readOnly: true},
	"url":                {kind: kindString, readOnly: true},
	"requestDateTime":    {kind: kindDate, readOnly: true},
	"expirationDateTime": {kind: kindDate, readOnly: true},
}}

// createExport starts a job. The data is what the report shows at this moment.
func createExport(c *call) (*reply, error) {
	if err := jobShape.check(c, c.body, true); err != nil {
		return nil, err
	}
	if _, present := c.body["search"]; present && !c.beta {
		return nil, c.badRequest("The property 'search' does not exist on type '%s'. Make sure to only use property names that are defined by the type.", jobShape.typeName)
	}
	name, selected := text(c.body, "reportName"), texts(c.body["select"])
	rep, known := exportReports(name)
	switch {
	case !known:
		return nil, c.badRequest("Report '%s' was not found.", name)
	case len(selected) > 256:
		return nil, c.badRequest("Property 'select' names %d columns, at most 256 are allowed.", len(selected))
	case text(c.body, "format") != "" && text(c.body, "format") != "csv":
		return nil, c.badRequest("Format '%s' is not supported for report '%s'.", text(c.body, "format"), name)
	}
	t, err := rep.prepare(c, text(c.body, "filter"), selected)
	if err != nil {
		return nil, err
	}
	s := c.server
	id, sequence := s.nextID("exportJob")
	job := &exportJob{reportName: name, filter: text(c.body, "filter"), selected: selected, format: "csv",
		localization: locTwins, requested: c.now, table: t, id: name + "_" + id.String()}
	if rep == exportable(deviceStatus) { // observed: the id names another report
		job.id = "DeviceStatusesByConfigurationProfileWithPFV3_" + id.String()
	}
	if l := text(c.body, "localizationType"); l != "" {
		job.localization = l
	}
	u := uniform(mix(s.options.Seed ^ hashText("export") ^ mix(sequence)))
	job.failed = u*100 < s.scenario.ExportFailurePercent
	if uniform(mix(s.options.Seed^hashText("no url")^mix(sequence)))*100 < s.scenario.ExportWithoutURLPercent {
		job.silentPolls = 2
	}
	s.keepJob(job)
	return &reply{status: http.StatusCreated, body: job.object(c)}, nil
}

func (s *Server) keepJob(job *exportJob) {
	s.jobs[job.id] = job
	s.jobOrder = append(s.jobOrder, job.id)
	for len(s.jobOrder) > keptJobs {
		delete(s.jobs, s.jobOrder[0])
		s.jobOrder = s.jobOrder[1:]
	}
}

// getExport polls a job; each poll moves it on.
func getExport(c *call) (*reply, error) {
	job := c.server.jobs[c.params["id"]]
	if job == nil {
		return nil, c.notFound(c.params["id"])
	}
	job.polls++
	if job.status(c.server) == "completed" && job.archive == nil {
		archive, err := job.zip()
		if err != nil {
			return nil, err
		}
		job.archive, job.made, job.table = archive, c.server.wall.Now(), table{}
	}
	return &reply{status: http.StatusOK, body: job.object(c)}, nil
}

func (j *exportJob) status(s *Server) string {
	needed := 1
	if s.scenario.ExportPolls != nil {
		needed = *s.scenario.ExportPolls
	}
	switch {
	case j.polls == 0:
		return "notStarted"
	case j.polls < needed:
		return "inProgress"
	case j.failed:
		return "failed"
	default:
		return "completed"
	}
}

func (j *exportJob) object(c *call) object {
	status := j.status(c.server)
	out := object{
		"@odata.context": c.context("deviceManagement/reports/exportJobs/$entity", nil),
		"id":             j.id, "reportName": j.reportName, "filter": orNull(j.filter), "select": j.selected, "format": j.format,
		"snapshotId": nil, "localizationType": j.localization, "status": status, "url": nil,
		"requestDateTime": intuneTime(j.requested), "expirationDateTime": neverTime,
	}
	if c.beta {
		out["search"] = nil // a beta member
	}
	if status != "completed" {
		return out
	}
	if j.silentPolls > 0 { // contract b.4: completed with an empty url happens
		j.silentPolls--
		return out
	}
	out["url"] = c.origin() + downloadPrefix + url.PathEscape(j.id) + ".zip?sv=2024-11-04&sr=b&sp=r&sig=" + url.QueryEscape(c.server.signature("blob "+j.id))
	out["expirationDateTime"] = intuneTime(c.now.Add(linkLife))
	return out
}

// serveDownload is the blob storage: the link is the permission, a bearer
// token is refused (contract b.4).
func (s *Server) serveDownload(r *http.Request) *reply {
	id, isZip := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, downloadPrefix), ".zip")
	s.mu.Lock()
	job := s.jobs[id]
	s.mu.Unlock()
	switch {
	case r.Method != http.MethodGet:
		return blobError(http.StatusMethodNotAllowed, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")
	case r.Header.Get("Authorization") != "":
		return blobError(http.StatusForbidden, "AuthenticationFailed", "Server failed to authenticate the request. A shared access signature and an Authorization header exclude each other.")
	case !isZip || job == nil || job.archive == nil:
		return blobError(http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.")
	case !hmac.Equal([]byte(r.URL.Query().Get("sig")), []byte(s.signature("blob "+id))):
		return blobError(http.StatusForbidden, "AuthenticationFailed", "Server failed to authenticate the request. Signature did not match.")
	case s.wall.Since(job.made) > linkLife:
		return blobError(http.StatusForbidden, "AuthenticationFailed", "Server failed to authenticate the request. Signed expiry time has passed.")
	}
	return &reply{status: http.StatusOK, raw: job.archive, contentType: "application/octet-stream"}
}

func blobError(status int, code, message string) *reply {
	return &reply{status: status, contentType: "application/xml", header: http.Header{"x-ms-error-code": {code}},
		raw: fmt.Appendf(nil, "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>%s</Code><Message>%s</Message></Error>", code, message)}
}

// zip packs the single CSV file of the job.
func (j *exportJob) zip() ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	f, err := w.Create(j.id + ".csv")
	if err != nil {
		return nil, fmt.Errorf("create the export archive: %w", err)
	}
	if _, err := f.Write(j.csv()); err != nil {
		return nil, fmt.Errorf("write the export archive: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("close the export archive: %w", err)
	}
	return buf.Bytes(), nil
}

// csv writes what Intune writes: a byte order mark, the columns in the order
// of select, enum columns as numbers with a _loc twin or as words, and quotes
// inside a field left bare unless a comma forces quoting (contract b.4).
func (j *exportJob) csv() []byte {
	out := []byte("\ufeff")
	replaced := j.localization == locReplace || j.table.wordsOnly
	for i, col := range j.table.columns {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, col.name...)
		if col.words != nil && !replaced {
			out = append(append(out, ','), col.name+"_loc"...)
		}
	}
	out = append(out, "\r\n"...)
	for _, cells := range j.table.rows {
		for i, cell := range cells {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendCell(out, cell, j.table.columns[i], replaced)
		}
		out = append(out, "\r\n"...)
	}
	return out
}

func appendCell(out []byte, cell any, col tableColumn, replaced bool) []byte {
	switch v := cell.(type) {
	case int:
		word, isEnum := col.words[v]
		switch {
		case isEnum && replaced:
			return appendField(out, word)
		case isEnum:
			return appendField(append(strconv.AppendInt(out, int64(v), 10), ','), word)
		default:
			return strconv.AppendInt(out, int64(v), 10)
		}
	case int64: // a time in Unix seconds
		if v == 0 {
			return out
		}
		return unixUTC(v).AppendFormat(out, "2006-01-02 15:04:05.0000000")
	case string:
		return appendField(out, v)
	default:
		return append(out, fmt.Sprint(v)...)
	}
}

func appendField(out []byte, field string) []byte {
	if !strings.ContainsAny(field, ",\r\n") {
		return append(out, field...)
	}
	return append(append(append(out, '"'), strings.ReplaceAll(field, `"`, `""`)...), '"')
}

// columnNames lists the columns of a report, for people who explore.
func (rep *report[T]) columnNames() []string {
	var out []string
	for _, col := range rep.columns {
		out = append(out, col.name)
	}
	slices.Sort(out)
	return out
}
