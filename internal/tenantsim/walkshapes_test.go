// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// The walk of the shapes reads every object that a route shows, in each version,
// and holds it against that version's metadata. Whether values fit their types is
// checked with every answer (graphschema); here it is about the members: none that
// the version does not have, and none missing. Routes and their types are found by
// themselves.

// beyond are members that answers carry and no metadata has, by version and type,
// with the source.
var beyond = map[string]map[string]string{
	"beta conditionalAccessPolicy": {"templateId": "documented answers of policydeletableitem", "partialEnablementStrategy": "the same"},
	"beta conditionalAccessConditionSet": {"times": "documented answers of conditionalaccessroot-evaluate", "clients": "the same",
		"agents": "exports", "signInRiskDetections": "exports"},
	"beta conditionalAccessSessionControls": {"networkAccessSecurity": "documented answers of conditionalaccessroot-evaluate"},
	"beta device":                           {"createdDateTime": "contract 0.3", "sourceType": "contract 0.3"},
	"v1.0 device":                           {"createdDateTime": "contract 0.3", "sourceType": "contract 0.3"},
}

// shapeBook collects what is shown of each type in each version.
type shapeBook struct {
	schema     map[string]*graphschema.Schema
	shown      map[string]map[string]bool // version type: members
	selectable map[string]bool            // version type: $select works
}

// TestWalkShapes: what is shown is what the version has.
func TestWalkShapes(t *testing.T) {
	book := &shapeBook{map[string]*graphschema.Schema{}, map[string]map[string]bool{}, map[string]bool{}}
	gaps := newGapBook("shapes")
	for _, version := range []string{"beta", "v1.0"} {
		w := newWalker(t, version, gaps)
		w.furnish()
		book.schema[version] = w.schema
		for i := range routes {
			if r := &routes[i]; r.method == get && (version == "beta" || !r.betaOnly) {
				book.read(w, r)
			}
		}
	}
	for _, key := range sortedKeys(book.shown) {
		book.judge(t, gaps, key)
	}
	gaps.close(t)
	for key, members := range beyond {
		for name := range members {
			if !book.shown[key][name] {
				t.Errorf("%s.%s is in no answer: take it off the list of members beyond the metadata", key, name)
			}
		}
	}
	if len(book.shown) < 90 {
		t.Errorf("only %d types were seen", len(book.shown))
	}
}

// read reads one route and notes what it shows.
func (b *shapeBook) read(w *walker, r *route) {
	_, response, _ := graphschema.Bodies(w.version, get, r.pattern)
	element, isList := strings.CutPrefix(response, "[]")
	kind, isGraph := strings.CutPrefix(element, "graph.")
	if !isGraph || w.schema.Types[kind] == nil {
		return
	}
	target, ok := w.seen(r.pattern)
	if !ok {
		w.found.hit(w.version+" "+r.pattern, "no object to read: let furnish make one")
		return
	}
	got := w.do(get, "/"+w.version+"/"+target, nil, "ConsistencyLevel", "eventual")
	var body object
	if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil || got.Code != 200 {
		w.found.hit(w.version+" "+r.pattern, "answers %d: %.200s", got.Code, got.Body)
		return
	}
	items := []object{body}
	if isList {
		items = objects(body["value"])
	}
	for _, item := range items {
		b.note(w, item, "graph."+kind, r.query&odata.OptSelect != 0)
	}
}

// seen fills the keys of a pattern with objects that the tenant has.
func (w *walker) seen(pattern string) (string, bool) {
	fixed := map[string]string{"users": w.sim.users[0].id.String(), "policies/authenticationMethodsPolicy/authenticationMethodConfigurations": "fido2",
		"servicePrincipals": w.sim.PrincipalID(), "directory/deletedItems": w.deletedGroup}
	var at []string
	for _, segment := range strings.Split(pattern, "/") {
		if strings.HasPrefix(segment, "{") {
			if segment = fixed[strings.Join(at, "/")]; segment == "" {
				segment = w.richest(strings.Join(at, "/"))
			}
			if segment == "" {
				return "", false
			}
		}
		at = append(at, segment)
	}
	return strings.Join(at, "/"), true
}

// richest is the object of a collection whose answer is the longest: it shows most.
func (w *walker) richest(collection string) string {
	if made := w.made[collection]; made != "" {
		return made
	}
	_, list, _ := w.send(get, collection, nil)
	best, size := "", 0
	for _, item := range objects(list["value"]) {
		if n := len(fmt.Sprint(item)); n > size && text(item, "id") != "" {
			best, size = text(item, "id"), n
		}
	}
	return best
}

// note writes down the members of an object and of those in it.
func (b *shapeBook) note(w *walker, item object, kind string, selectable bool) {
	name := strings.TrimPrefix(kind, "graph.")
	if stated, ok := item[odata.TypeAnnotation].(string); ok {
		name = strings.TrimPrefix(stated, "#microsoft.graph.")
	}
	members := w.schema.MembersOf("graph." + name)
	if members == nil {
		return
	}
	key := w.version + " " + name
	if b.shown[key] == nil {
		b.shown[key] = map[string]bool{}
	}
	b.selectable[key] = b.selectable[key] || selectable
	for member, v := range item {
		if strings.Contains(member, "@") {
			continue
		}
		b.shown[key][member] = true
		inner := strings.TrimPrefix(strings.TrimPrefix(members[member], "nav:"), "[]")
		if one, ok := v.(map[string]any); ok {
			b.note(w, one, inner, false)
		}
		for _, one := range objects(v) {
			b.note(w, one, inner, false)
		}
	}
}

// judge holds one type against its metadata.
func (b *shapeBook) judge(t *testing.T, gaps *gapBook, key string) {
	version, name, _ := strings.Cut(key, " ")
	members := b.schema[version].MembersOf("graph." + name)
	for _, shown := range slices.Sorted(maps.Keys(b.shown[key])) {
		if members[shown] == "" && beyond[key][shown] == "" {
			t.Errorf("%s has no member %s, which is shown", key, shown)
		}
	}
	if b.selectable[key] { // every member can be selected: TestWalkSelect
		return
	}
	for _, member := range slices.Sorted(maps.Keys(members)) {
		if !b.shown[key][member] && !strings.HasPrefix(members[member], "nav:") {
			gaps.hit(key+" "+member, "is in the metadata and in no answer")
		}
	}
}

// furnish makes an object of every kind, with as much as it can hold.
func (w *walker) furnish() {
	w.made = map[string]string{}
	root := "/" + w.version + "/"
	put := func(pattern string, body object) string {
		id := text(w.want(201, "POST", root+pattern, body), "id")
		w.made[pattern] = id
		return id
	}
	access := exported()
	if w.version == "v1.0" {
		access = stableMembers(&accessPolicyShape, access)
	}
	access["conditions"].(object)["locations"] = object{"includeLocations": []string{"All"}}
	put("identity/conditionalAccess/policies", access)
	gone := text(w.want(201, "POST", root+"identity/conditionalAccess/policies", accessBody("gone")), "id")
	w.want(204, "DELETE", root+"identity/conditionalAccess/policies/"+gone, nil)
	put("identity/conditionalAccess/namedLocations", offices("o", false, cidr("iPv4CidrRange", "192.0.2.0/24"), cidr("iPv6CidrRange", "2001:db8::/32")))
	put("identity/conditionalAccess/namedLocations", countries("c", "DE"))
	place := text(w.want(201, "POST", root+"identity/conditionalAccess/namedLocations", countries("gone", "DE")), "id")
	w.want(204, "DELETE", root+"identity/conditionalAccess/namedLocations/"+place, nil)
	strength := put("policies/authenticationStrengthPolicies", object{"displayName": "walk", "allowedCombinations": []string{"fido2", "x509CertificateMultiFactor"},
		"combinationConfigurations": []object{{"@odata.type": "#microsoft.graph.fido2CombinationConfiguration", "appliesToCombinations": []string{"fido2"}, "allowedAAGUIDs": []string{boundAAGUID}},
			{"@odata.type": "#microsoft.graph.x509CertificateCombinationConfiguration", "appliesToCombinations": []string{"x509CertificateMultiFactor"}, "allowedPolicyOIDs": []string{"1.2"}}}})
	w.made["identity/conditionalAccess/authenticationStrength/policies"] = strength
	w.furnishDirectory(root)
	if w.version == "beta" {
		w.furnishIntune()
	}
	every := 100.0
	w.scenario(func(sc *Scenario) { sc.Passkeys, sc.Approvals = &Passkeys{SyncedPercent: &every}, []string{"scripts"} })
	if w.version == "beta" { // queued for approval
		const scripts = "deviceManagement/deviceHealthScripts"
		w.want(412, "POST", "/beta/"+scripts, w.minimal(scripts, nil), headerJustification, "d2Fsaw==")
	}
	w.made["deviceManagement/reports/exportJobs"] = text(w.create("deviceManagement/reports/exportJobs", nil), "id")
	w.advance(9 * time.Hour)
	w.token = w.login()
}

// furnishDirectory makes a group with a member and an owner, and one that is gone.
func (w *walker) furnishDirectory(root string) {
	user, group := w.sim.users[0].id.String(), w.groupID("Walk")
	w.made["groups"] = group
	ref := func(to, id string) {
		w.want(204, "POST", root+"groups/"+group+"/"+to+"/$ref", object{"@odata.id": "https://" + testHost + "/v1.0/directoryObjects/" + id})
	}
	ref("owners", user)
	w.deletedGroup = text(w.create("groups", nil), "id")
	w.want(204, "DELETE", root+"groups/"+w.deletedGroup, nil)
}

// furnishIntune makes what only beta has, assigned to everybody.
func (w *walker) furnishIntune() {
	for _, pattern := range []string{"deviceManagement/assignmentFilters", "deviceManagement/configurationPolicies", "deviceManagement/deviceHealthScripts",
		"deviceManagement/reports/cachedReportConfigurations"} {
		w.made[pattern] = text(w.create(pattern, nil), "id")
	}
	configuration := text(w.create(groupPolicyContext, nil), "id")
	w.made[groupPolicyContext] = configuration
	bound := graphAddress + "/" + w.admx("Browser sign-in settings", `\Microsoft Edge`, "machine")
	input := w.all(strings.Replace(bound, "https://graph.microsoft.com", "", 1) + "/presentations")[0]
	w.want(204, "POST", groupPolicyPath+"/"+configuration+"/updateDefinitionValues", object{"updated": []object{}, "deletedIds": []string{}, "added": []object{{"enabled": true, "definition@odata.bind": bound,
		"presentationValues": []object{{"@odata.type": "#microsoft.graph.groupPolicyPresentationValueText", "value": "1", "presentation@odata.bind": bound + "/presentations/" + text(input, "id")}}}}})
	w.want(200, "POST", groupPolicyPath+"/"+configuration+"/assign", object{"assignments": []object{groupTarget(w.groupID("Walk"))}})
	policy, script := w.made["deviceManagement/configurationPolicies"], w.made["deviceManagement/deviceHealthScripts"]
	w.assign(policy, filteredTarget(w.groupID("Walk"), w.made["deviceManagement/assignmentFilters"], "include"))
	w.want(204, "POST", "/beta/deviceManagement/deviceHealthScripts/"+script+"/assign", object{"deviceHealthScriptAssignments": []object{
		{"target": object{"@odata.type": string(targetAllDevices)}, "runRemediationScript": true,
			"runSchedule": object{"@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule", "interval": 1, "useUtc": true, "time": "01:00:00"}}}})
}

// stableMembers takes off an export of beta what v1.0 does not have.
func stableMembers(s *shape.Shape, doc object) object {
	out := object{}
	for name, v := range doc {
		m, known := s.Members[name]
		switch inner, isObject := v.(object); {
		case !known || m.Beta:
		case isObject && m.Of != nil && m.Of.Variants == nil:
			out[name] = stableMembers(m.Of, inner)
		default:
			out[name] = v
		}
	}
	return out
}
