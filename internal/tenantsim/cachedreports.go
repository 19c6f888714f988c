// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

// cachedReport is a report that the service keeps for a client to page through
// (contract b.1).
type cachedReport struct {
	id, reportName   string
	sequence         uint64
	filter, metadata any // text or null, as it was sent
	selected, order  []string
	made             time.Time
	polls            int
	table            table
}

// cachedLife is how long a cached report is kept. ASSUMED.
const cachedLife = 3 * 24 * time.Hour

// maxCached bounds the cached reports that are kept.
const maxCached = 64

const cachedContext = "deviceManagement/reports/cachedReportConfigurations"

var cachedShape = shape.Shape{TypeName: "microsoft.graph.deviceManagementCachedReportConfiguration", Members: map[string]shape.Member{
	"id": {Kind: shape.String, Required: true}, "reportName": {Kind: shape.String, ReadOnly: true}, "filter": {Kind: shape.String, Max: 2000},
	"select": {Kind: shape.Strings}, "orderBy": {Kind: shape.Strings}, "metadata": {Kind: shape.String},
	"status": {Kind: shape.String, ReadOnly: true}, "lastRefreshDateTime": {Kind: shape.Date, ReadOnly: true}, "expirationDateTime": {Kind: shape.Date, ReadOnly: true},
}}

// status moves on with each poll, as an export job's does.
func (r *cachedReport) status(s *Server) string {
	return (&exportJob{polls: r.polls}).status(s)
}

func (r *cachedReport) object(c *call) object {
	refreshed := neverTime
	if r.status(c.server) == "completed" {
		refreshed = intuneTime(r.made)
	}
	return object{"id": r.id, "reportName": r.reportName, "filter": r.filter, "select": append([]string{}, r.selected...),
		"orderBy": append([]string{}, r.order...), "metadata": r.metadata, "status": r.status(c.server),
		"lastRefreshDateTime": refreshed, "expirationDateTime": intuneTime(r.made.Add(cachedLife))}
}

// cachedEntity reads the members from the rendered report.
var cachedEntity = &entity.Type[object]{Name: cachedShape.TypeName, Properties: rendered(
	"id", "reportName", "filter", "select", "orderBy", "metadata", "status", "lastRefreshDateTime", "expirationDateTime")}

// createCached begins a cached report. Its id names the report: what stands before
// the first underscore. Asking again for an id makes it anew.
func createCached(c *call) (*reply, error) {
	if err := cachedShape.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	id := text(c.Body, "id")
	name, suffix, _ := strings.Cut(id, "_")
	rep, known := exportReports(name)
	switch {
	case !known || suffix == "":
		return nil, c.BadRequest("Report '%s' was not found.", id)
	case c.odd().CachedStatusRefused && rep == exportable(deviceStatus):
		return nil, c.BadRequest("An error has occurred.") // contract b.1, n = 1
	}
	s := c.server
	r := &cachedReport{id: id, reportName: name}
	if err := c.fillCached(r); err != nil {
		return nil, err
	}
	s.dropCached(id)
	_, r.sequence = s.nextID("cachedReport")
	s.cached = append(s.cached, r)
	if len(s.cached) > maxCached {
		s.cached = slices.Delete(s.cached, 0, 1)
	}
	c.changed()
	return c.entityReply(http.StatusCreated, cachedContext+"/$entity", r.object(c)), nil
}

// fillCached takes over what the body names and makes the table anew. Nothing is
// changed when it returns an error.
func (c *call) fillCached(r *cachedReport) error {
	next := *r
	for name, field := range map[string]*any{"filter": &next.filter, "metadata": &next.metadata} {
		if given, named := c.Body[name]; named {
			*field = given
		}
	}
	for name, field := range map[string]*[]string{"select": &next.selected, "orderBy": &next.order} {
		if given, named := c.Body[name]; named {
			*field = texts(given)
		}
	}
	rep, _ := exportReports(next.reportName)
	var err error
	if next.table, err = rep.prepare(c, textOrEmpty(next.filter), next.selected); err != nil {
		return err
	}
	if err := c.arrangeRows(&next.table, next.order, ""); err != nil {
		return err
	}
	next.made, next.polls = c.now, 0
	*r = next
	return nil
}

// patchCached changes a cached report: it is made anew. ASSUMED: the metadata has
// the request, nobody has shown what comes of it.
func patchCached(c *call) (*reply, error) {
	r, err := c.cachedReport(c.params["id"])
	if err != nil {
		return nil, err
	}
	if err := cachedShape.Check(&c.Request, c.Body, false); err != nil {
		return nil, err
	}
	if id, named := c.Body["id"]; named && id != r.id {
		return nil, c.BadRequest("Property 'id' is the key of the resource and cannot be changed.") // ASSUMED text
	}
	if err := c.fillCached(r); err != nil {
		return nil, err
	}
	c.changed()
	return c.entityReply(http.StatusOK, cachedContext+"/$entity", r.object(c)), nil
}

// listCached shows the reports that have not expired and moves none on.
func listCached(c *call) (*reply, error) {
	items := func(after int64) iter.Seq2[int64, object] {
		return func(yield func(int64, object) bool) {
			for _, r := range c.server.cached {
				if key := int64(r.sequence); key > after && r.lives(c.now) && !yield(key, r.object(c)) {
					return
				}
			}
		}
	}
	return listReply(c, c.Query, cachedEntity, items, listStyle{context: cachedContext, size: 100, max: 1000})
}

func (r *cachedReport) lives(now time.Time) bool { return now.Before(r.made.Add(cachedLife)) }

func (s *Server) dropCached(id string) {
	s.cached = slices.DeleteFunc(s.cached, func(r *cachedReport) bool { return r.id == id })
}

func (c *call) cachedReport(id string) (*cachedReport, error) {
	for _, r := range c.server.cached {
		if r.id == id && r.lives(c.now) {
			return r, nil
		}
	}
	return nil, c.NotFound(id)
}

func getCached(c *call) (*reply, error) {
	members, err := cachedEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	r, err := c.cachedReport(c.params["id"])
	if err != nil {
		return nil, err
	}
	r.polls++
	return c.entityReply(http.StatusOK, cachedContext+"/$entity", entity.Render(r.object(c), members)), nil
}

func deleteCached(c *call) (*reply, error) {
	r, err := c.cachedReport(c.params["id"])
	if err != nil {
		return nil, err
	}
	c.server.dropCached(r.id)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// readCached is getCachedReport: one page of a cached report that is completed.
func readCached(c *call) (*reply, error) {
	if err := c.onlyParameters(c.Body, "id", "select", "search", "groupBy", "orderBy", "skip", "top"); err != nil {
		return nil, err
	}
	skip, top, err := c.reportWindow()
	if err != nil {
		return nil, err
	}
	r, err := c.cachedReport(text(c.Body, "id"))
	if err != nil {
		return nil, err
	}
	if status := r.status(c.server); status != "completed" {
		return nil, c.BadRequest("The cached report '%s' is %s: wait until its status is completed.", r.id, status) // ASSUMED
	}
	t, err := c.selectColumns(r)
	if err != nil {
		return nil, err
	}
	if err := c.arrangeRows(&t, texts(c.Body["orderBy"]), text(c.Body, "search")); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(t.page(skip, top))
	if err != nil {
		return nil, fmt.Errorf("marshal the cached report: %w", err)
	}
	return &reply{status: http.StatusOK, raw: raw, contentType: "application/octet-stream"}, nil
}

// selectColumns narrows a cached report to the columns of the request, which must
// be among those that it was made with.
func (c *call) selectColumns(r *cachedReport) (table, error) {
	wanted := texts(c.Body["select"])
	if len(wanted) == 0 {
		return table{columns: r.table.columns, rows: slices.Clone(r.table.rows)}, nil
	}
	var at []int
	out := table{}
	for _, name := range wanted {
		i := r.table.column(name)
		if i < 0 {
			return out, c.BadRequest("Column '%s' is not a column of the cached report '%s'.", name, r.id)
		}
		at, out.columns = append(at, i), append(out.columns, r.table.columns[i])
	}
	for _, cells := range r.table.rows {
		row := make([]any, len(at))
		for i, from := range at {
			row[i] = cells[from]
		}
		out.rows = append(out.rows, row)
	}
	return out, nil
}

func (t *table) column(name string) int {
	return slices.IndexFunc(t.columns, func(col tableColumn) bool { return col.name == name })
}
