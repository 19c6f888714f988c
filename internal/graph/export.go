// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/devicemanagement"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
)

// ExportRequest asks for a report as a file (contract b.4).
type ExportRequest struct {
	// Report is the exact name of a report, such as DeviceStatusesByConfigurationProfile.
	Report string
	// Filter is the report's own filter language; empty for none. At most 2,000 characters.
	Filter string
	// Select lists the columns, at least one and at most 256. Columns ending in _loc are refused by the tenant.
	Select []string
}

// ExportInfo describes an export that was read to its end.
type ExportInfo struct {
	// JobID is opaque text.
	JobID string
	// RequestedAt is when the tenant accepted the job: the data is at least this old.
	RequestedAt time.Time
	// Rows is the number of rows handed to yield.
	Rows int
}

// exportCall describes calls on export jobs. Creating one needs a write permission although it changes nothing
// (contract b.4), so it may be repeated: a second job costs only budget.
func exportCall() call {
	return call{op: "Export", class: classExports, effect: effectRead, permissions: []string{"DeviceManagementConfiguration.ReadWrite.All"}}
}

// exportJob is an export job on the wire.
type exportJob struct {
	ID          string    `json:"id"`
	Status      string    `json:"status"`
	URL         string    `json:"url"`
	RequestedAt timestamp `json:"requestDateTime"`
}

// Export runs a report export job and hands each row to yield, in constant memory. Rows are handed out while
// the archive is unpacked: when Export returns an error, what was handed out is incomplete and must be thrown
// away. An error of yield ends the call and comes back as it is.
func (c *Client) Export(ctx context.Context, request ExportRequest, yield func(Row) error) (ExportInfo, error) {
	op := exportCall()
	if err := request.validate(op.op); err != nil {
		return ExportInfo{}, err
	}
	job, err := c.createExport(ctx, op, request)
	if err != nil {
		return ExportInfo{}, err
	}
	info := ExportInfo{JobID: job.ID, RequestedAt: job.RequestedAt.Time}
	file, err := c.exportArchive(ctx, op, job)
	if err != nil {
		return info, err
	}
	defer file.remove()
	info.Rows, err = readArchive(file, c.caps, request.requiredColumns(), yield)
	if err != nil {
		return info, c.archiveFailure(op, err)
	}
	return info, nil
}

// archiveFailure wraps what is wrong with an archive, and leaves errors of yield as they are.
func (c *Client) archiveFailure(op call, err error) error {
	broken, ok := err.(*archiveError) //nolint:errorlint // made by readArchive, never wrapped; yield's own errors must not match
	if !ok {
		return err
	}
	if e := own(broken.err); e != nil { // past a cap
		e.Op = op.op
		return e
	}
	return &Error{Kind: KindTransient, Op: op.op, Message: "the export file did not parse: " + c.redact(broken.Error()), Err: broken.err, Foreign: c.hosts.custom,
		Hint: "what was taken for an export file is none"}
}

// validate checks a request against the limits of contract b.4.
func (r ExportRequest) validate(op string) error {
	switch {
	case r.Report == "" || len(r.Report) > 2000:
		return invalid(op, "report name %q: write the exact name of a report, such as Devices", cleanText(r.Report, 80))
	case len(r.Filter) > 2000:
		return invalid(op, "filter has %d characters: the tenant takes at most 2,000", len(r.Filter))
	case len(r.Select) == 0 || len(r.Select) > 256:
		return invalid(op, "%d columns selected: name 1 to 256, defaults change without notice", len(r.Select))
	}
	for _, column := range r.Select {
		if column == "" || strings.HasSuffix(column, "_loc") {
			return invalid(op, "column %q cannot be selected: leave it out, text twins come by themselves", column)
		}
	}
	return nil
}

// requiredColumns are the columns that the file must have. DevicesWithInventory takes aliases and answers with
// headers of its own (contract b.4).
func (r ExportRequest) requiredColumns() []string {
	if r.Report == "DevicesWithInventory" {
		return nil
	}
	return r.Select
}

// createExport starts a job.
func (c *Client) createExport(ctx context.Context, op call, request ExportRequest) (exportJob, error) {
	body := models.NewDeviceManagementExportJob()
	body.SetReportName(&request.Report)
	if request.Filter != "" {
		body.SetFilter(&request.Filter)
	}
	body.SetSelectEscaped(request.Select)
	body.SetFormat(ptr(models.CSV_DEVICEMANAGEMENTREPORTFILEFORMAT))
	body.SetLocalizationType(ptr(models.LOCALIZEDVALUESASADDITIONALCOLUMN_DEVICEMANAGEMENTEXPORTJOBLOCALIZATIONTYPE))
	ri, err := c.exportJobs().ToPostRequestInformation(ctx, body, nil)
	if err != nil {
		return exportJob{}, invalid(op.op, "%v", err)
	}
	return c.readJob(ctx, op, ri)
}

// exportJobs starts a typed request below /v1.0/deviceManagement/reports/exportJobs.
func (c *Client) exportJobs() *devicemanagement.ReportsExportJobsRequestBuilder {
	return devicemanagement.NewReportsExportJobsRequestBuilderInternal(map[string]string{}, c.adapter)
}

// readJob sends a request whose answer is a job.
func (c *Client) readJob(ctx context.Context, op call, ri *abs.RequestInformation) (exportJob, error) {
	var job exportJob
	if err := c.send(ctx, op, ri, decodeObject(&job)); err != nil {
		return exportJob{}, err
	}
	if job.ID == "" {
		return exportJob{}, &Error{Kind: KindTransient, Op: op.op, Message: "the tenant answered with an export job without an id"}
	}
	return job, nil
}

// exportArchive waits for a job and downloads its file. A link that has expired meanwhile is asked for once
// more from the same job (ASSUMED: the job then shows a new link).
func (c *Client) exportArchive(ctx context.Context, op call, job exportJob) (*archive, error) {
	deadline := c.cfg.Clock.Now().Add(c.cfg.ExportMaxWait)
	for renewed := false; ; renewed = true {
		ready, err := c.awaitExport(ctx, op, job, deadline)
		if err != nil {
			return nil, err
		}
		file, err := c.fetchArchive(ctx, op, ready)
		if err == nil {
			return file, nil
		}
		if e := asError(err); renewed || e == nil || e.Code != codeLinkExpired {
			return nil, err
		}
		job.Status, job.URL = "", "" // ask again
	}
}

// awaitExport polls a job until it has a link. A job can be completed and have none yet: it is polled on, a
// second job would not be faster (contract b.4).
func (c *Client) awaitExport(ctx context.Context, op call, job exportJob, deadline time.Time) (exportJob, error) {
	id := job.ID
	for {
		switch {
		case strings.EqualFold(job.Status, "failed"):
			return job, &Error{Kind: KindTransient, Op: op.op, Code: codeJobFailed,
				Message: "the tenant reports that export job " + cleanText(id, 128) + " failed", Foreign: c.hosts.custom, Hint: "the export job failed"}
		case strings.EqualFold(job.Status, "completed") && job.URL != "":
			return job, nil
		case !c.cfg.Clock.Now().Before(deadline):
			return job, &Error{Kind: KindTransient, Op: op.op, Code: codeJobSlow,
				Message: fmt.Sprintf("export job %s is not ready", cleanText(id, 128)), Foreign: c.hosts.custom, Hint: "the export is given up after " + c.cfg.ExportMaxWait.String()}
		}
		if job.Status != "" { // an empty status asks at once
			if err := sleep(ctx, c.cfg.Clock, c.cfg.ExportPollInterval); err != nil {
				return job, &Error{Kind: KindTransient, Op: op.op, Message: err.Error(), Err: err}
			}
		}
		ri, err := c.exportJobs().ByDeviceManagementExportJobId(id).ToGetRequestInformation(ctx, nil)
		if err != nil {
			return job, invalid(op.op, "%v", err)
		}
		if job, err = c.readJob(ctx, op, ri); err != nil {
			return job, err
		}
		if job.Status == "" {
			job.Status = "unknown"
		}
	}
}

// fetchArchive downloads the file of a job. The whole file is fetched before the first row is read, so a
// download that breaks off is simply repeated. Whether the link still works is for storage to say: the times of
// a job are the tenant's and this machine's clock may differ.
func (c *Client) fetchArchive(ctx context.Context, op call, job exportJob) (*archive, error) {
	link, err := url.Parse(job.URL)
	if err != nil || link.Host == "" {
		return nil, &Error{Kind: KindTransient, Op: op.op, Message: "the export job has a link that is not an https URL"}
	}
	if err := c.hosts.checkStorage(link); err != nil {
		return nil, c.strayLink(op, fmt.Sprintf("the export job has a link that is not followed: %v", err))
	}
	file, err := c.newArchive()
	if err != nil {
		return nil, &Error{Kind: KindTransient, Op: op.op, Message: "no room for the export file: " + err.Error(), Err: err}
	}
	err = c.retrying(ctx, op, func(ctx context.Context) error { return c.downloadOnce(ctx, op, link, file) })
	if err != nil {
		file.remove()
		return nil, err
	}
	return file, nil
}

// downloadOnce fetches a file without the bearer token, which storage would refuse (contract b.4), and without
// the limiter: storage is not Graph.
func (c *Client) downloadOnce(ctx context.Context, op call, link *url.URL, file *archive) error {
	if err := file.empty(); err != nil {
		return c.failure(ctx, op, err, 0, "")
	}
	op.op, op.file = "ExportDownload", true
	req, err := http.NewRequestWithContext(context.WithValue(ctx, callKey{}, op), http.MethodGet, link.String(), nil)
	if err != nil {
		return &Error{Kind: KindTransient, Op: op.op, Message: "the link to the export file is not a URL"}
	}
	resp, err := c.download.Do(req)
	if err != nil {
		return c.failure(ctx, op, err, 0, "")
	}
	defer drain(resp)
	id := requestID(http.Header{"Request-Id": resp.Header.Values("x-ms-request-id")}, c.hide)
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		// Storage says 403 for a signature past its time and 404 for a file that was cleaned away.
		return &Error{Kind: KindTransient, Op: op.op, Status: resp.StatusCode, Code: codeLinkExpired, RequestID: id,
			Message: "storage no longer serves the export file"}
	default:
		return &Error{Kind: KindTransient, Op: op.op, Status: resp.StatusCode, RequestID: id,
			RetryAt: retryAfter(resp.Header, c.cfg.Clock.Now()), Message: "storage answered: " + statusText(resp.StatusCode)}
	}
	n, err := io.Copy(file, capped(resp.Body, c.caps.archive, "the export file"))
	if err != nil {
		return c.failure(ctx, op, fmt.Errorf("the export file broke off after %d bytes: %w", n, err), resp.StatusCode, id)
	}
	return nil
}
