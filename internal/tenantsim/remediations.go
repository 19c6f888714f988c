// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
	"github.com/tidegate/tidegate/internal/tenantsim/shelf"
)

// maxRemediations is the documented limit of a tenant (contract d).
const maxRemediations = 200

// rolesReadScripts and rolesWriteScripts: scripts have permissions of their own
// since 2025 (contract d).
var (
	rolesReadScripts  = []string{"DeviceManagementScripts.Read.All", "DeviceManagementScripts.ReadWrite.All"}
	rolesWriteScripts = []string{"DeviceManagementScripts.ReadWrite.All"}
)

// remediation is a deviceHealthScript.
type remediation struct {
	shelf.Meta
	displayName, description, publisher string
	runAs                               string
	enforceSignature, runAs32Bit        bool
	scopeTags                           []string
	detection, repair                   string // base64, as it is shown
	scriptType                          string
	detectionParameters                 []object
	repairParameters                    []object
	assignments                         []remediationAssignment

	effect  passkeyState             // what a successful repair does to a device
	known   *[]remediationAssignment // as policy.known
	late    arrivals
	reach   reachCache
	version int64      // Unix seconds of the last change of content
	states  []runState // by device, nil: nobody ran it
	asked   map[int32]bool
	days    map[int64]remediationDay // by Unix day
}

// remediationAssignment is one target with its schedule.
type remediationAssignment struct {
	assignment
	repair   bool
	schedule runSchedule
}

// runSchedule is how often a device runs the script.
type runSchedule struct {
	kind     string // last part of the type's name
	interval int
	time     string
	date     string
	useUTC   bool
}

// scriptText fits both contents: base64 of UTF-8. The size limit is not
// published (contract d).
const maxScriptBytes = 200 << 10

var remediationEntity = &entity.Type[*remediation]{Name: "microsoft.graph.deviceHealthScript", Properties: []entity.Property[*remediation]{
	{Name: "id", Ops: odata.Eq, Get: func(r *remediation) any { return r.ID }},
	{Name: "publisher", Ops: odata.Eq, Get: func(r *remediation) any { return r.publisher }},
	{Name: "version", Get: func(*remediation) any { return "1.0" }},
	{Name: "displayName", Ops: odata.Eq | odata.Contains | odata.StartsWith, Get: func(r *remediation) any { return r.displayName }},
	{Name: "description", Get: func(r *remediation) any { return r.description }},
	{Name: "detectionScriptContent", Get: func(r *remediation) any { return orNull(r.detection) }},
	{Name: "remediationScriptContent", Get: func(r *remediation) any { return orNull(r.repair) }},
	{Name: "createdDateTime", Get: func(r *remediation) any { return intuneTime(r.Created) }},
	{Name: "lastModifiedDateTime", Get: func(r *remediation) any { return intuneTime(r.Modified) }},
	{Name: "runAsAccount", Get: func(r *remediation) any { return r.runAs }},
	{Name: "enforceSignatureCheck", Get: func(r *remediation) any { return r.enforceSignature }},
	{Name: "runAs32Bit", Get: func(r *remediation) any { return r.runAs32Bit }},
	{Name: "roleScopeTagIds", Get: func(r *remediation) any { return r.scopeTags }},
	{Name: "isGlobalScript", Ops: odata.Eq, Get: func(*remediation) any { return false }},
	{Name: "highestAvailableVersion", Get: func(*remediation) any { return nil }},
	{Name: "deviceHealthScriptType", Ops: odata.Eq, Get: func(r *remediation) any { return r.scriptType }},
	{Name: "detectionScriptParameters", Get: func(r *remediation) any { return append([]object{}, r.detectionParameters...) }},
	{Name: "remediationScriptParameters", Get: func(r *remediation) any { return append([]object{}, r.repairParameters...) }},
}}

var remediationShape = shape.Shape{TypeName: "microsoft.graph.deviceHealthScript", Members: map[string]shape.Member{
	"id":                          {Kind: shape.String, ReadOnly: true},
	"createdDateTime":             {Kind: shape.Date, ReadOnly: true},
	"lastModifiedDateTime":        {Kind: shape.Date, ReadOnly: true},
	"version":                     {Kind: shape.String, ReadOnly: true},
	"highestAvailableVersion":     {Kind: shape.String, ReadOnly: true},
	"isGlobalScript":              {Kind: shape.Bool, ReadOnly: true},
	"displayName":                 {Kind: shape.String, Required: true},
	"description":                 {Kind: shape.String},
	"publisher":                   {Kind: shape.String},
	"runAsAccount":                {Kind: shape.Enum, Values: []string{"system", "user"}},
	"enforceSignatureCheck":       {Kind: shape.Bool},
	"runAs32Bit":                  {Kind: shape.Bool},
	"roleScopeTagIds":             {Kind: shape.Strings},
	"detectionScriptContent":      {Kind: shape.String},
	"remediationScriptContent":    {Kind: shape.String},
	"detectionScriptParameters":   {Kind: shape.Objects},
	"remediationScriptParameters": {Kind: shape.Objects},
	"deviceHealthScriptType":      {Kind: shape.Enum, Values: []string{"deviceHealthScript", "managedInstallerScript"}},
}}

const scriptsContext = "deviceManagement/deviceHealthScripts"

// listRemediations leaves the script contents null: only a single GET shows
// them (contract d).
func listRemediations(c *call) (*reply, error) {
	return listReply(c, c.Query, remediationEntity, c.server.remediations.Listed(c.listAsOf()), listStyle{
		context: scriptsContext, size: 100, max: 1000, count: countPage,
		decorate: func(_ int64, out object) error {
			for _, name := range []string{"detectionScriptContent", "remediationScriptContent"} {
				if _, shown := out[name]; shown {
					out[name] = nil
				}
			}
			return nil
		},
	})
}

func getRemediation(c *call) (*reply, error) {
	if err := c.checkExpand("assignments"); err != nil {
		return nil, err
	}
	members, err := remediationEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	r, err := c.server.remediations.See(c.byID())
	if err != nil {
		return nil, err
	}
	out := entity.Render(r, members)
	if slices.Contains(c.Query.Expand, "assignments") {
		out["assignments"] = r.assignmentObjects()
	}
	return c.entityReply(http.StatusOK, scriptsContext+"/$entity", out), nil
}

func createRemediation(c *call) (*reply, error) {
	if err := remediationShape.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	s := c.server
	if len(s.remediations.All()) >= maxRemediations {
		return nil, c.BadRequest("The maximum number of script packages (%d) is reached.", maxRemediations)
	}
	r := &remediation{runAs: "system", scriptType: "deviceHealthScript", scopeTags: []string{"0"}}
	if err := c.fillRemediation(r); err != nil {
		return nil, err
	}
	shelve(s, &s.remediations, r, "deviceHealthScript")
	c.changed()
	return c.remediationReply(http.StatusCreated, r)
}

func (c *call) remediationReply(status int, r *remediation) (*reply, error) {
	members, err := remediationEntity.Projection(&c.Request, nil)
	if err != nil {
		return nil, err
	}
	return c.entityReply(status, scriptsContext+"/$entity", entity.Render(r, members)), nil
}

// fillRemediation copies the members that the body names. Nothing is changed
// when it returns an error.
func (c *call) fillRemediation(r *remediation) error {
	if name, given := c.Body["displayName"]; given && (name == nil || name == "") {
		return c.BadRequest("Display name cannot be null or empty.")
	}
	parameters, err := c.remediationParameters()
	if err != nil {
		return err
	}
	if err := c.checkScripts(); err != nil {
		return err
	}
	takeTexts(c.Body, map[string]*string{"displayName": &r.displayName, "description": &r.description, "publisher": &r.publisher})
	for name, field := range map[string]*string{"runAsAccount": &r.runAs, "deviceHealthScriptType": &r.scriptType} {
		if _, given := c.Body[name]; given { // null is the first word of an enum: ASSUMED
			*field = cmp.Or(text(c.Body, name), remediationShape.Members[name].Values[0])
		}
	}
	for name, field := range map[string]*string{"detectionScriptContent": &r.detection, "remediationScriptContent": &r.repair} {
		if _, given := c.Body[name]; given {
			*field, r.version = text(c.Body, name), c.now.Unix()
		}
	}
	takeBools(c.Body, map[string]*bool{"enforceSignatureCheck": &r.enforceSignature, "runAs32Bit": &r.runAs32Bit})
	for name, field := range map[string]*[]object{"detectionScriptParameters": &r.detectionParameters, "remediationScriptParameters": &r.repairParameters} {
		if list, given := parameters[name]; given {
			*field = list
		}
	}
	if tags, given := c.Body["roleScopeTagIds"]; given {
		r.scopeTags = scopeTagsOf(tags)
	}
	r.effect = scriptEffect(r.repair)
	return nil
}

// takeTexts and takeBools copy what a body names; null is empty and false.
func takeTexts(body object, fields map[string]*string) {
	for name, field := range fields {
		if _, given := body[name]; given {
			*field = text(body, name)
		}
	}
}

func takeBools(body object, fields map[string]*bool) {
	for name, field := range fields {
		if _, given := body[name]; given {
			*field = boolean(body, name)
		}
	}
}

// checkScripts wants base64 of a bearable size.
func (c *call) checkScripts() error {
	for _, name := range []string{"detectionScriptContent", "remediationScriptContent"} {
		raw, err := base64.StdEncoding.DecodeString(text(c.Body, name))
		if err != nil {
			return c.BadRequest("Cannot convert the value of property '%s' to the expected type 'Edm.Binary'.", name)
		}
		if len(raw) > maxScriptBytes {
			return c.BadRequest("Property '%s' is %d bytes long, the maximum is %d.", name, len(raw), maxScriptBytes) // ASSUMED
		}
	}
	return nil
}

// passkeyWrite finds the value that a script writes for the Edge policy. The
// simulator runs no PowerShell; this is all it understands of a script.
var passkeyWrite = regexp.MustCompile(`(?i)PasswordManagerPasskeysEnabled\D{1,60}\b([01])\b`)

func scriptEffect(content string) passkeyState {
	raw, err := base64.StdEncoding.DecodeString(content)
	if err != nil {
		return passkeyUnset
	}
	switch found := passkeyWrite.FindSubmatch(raw); {
	case found == nil:
		return passkeyUnset
	case string(found[1]) == "1":
		return passkeyAllowed
	default:
		return passkeyBlocked
	}
}

func patchRemediation(c *call) (*reply, error) {
	s := c.server
	r, err := s.remediations.Find(c.byID())
	if err != nil {
		return nil, err
	}
	if err := remediationShape.Check(&c.Request, c.Body, false); err != nil {
		return nil, err
	}
	was := *r
	if err := c.fillRemediation(r); err != nil {
		return nil, err
	}
	s.remediations.ChangedFrom(s.instant(), r, &was)
	r.Modified = c.now
	c.changed()
	return c.remediationReply(http.StatusOK, r)
}

func deleteRemediation(c *call) (*reply, error) {
	s := c.server
	r, err := s.remediations.Find(c.byID())
	if err != nil {
		return nil, err
	}
	s.remediations.Remove(s.instant(), r)
	s.releaseFilters(r.targets(), nil, c.now)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// targets are the plain assignments.
func (r *remediation) targets() []assignment { return plainTargets(r.assignments) }

func plainTargets(assignments []remediationAssignment) []assignment {
	out := make([]assignment, len(assignments))
	for i, a := range assignments {
		out[i] = a.assignment
	}
	return out
}

// assignmentObjects show runRemediationScript as false whatever was sent, as
// the service does (contract d).
func (r *remediation) assignmentObjects() []object {
	out := make([]object, 0, len(r.assignments))
	for _, a := range r.assignments {
		out = append(out, object{"id": r.ID + ":" + a.suffix(), "target": a.targetObject(), "runRemediationScript": false, "runSchedule": a.schedule.object()})
	}
	return out
}

func listRemediationAssignments(c *call) (*reply, error) {
	r, err := c.server.remediations.See(c.byID())
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: object{
		"@odata.context": c.context(scriptsContext+"('"+r.ID+"')/assignments", nil), "value": r.assignmentObjects()}}, nil
}

var (
	remediationAssignShape = shape.Shape{TypeName: "microsoft.graph.assignPostRequestBody", Members: map[string]shape.Member{
		"deviceHealthScriptAssignments": {Kind: shape.Objects, Required: true},
	}}
	remediationAssignmentShape = shape.Shape{TypeName: "microsoft.graph.deviceHealthScriptAssignment", Members: map[string]shape.Member{
		"id": {Kind: shape.String, ReadOnly: true}, "target": {Kind: shape.Object, Required: true},
		"runRemediationScript": {Kind: shape.Bool}, "runSchedule": {Kind: shape.Object},
	}}
)

// assignRemediation replaces the whole set: 204 (contract d; replacing is
// inferred).
func assignRemediation(c *call) (*reply, error) {
	s := c.server
	r, err := s.remediations.Find(c.byID())
	if err != nil {
		return nil, err
	}
	delete(c.Body, "@odata.type")
	if err := remediationAssignShape.Check(&c.Request, c.Body, true); err != nil {
		return nil, err
	}
	next := []remediationAssignment{}
	for _, item := range objects(c.Body["deviceHealthScriptAssignments"]) {
		if err := remediationAssignmentShape.Check(&c.Request, item, true); err != nil {
			return nil, err
		}
		target, _ := item["target"].(map[string]any)
		plain, err := c.assignment(target, platformWindows)
		if err != nil {
			return nil, err
		}
		schedule, err := c.schedule(item["runSchedule"])
		if err != nil {
			return nil, err
		}
		next = append(next, remediationAssignment{plain, boolean(item, "runRemediationScript"), schedule})
	}
	s.remediations.Change(s.instant(), r)
	s.releaseFilters(r.targets(), plainTargets(next), c.now)
	s.changeScriptAssignments(r, next, c.now)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

const schedulePrefix = "#microsoft.graph.deviceHealthScript"

// schedule reads a run schedule; absent means daily. ASSUMED default.
func (c *call) schedule(in any) (runSchedule, error) {
	body, ok := in.(map[string]any)
	if !ok {
		return runSchedule{kind: "DailySchedule", interval: 1, time: "00:00:00", useUTC: true}, nil
	}
	out := runSchedule{interval: 1, time: text(body, "time"), date: text(body, "date"), useUTC: boolean(body, "useUtc")}
	known := map[string][]string{
		"DailySchedule": {"interval", "time", "useUtc"}, "HourlySchedule": {"interval"}, "RunOnceSchedule": {"interval", "date", "time", "useUtc"},
	}
	var typed bool
	out.kind, typed = strings.CutPrefix(text(body, "@odata.type"), schedulePrefix)
	members, ok := known[out.kind]
	if !typed || !ok {
		return out, c.BadRequest("A type named '%v' could not be resolved by the model where a run schedule is expected.", body["@odata.type"])
	}
	for _, name := range sortedKeys(body) {
		if name != "@odata.type" && !slices.Contains(members, name) {
			return out, c.BadRequest("The property '%s' does not exist on type '%s'. Make sure to only use property names that are defined by the type.", name, strings.TrimPrefix(schedulePrefix, "#")+out.kind)
		}
	}
	return out, c.checkSchedule(&out, body)
}

func (c *call) checkSchedule(out *runSchedule, body object) error {
	outer := c.Body
	c.Body = body
	n, given, err := c.bodyNumber("interval")
	c.Body = outer
	if err != nil {
		return err
	}
	if given {
		out.interval = n
	}
	if out.interval < 1 && out.kind != "RunOnceSchedule" {
		return c.BadRequest("Property 'interval' of the run schedule must be at least 1.")
	}
	if out.kind == "HourlySchedule" {
		return nil
	}
	if _, err := clockTime(out.time); err != nil {
		return c.BadRequest("Cannot convert the literal '%s' of property 'time' to the expected type 'Edm.TimeOfDay'.", out.time)
	}
	if _, err := time.Parse(time.DateOnly, out.date); out.kind == "RunOnceSchedule" && err != nil {
		return c.BadRequest("Cannot convert the literal '%s' of property 'date' to the expected type 'Edm.Date'.", out.date)
	}
	return nil
}

// clockTime reads a time of day, with or without fraction.
func clockTime(s string) (time.Duration, error) {
	t, err := time.Parse("15:04:05.9999999", s)
	if err != nil {
		return 0, err
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second, nil
}

func (sc runSchedule) object() object {
	out := object{"@odata.type": schedulePrefix + sc.kind, "interval": sc.interval}
	if sc.kind != "HourlySchedule" {
		at, err := clockTime(sc.time)
		if err == nil {
			out["time"] = time.Time{}.Add(at).Format("15:04:05.0000000")
		}
		out["useUtc"] = sc.useUTC
	}
	if sc.kind == "RunOnceSchedule" {
		out["date"] = sc.date
	}
	return out
}
