// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
	"github.com/tidegate/tidegate/internal/tenantsim/shelf"
)

// intent is a security baseline of the first generation (contract-2 u).
type intent struct {
	shelf.Meta
	displayName, description string
	scopeTags                []string
	templateID               string
	settings                 []intentSetting
	assignments              []assignment
	shadow                   *policy
}

// intentSetting is one setting of an intent or of its template.
type intentSetting struct{ id, definition, valueJSON string }

// admxPrefix begins the definition ids of the old Edge baseline (observed for
// one policy, contract-2 u; for others inferred there).
const admxPrefix = "admx--microsoftedge_"

// intentTemplate is a template of the first generation. The tenant has the last
// Edge baseline of that kind; its id, and that its settings are these two, are
// ASSUMED (contract-2 u knows one observed definition id and one inferred).
type intentTemplate struct {
	id, displayName, version, kind string
	settings                       []intentSetting
}

var intentTemplates = []intentTemplate{{"a8d6fa0e-1e66-455b-bb51-8ce0dde1559e", "Microsoft Edge baseline", "September 2020 (Edge version 85 and later)", "microsoftEdgeSecurityBaseline",
	[]intentSetting{{"", admxPrefix + "ExtensionInstallBlocklist", `"enabled"`}, {"", admxPrefix + "PasswordManagerEnabled", `"disabled"`}}}}

// intentCategory is the one category of the template (ASSUMED).
const intentCategory = "5d6a3d0e-5f7e-4c53-9a43-2c8b5c1d7e10"

// objects show settings: valueJson is JSON in a text, the typed value is there
// beside it.
func intentSettingObjects(settings []intentSetting) []object {
	out := []object{}
	for _, setting := range settings {
		var value any
		if err := json.Unmarshal([]byte(setting.valueJSON), &value); err != nil {
			value = nil // never stored: a value is parsed before
		}
		kind := "String"
		switch value.(type) {
		case bool:
			kind = "Boolean"
		case float64:
			kind = "Integer"
		case []any:
			kind = "Collection"
		case map[string]any:
			kind = "Complex"
		}
		out = append(out, object{"@odata.type": "#microsoft.graph.deviceManagement" + kind + "SettingInstance", "id": setting.id,
			"definitionId": setting.definition, "valueJson": setting.valueJSON, "value": value})
	}
	return out
}

var intentEntity = &entity.Type[*intent]{Name: "microsoft.graph.deviceManagementIntent", Properties: []entity.Property[*intent]{
	{Name: "id", Ops: odata.Eq, Get: func(i *intent) any { return i.ID }},
	{Name: "displayName", Ops: odata.Eq | odata.Contains | odata.StartsWith, Get: func(i *intent) any { return i.displayName }},
	{Name: "description", Get: func(i *intent) any { return i.description }},
	{Name: "isAssigned", Ops: odata.Eq, Get: func(i *intent) any { return len(i.assignments) > 0 }},
	{Name: "isMigratingToConfigurationPolicy", Get: func(*intent) any { return false }},
	{Name: "lastModifiedDateTime", Get: func(i *intent) any { return intuneTime(i.Modified) }},
	{Name: "templateId", Ops: odata.Eq, Get: func(i *intent) any { return i.templateID }},
	{Name: "roleScopeTagIds", Get: func(i *intent) any { return i.scopeTags }},
}}

var intentTemplateEntity = &entity.Type[intentTemplate]{Name: "microsoft.graph.deviceManagementTemplate", Properties: []entity.Property[intentTemplate]{
	{Name: "id", Ops: odata.Eq, Get: func(t intentTemplate) any { return t.id }},
	{Name: "displayName", Ops: odata.Eq | odata.Contains | odata.StartsWith, Get: func(t intentTemplate) any { return t.displayName }},
	{Name: "description", Get: func(t intentTemplate) any { return t.displayName + "." }},
	{Name: "versionInfo", Get: func(t intentTemplate) any { return t.version }},
	{Name: "isDeprecated", Get: func(intentTemplate) any { return true }}, // replaced by the new format in May 2023 (contract-2 u)
	{Name: "intentCount", Get: func(intentTemplate) any { return 0 }},
	{Name: "templateType", Ops: odata.Eq, Get: func(t intentTemplate) any { return t.kind }},
	{Name: "templateSubtype", Get: func(intentTemplate) any { return "none" }},
	{Name: "platformType", Get: func(intentTemplate) any { return "windows10AndLater" }},
	{Name: "publishedDateTime", Get: func(intentTemplate) any { return "2020-09-01T00:00:00Z" }},
}}

const (
	intentsContext         = "deviceManagement/intents"
	intentTemplatesContext = "deviceManagement/templates"
)

func listIntents(c *call) (*reply, error) {
	return listReply(c, c.Query, intentEntity, c.server.intents.Listed(c.listAsOf()), listStyle{context: intentsContext, size: 100, max: 1000, count: countPage})
}

func (c *call) intentReply(i *intent) (*reply, error) {
	members, err := intentEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	return c.entityReply(http.StatusOK, intentsContext+"/$entity", entity.Render(i, members)), nil
}

func getIntent(c *call) (*reply, error) {
	i, err := c.server.intents.See(c.byID())
	if err != nil {
		return nil, err
	}
	return c.intentReply(i)
}

func listIntentSettings(c *call) (*reply, error) {
	i, err := c.server.intents.See(c.byID())
	if err != nil {
		return nil, err
	}
	if category := c.params["category"]; category != "" && !ids.Same(category, intentCategory) {
		return nil, c.NotFound(category)
	}
	return c.plainList(intentsContext+"('"+i.ID+"')/settings", intentSettingObjects(i.settings)), nil
}

// plainList is a whole list without pages.
func (c *call) plainList(context string, value []object) *reply {
	return &reply{status: http.StatusOK, body: object{"@odata.context": c.context(context, nil), "value": value}}
}

func listIntentCategories(c *call) (*reply, error) {
	i, err := c.server.intents.See(c.byID())
	if err != nil {
		return nil, err
	}
	return c.plainList(intentsContext+"('"+i.ID+"')/categories", []object{{"id": intentCategory, "displayName": "Microsoft Edge", "hasRequiredSetting": false}}), nil
}

func listIntentAssignments(c *call) (*reply, error) {
	i, err := c.server.intents.See(c.byID())
	if err != nil {
		return nil, err
	}
	out := []object{}
	for _, a := range i.assignments {
		out = append(out, object{"id": i.ID + "_" + a.suffix(), "target": a.targetObject()})
	}
	return c.plainList(intentsContext+"('"+i.ID+"')/assignments", out), nil
}

// assignIntent replaces the whole set: 204. Baselines support no assignment
// filters (contract-2 y.2); that one is refused is ASSUMED.
func assignIntent(c *call) (*reply, error) {
	s := c.server
	i, err := s.intents.Find(c.byID())
	if err != nil {
		return nil, err
	}
	next, err := c.readAssignments("deviceManagementIntentAssignment")
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(next, func(a assignment) bool { return a.filterType != "none" }) {
		return nil, c.BadRequest("Assignment filters are not supported for security baselines.")
	}
	s.intents.Change(s.instant(), i)
	i.assignments = next
	s.applyIntent(i)
	s.changeAssignments(i.shadow, next, c.now)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

var intentShape = shape.Shape{TypeName: "microsoft.graph.deviceManagementIntent", Members: map[string]shape.Member{
	"id": {Kind: shape.String, ReadOnly: true}, "isAssigned": {Kind: shape.Bool, ReadOnly: true}, "isMigratingToConfigurationPolicy": {Kind: shape.Bool, ReadOnly: true},
	"lastModifiedDateTime": {Kind: shape.Date, ReadOnly: true}, "templateId": {Kind: shape.String, ReadOnly: true},
	"displayName": {Kind: shape.String}, "description": {Kind: shape.String}, "roleScopeTagIds": {Kind: shape.Strings}}}

func patchIntent(c *call) (*reply, error) {
	s := c.server
	i, err := s.intents.Find(c.byID())
	if err != nil {
		return nil, err
	}
	body := c.Body
	if err := intentShape.Check(&c.Request, body, false); err != nil {
		return nil, err
	}
	s.intents.Change(s.instant(), i)
	if name := text(body, "displayName"); name != "" {
		i.displayName = name
	}
	if _, given := body["description"]; given {
		i.description = text(body, "description")
	}
	if tags, given := body["roleScopeTagIds"]; given {
		i.scopeTags = scopeTagsOf(tags)
	}
	s.applyIntent(i)
	c.changed()
	return c.intentReply(i)
}

func deleteIntent(c *call) (*reply, error) {
	s := c.server
	i, err := s.intents.Find(c.byID())
	if err != nil {
		return nil, err
	}
	s.intents.Remove(s.instant(), i)
	s.dropShadow(i.shadow)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// updateIntentSettings changes or adds settings: 204. null takes a setting back
// to not configured, and its entry stays (contract-2 u).
func updateIntentSettings(c *call) (*reply, error) {
	s := c.server
	i, err := s.intents.Find(c.byID())
	if err != nil {
		return nil, err
	}
	body := c.Body
	delete(body, "@odata.type")
	in := shape.Shape{TypeName: "microsoft.graph.updateSettingsPostRequestBody", Members: map[string]shape.Member{"settings": {Kind: shape.Objects, Required: true}}}
	if err := in.Check(&c.Request, body, true); err != nil {
		return nil, err
	}
	next, err := c.mergeIntentSettings(i.settings, body["settings"])
	if err != nil {
		return nil, err
	}
	s.intents.Change(s.instant(), i)
	i.settings = next
	s.applyIntent(i)
	c.changed()
	return &reply{status: http.StatusNoContent}, nil
}

// mergeIntentSettings lays settings over others. A value may come as valueJson or
// as value (contract-2 u: both are in use).
func (c *call) mergeIntentSettings(settings []intentSetting, given any) ([]intentSetting, error) {
	out := slices.Clone(settings)
	for _, in := range objects(given) {
		definition := text(in, "definitionId")
		if definition == "" {
			return nil, c.BadRequest("A value is required for property 'definitionId' of a setting.")
		}
		valueJSON, isText := in["valueJson"].(string)
		if !isText {
			raw, err := json.Marshal(in["value"])
			if err != nil {
				return nil, c.BadRequest("The value of setting '%s' is not valid.", definition)
			}
			valueJSON = string(raw)
		}
		if !json.Valid([]byte(valueJSON)) {
			return nil, c.BadRequest("Property 'valueJson' of setting '%s' is not JSON.", definition)
		}
		at := slices.IndexFunc(out, func(s intentSetting) bool { return strings.EqualFold(s.definition, definition) })
		if at < 0 {
			id, _ := c.server.nextID("intentSetting")
			out, at = append(out, intentSetting{id: id.String(), definition: definition}), len(out)
		}
		out[at].valueJSON = valueJSON
	}
	return out, nil
}

// applyIntent brings the state of an intent to devices: a setting of the old Edge
// baseline writes the policy of its name for the device.
func (s *Server) applyIntent(i *intent) {
	values := map[string]string{}
	for _, setting := range i.settings {
		name, isEdge := strings.CutPrefix(strings.ToLower(setting.definition), strings.ToLower(admxPrefix))
		end := map[string]string{`"enabled"`: "_1", `"disabled"`: "_0", "true": "_1", "false": "_0"}[strings.ToLower(setting.valueJSON)]
		if d := s.edgeDefinition(name); isEdge && end != "" && d != nil {
			values[d.ID] = d.ID + end
		}
	}
	i.shadow = s.shadowed(i.shadow, i.Meta, i.displayName, intentBaseType, values)
}

// edgeDefinition is the device-scoped Windows setting of an Edge policy.
func (s *Server) edgeDefinition(name string) *definition {
	for _, d := range s.catalog.Definitions() {
		if strings.EqualFold(d.Name, name) && d.OfEdge() && !d.User() && d.Platform == "windows10" && d.RootID == d.ID && d.Kind == catalog.Choice {
			return d
		}
	}
	return nil
}

func listIntentTemplates(c *call) (*reply, error) {
	return listReply(c, c.Query, intentTemplateEntity, entity.EachOf(intentTemplates), listStyle{context: intentTemplatesContext, size: 100, max: 1000, count: countPage,
		decorate: func(key int64, out object) error {
			c.server.countIntents(intentTemplates[key].id, out)
			return nil
		}})
}

func (s *Server) countIntents(template string, out object) {
	if _, shown := out["intentCount"]; !shown {
		return
	}
	n := 0
	for _, i := range s.intents.All() {
		n += boolInt(i.templateID == template)
	}
	out["intentCount"] = n
}

// intentTemplate finds the template of the path.
func (c *call) intentTemplate() (*intentTemplate, error) {
	for i := range intentTemplates {
		if ids.Same(intentTemplates[i].id, c.params["id"]) {
			return &intentTemplates[i], nil
		}
	}
	return nil, c.NotFound(c.params["id"])
}

func getIntentTemplate(c *call) (*reply, error) {
	members, err := intentTemplateEntity.Projection(&c.Request, c.Query.Selected)
	if err != nil {
		return nil, err
	}
	t, err := c.intentTemplate()
	if err != nil {
		return nil, err
	}
	out := entity.Render(*t, members)
	c.server.countIntents(t.id, out)
	return c.entityReply(http.StatusOK, intentTemplatesContext+"/$entity", out), nil
}

// listTemplateCategories shows the categories, with definitions on request: ids
// and display names (contract-2 u).
func listTemplateCategories(c *call) (*reply, error) {
	expands, err := c.expansions("settingDefinitions")
	if err != nil {
		return nil, err
	}
	t, err := c.intentTemplate()
	if err != nil {
		return nil, err
	}
	category := object{"id": intentCategory, "displayName": "Microsoft Edge", "hasRequiredSetting": false}
	if len(expands) > 0 {
		definitions := []object{}
		for _, setting := range t.settings {
			title := strings.TrimPrefix(setting.definition, admxPrefix)
			if d := c.server.edgeDefinition(title); d != nil {
				title = d.DisplayName
			}
			definitions = append(definitions, object{"id": setting.definition, "displayName": title, "valueType": "string", "isTopLevel": true})
		}
		category["settingDefinitions"] = definitions
	}
	return c.plainList(intentTemplatesContext+"('"+t.id+"')/categories", []object{category}), nil
}

func listRecommended(c *call) (*reply, error) {
	t, err := c.intentTemplate()
	if err != nil {
		return nil, err
	}
	if !ids.Same(c.params["category"], intentCategory) {
		return nil, c.NotFound(c.params["category"])
	}
	return c.plainList(intentTemplatesContext+"('"+t.id+"')/categories('"+intentCategory+"')/recommendedSettings", intentSettingObjects(t.settings)), nil
}

var createInstanceShape = shape.Shape{TypeName: "microsoft.graph.createInstancePostRequestBody", Members: map[string]shape.Member{
	"displayName": {Kind: shape.String, Required: true}, "description": {Kind: shape.String}, "settingsDelta": {Kind: shape.Objects}, "roleScopeTagIds": {Kind: shape.Strings}}}

// createIntent makes an intent of a template: its recommended values, and what
// the request changes of them.
func createIntent(c *call) (*reply, error) {
	t, err := c.intentTemplate()
	if err != nil {
		return nil, err
	}
	body := c.Body
	delete(body, "@odata.type")
	if err := createInstanceShape.Check(&c.Request, body, true); err != nil {
		return nil, err
	}
	i, err := c.newIntent(t, body["settingsDelta"])
	if err != nil {
		return nil, err
	}
	i.displayName, i.description, i.scopeTags = text(body, "displayName"), text(body, "description"), scopeTagsOf(body["roleScopeTagIds"])
	shelve(c.server, &c.server.intents, i, "intent")
	c.changed()
	return c.intentReply(i)
}

func (c *call) newIntent(t *intentTemplate, delta any) (*intent, error) {
	settings := slices.Clone(t.settings)
	for k := range settings {
		id, _ := c.server.nextID("intentSetting")
		settings[k].id = id.String()
	}
	settings, err := c.mergeIntentSettings(settings, delta)
	return &intent{templateID: t.id, settings: settings}, err
}

// addIntentBaseline is a scenario's foreign policy as an intent.
func (s *Server) addIntentBaseline(name string, d *definition, enabled bool, target assignment) error {
	if err := s.checkIntentBaseline(d); err != nil {
		return err
	}
	value := `"disabled"`
	if enabled {
		value = `"enabled"`
	}
	id, _ := s.nextID("intentSetting")
	i := &intent{displayName: name, scopeTags: []string{"0"}, templateID: intentTemplates[0].id, assignments: []assignment{target},
		settings: []intentSetting{{id.String(), admxPrefix + d.Name, value}}}
	shelve(s, &s.intents, i, "intent")
	s.applyIntent(i)
	s.standing(i.shadow, target)
	s.baselineParts = func() {
		if s.intents.Get(i.ID) != nil { // an admin may have deleted it
			s.intents.Remove(s.instant(), i)
			s.dropShadow(i.shadow)
		}
	}
	return nil
}

func (s *Server) checkIntentBaseline(d *definition) error {
	if d != s.edgeDefinition(d.Name) {
		return fmt.Errorf("scenario: conflictingBaseline.definition %q is no device setting of Edge for Windows, which an intent needs", d.ID)
	}
	return nil
}
