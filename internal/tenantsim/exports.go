// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"archive/zip"
	"bytes"
	"crypto/hmac"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
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
	id                       string
	sequence                 uint64
	reportName, format       string
	localization             string
	filter, search, snapshot any // text or null, as it was sent
	selected                 []string
	requested                time.Time
	polls                    int
	silentPolls              int // polls to answer completed without url
	failed                   bool
	table                    table
	archive                  []byte
	made                     time.Time // real
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
var jobShape = shape.Shape{TypeName: "microsoft.graph.deviceManagementExportJob", Members: map[string]shape.Member{
	"id":                 {Kind: shape.String, ReadOnly: true},
	"reportName":         {Kind: shape.String, Required: true, Max: 2000},
	"filter":             {Kind: shape.String, Max: 2000},
	"select":             {Kind: shape.Strings},
	"format":             {Kind: shape.Enum, Values: []string{"csv", "pdf", "json"}},
	"localizationType":   {Kind: shape.Enum, Values: []string{locTwins, locReplace}},
	"snapshotId":         {Kind: shape.String, Max: 128},
	"search":             {Kind: shape.String},
	"status":             {Kind: shape.String, ReadOnly: true},
	"url":                {Kind: shape.String, ReadOnly: true},
	"requestDateTime":    {Kind: shape.Date, ReadOnly: true},
	"expirationDateTime": {Kind: shape.Date, ReadOnly: true},
}}

const jobsContext = "deviceManagement/reports/exportJobs"

// createExport starts a job. The data is what the report shows at this moment.
func createExport(c *call) (*reply, error) {
	if err := c.checkJob(true); err != nil {
		return nil, err
	}
	job := &exportJob{format: "csv", localization: locTwins}
	if err := c.fillJob(job); err != nil {
		return nil, err
	}
	s := c.server
	id, sequence := s.nextID("exportJob")
	job.id, job.sequence = job.reportName+"_"+id.String(), sequence
	if rep, _ := exportReports(job.reportName); rep == exportable(deviceStatus) { // observed: the id names another report
		job.id = "DeviceStatusesByConfigurationProfileWithPFV3_" + id.String()
	}
	c.startJob(job)
	s.keepJob(job)
	return c.entityReply(http.StatusCreated, jobsContext+"/$entity", job.object(c)), nil
}

func (c *call) checkJob(create bool) error {
	if _, present := c.Body["search"]; present && !c.Beta {
		return c.BadRequest("The property 'search' does not exist on type '%s'. Make sure to only use property names that are defined by the type.", jobShape.TypeName)
	}
	return jobShape.Check(&c.Request, c.Body, create)
}

// fillJob takes over what the body names and makes the table. Nothing is changed
// when it returns an error.
func (c *call) fillJob(job *exportJob) error {
	next := *job
	for name, field := range map[string]*string{"reportName": &next.reportName, "format": &next.format, "localizationType": &next.localization} {
		if given := text(c.Body, name); given != "" {
			*field = given
		}
	}
	for name, field := range map[string]*any{"filter": &next.filter, "search": &next.search, "snapshotId": &next.snapshot} {
		if given, named := c.Body[name]; named {
			*field = given
		}
	}
	if given, named := c.Body["select"]; named {
		next.selected = texts(given)
	}
	rep, known := exportReports(next.reportName)
	switch {
	case !known:
		return c.BadRequest("Report '%s' was not found.", next.reportName)
	case len(next.selected) > 256:
		return c.BadRequest("Property 'select' names %d columns, at most 256 are allowed.", len(next.selected))
	case next.format != "csv":
		return c.BadRequest("Format '%s' is not supported for report '%s'.", next.format, next.reportName)
	}
	var err error
	if next.table, err = rep.prepare(c, textOrEmpty(next.filter), next.selected); err != nil {
		return err
	}
	if err := c.arrangeRows(&next.table, nil, textOrEmpty(next.search)); err != nil {
		return err
	}
	*job = next
	return nil
}

// startJob begins to work, once more after a change.
func (c *call) startJob(job *exportJob) {
	s := c.server
	job.requested, job.polls, job.silentPolls, job.archive = c.now, 0, 0, nil
	job.failed = ids.Uniform(ids.Mix(s.options.Seed^ids.HashText("export")^ids.Mix(job.sequence)))*100 < s.scenario.ExportFailurePercent
	if ids.Uniform(ids.Mix(s.options.Seed^ids.HashText("no url")^ids.Mix(job.sequence)))*100 < s.scenario.ExportWithoutURLPercent {
		job.silentPolls = 2
	}
}

// patchExport changes a job: it runs anew. ASSUMED: the documentation has the
// request, not what comes of it.
func patchExport(c *call) (*reply, error) {
	job, err := c.exportJob()
	if err != nil {
		return nil, err
	}
	if err := c.checkJob(false); err != nil {
		return nil, err
	}
	if err := c.fillJob(job); err != nil {
		return nil, err
	}
	c.startJob(job)
	return c.entityReply(http.StatusOK, jobsContext+"/$entity", job.object(c)), nil
}

func deleteExport(c *call) (*reply, error) {
	job, err := c.exportJob()
	if err != nil {
		return nil, err
	}
	s := c.server
	delete(s.jobs, job.id)
	s.jobOrder = slices.DeleteFunc(s.jobOrder, func(id string) bool { return id == job.id })
	return &reply{status: http.StatusNoContent}, nil
}

func (c *call) exportJob() (*exportJob, error) {
	job := c.server.jobs[c.params["id"]]
	if job == nil {
		return nil, c.NotFound(c.params["id"])
	}
	return job, nil
}

// jobEntity reads the members from the rendered job.
var jobEntity = &entity.Type[object]{Name: "microsoft.graph.deviceManagementExportJob", Properties: append(rendered(
	"id", "reportName", "filter", "select", "format", "snapshotId", "localizationType", "status", "url", "requestDateTime", "expirationDateTime"),
	entity.Property[object]{Name: "search", Beta: true, Get: func(o object) any { return o["search"] }})}

// rendered are properties of objects that are complete already.
func rendered(names ...string) []entity.Property[object] {
	out := make([]entity.Property[object], len(names))
	for i, name := range names {
		out[i] = entity.Property[object]{Name: name, Get: func(o object) any { return o[name] }}
	}
	return out
}

// listExports shows the jobs and moves none on.
func listExports(c *call) (*reply, error) {
	s := c.server
	items := func(after int64) iter.Seq2[int64, object] {
		return func(yield func(int64, object) bool) {
			for _, id := range s.jobOrder {
				job := s.jobs[id]
				if key := int64(job.sequence); key > after && !yield(key, job.look(c)) {
					return
				}
			}
		}
	}
	return listReply(c, c.Query, jobEntity, items, listStyle{context: jobsContext, size: 100, max: 1000})
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
	members, err := jobEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	job, err := c.exportJob()
	if err != nil {
		return nil, err
	}
	job.polls++
	if job.status(c.server) == "completed" && job.archive == nil {
		archive, err := job.zip()
		if err != nil {
			return nil, err
		}
		job.archive, job.made, job.table = archive, c.server.wall.Now(), table{}
	}
	return c.entityReply(http.StatusOK, jobsContext+"/$entity", entity.Render(job.object(c), members)), nil
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

// object is the job as a poll shows it: one that is completed may have no url yet,
// for so many polls (contract b.4: completed with an empty url happens).
func (j *exportJob) object(c *call) object {
	out := j.look(c)
	if j.silentPolls > 0 && j.status(c.server) == "completed" {
		j.silentPolls--
	}
	return out
}

// look is the job as it is.
func (j *exportJob) look(c *call) object {
	out := object{
		"id": j.id, "reportName": j.reportName, "filter": j.filter, "select": append([]string{}, j.selected...), "format": j.format,
		"snapshotId": j.snapshot, "localizationType": j.localization, "status": j.status(c.server), "url": nil,
		"requestDateTime": intuneTime(j.requested), "expirationDateTime": neverTime,
	}
	if c.Beta {
		out["search"] = j.search // a beta member
	}
	if j.archive != nil && j.silentPolls == 0 {
		out["url"] = c.origin() + downloadPrefix + url.PathEscape(j.id) + ".zip?sv=2024-11-04&sr=b&sp=r&sig=" + url.QueryEscape(c.server.signature("blob "+j.id))
		out["expirationDateTime"] = intuneTime(c.now.Add(linkLife))
	}
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
