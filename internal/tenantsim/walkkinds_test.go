// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// refusedKinds are types that the metadata allows in a body and the tenant does
// not take, with the reason. Each is tried.
var refusedKinds = map[string]string{
	"namedLocation":                 "a location is of one of the kinds below it (documentation of the resource)",
	"compliantNetworkNamedLocation": "comes with the network access product, which is not simulated",
	"privateLinkNamedLocation":      "the same",
	"serviceTagNamedLocation":       "the same",
	"whatIfAnalysisResult":          "is an answer of evaluate, and no policy",

	"emailAuthenticationMethodConfiguration":                  "only passkeys are simulated (contract i)",
	"externalAuthenticationMethodConfiguration":               "the same",
	"hardwareOathAuthenticationMethodConfiguration":           "the same",
	"microsoftAuthenticatorAuthenticationMethodConfiguration": "the same",
	"qrCodePinAuthenticationMethodConfiguration":              "the same",
	"smsAuthenticationMethodConfiguration":                    "the same",
	"softwareOathAuthenticationMethodConfiguration":           "the same",
	"temporaryAccessPassAuthenticationMethodConfiguration":    "the same",
	"verifiableCredentialsAuthenticationMethodConfiguration":  "the same",
	"voiceAuthenticationMethodConfiguration":                  "the same",
	"x509CertificateAuthenticationMethodConfiguration":        "the same",
}

// refusedLists are lists of objects that a change cannot write, with the reason.
var refusedLists = map[string]string{
	"devices/{id} alternativeSecurityIds": "is the service's own (documentation of the resource)",
	"groups assignedLabels":               "an application cannot write it (documentation of the resource: delegated only)",
	"groups assignedLicenses":             "has an action of its own (group-assignlicense)",
	"groups onPremisesProvisioningErrors": "tells of errors, read-only",
	"groups serviceProvisioningErrors":    "the same",
}

// key names a member in what the walk finds.
func (w *walker) key(pattern string, at []string) string {
	if w.kind != "" && pattern == w.pattern {
		pattern += " " + w.kind
	}
	return w.version + " " + pattern + " " + strings.Join(at, ".")
}

// eachKind walks a pattern once for every type that its objects can be of: the one
// of its specimen, those that have a specimen under the pattern and their name,
// and never one that nobody thought of.
func (w *walker) eachKind(pattern string, visit func(request string)) {
	w.Helper()
	for _, kind := range w.kindsOf(pattern) {
		w.pattern, w.kind = pattern, kind
		if kind == w.firstKind(pattern) {
			w.kind = ""
		}
		if _, known := w.specimen(pattern); known {
			visit("graph." + kind)
		} else if refusedKinds[kind] == "" {
			w.Errorf("%s takes a %s: add a specimen under %q, or say in refusedKinds why not", pattern, kind, pattern+" "+kind)
		}
		w.pattern, w.kind = "", ""
	}
}

// kindsOf are the types that a body of a pattern can state.
func (w *walker) kindsOf(pattern string) []string {
	request, _, known := graphschema.Bodies(w.version, post, pattern)
	if !known || operations[path.Base(pattern)] {
		request, _, _ = graphschema.Bodies(w.version, patc, pattern)
	}
	if plain, ok := strings.CutPrefix(request, "graph."); ok {
		return w.schema.Kinds(plain)
	}
	return []string{strings.TrimPrefix(specimens[pattern].kind, "graph.")} // of a type that the extract has not
}

// firstKind is the type of the specimen under the pattern alone.
func (w *walker) firstKind(pattern string) string {
	var body object
	if err := json.Unmarshal([]byte(specimens[pattern].body), &body); err != nil {
		w.Fatalf("specimen of %s: %v", pattern, err)
	}
	kinds := w.kindsOf(pattern)
	if stated := text(body, odata.TypeAnnotation); stated != "" {
		return strings.TrimPrefix(stated, "#microsoft.graph.")
	}
	request, _, _ := graphschema.Bodies(w.version, post, pattern)
	if plain := strings.TrimPrefix(request, "graph."); slices.Contains(kinds, plain) {
		return plain
	}
	return kinds[0]
}

// isObjects reports whether a value is a list of objects.
func isObjects(v any) bool { return len(objects(plainJSON(v))) > 0 }

// replacing wants each list of objects to have been changed twice, so that the
// second value showed whether the first was replaced.
func (w *walker) replacing() {
	for _, key := range sortedKeys(w.lists) {
		_, member, _ := strings.Cut(key, " ")
		switch reason := refusedLists[member]; {
		case w.lists[key] < 2 && reason == "":
			w.found.hit(key, "no change of this list was taken: give its specimen two values, or say in refusedLists why it cannot be written")
		case w.lists[key] > 0 && reason != "":
			w.found.hit(key, "is changed: take it off refusedLists")
		}
	}
}

// TestWalkRefusedKinds: what is said to be refused is refused.
func TestWalkRefusedKinds(t *testing.T) {
	tried := map[string]bool{}
	for _, version := range []string{"beta", "v1.0"} {
		w := newWalker(t, version, newGapBook(""))
		for i := range routes {
			r := &routes[i]
			if r.method != post && r.method != patc || version == "v1.0" && r.betaOnly {
				continue
			}
			request, _, _ := graphschema.Bodies(version, r.method, r.pattern)
			plain, isGraph := strings.CutPrefix(request, "graph.")
			if !isGraph {
				continue
			}
			for _, kind := range w.schema.Kinds(plain) {
				if refusedKinds[kind] == "" {
					continue
				}
				tried[kind] = true
				target, _ := w.fill(r.pattern)
				if status, _, raw := w.send(r.method, target, object{odata.TypeAnnotation: "#microsoft.graph." + kind, "displayName": "walk"}); status < 400 || status >= 500 {
					t.Errorf("%s %s of a %s: %d %.200s", r.method, r.pattern, kind, status, raw)
				}
			}
		}
	}
	for kind := range refusedKinds {
		if !tried[kind] {
			t.Errorf("no route takes a %s: take it off refusedKinds", kind)
		}
	}
}

// deepInserts are navigations that a body may hold.
var deepInserts = map[string]bool{"deviceManagementConfigurationPolicy.settings": true, "groupPolicyDefinitionValue.presentationValues": true,
	"authenticationStrengthPolicy.combinationConfigurations": true}

// places finds every type that a value inside a body can state, by the member of
// the body that holds it.
func (w *walker) places(request string) map[string][]string {
	out, seen := map[string][]string{}, map[string]bool{}
	var below func(kind, root string)
	enter := func(at, inner string) {
		kinds := w.schema.Kinds(strings.TrimPrefix(inner, "graph."))
		for _, k := range kinds {
			if len(kinds) > 1 {
				out[at] = append(out[at], k)
			}
			below("graph."+k, at)
		}
	}
	below = func(kind, root string) {
		members := w.schema.MembersOf(kind)
		for _, name := range sortedKeys(members) {
			inner, isNav := strings.CutPrefix(members[name], "nav:")
			inner = strings.TrimPrefix(inner, "[]")
			at := root
			if at == "" {
				at = name
			}
			written := !isNav || strings.HasPrefix(kind, "action.") || deepInserts[strings.TrimPrefix(kind, "graph.")+"."+name]
			if written && w.schema.MembersOf(inner) != nil && !seen[at+inner] {
				seen[at+inner] = true
				enter(at, inner)
			}
		}
	}
	plain, isGraph := strings.CutPrefix(request, "graph.")
	if !isGraph {
		below(request, "")
	}
	for _, kind := range w.schema.Kinds(plain) {
		if isGraph && refusedKinds[kind] == "" {
			below("graph."+kind, "")
		}
	}
	return out
}

// holder is a member of a body in which values of several types can stand.
type holder struct {
	// read is where the member is read, below the object; empty: in the object.
	read string
	// base are the other members that a body of an action needs, JSON.
	base string
	// asked are members of a question: nothing keeps them, they must be taken.
	asked bool
	// samples are two values of the whole member by the type that each holds: one
	// when the object is made, one that replaces it. "@" stands for @odata.type.
	samples map[string][2]string
	// refused are types that are refused there, with the reason; each is tried
	// with the sample that it has.
	refused map[string]string
}

// targetSample and scheduleSample are lists of one assignment.
func targetSample(members string) string { return `[{"target":{` + members + `}}]` }

func scheduleSample(members string) string {
	return `[{"target":{"@":"allDevicesAssignmentTarget"},"runSchedule":{` + members + `}}]`
}

func settingSample(members string) string {
	return `[{"settingInstance":{` + strings.ReplaceAll(members, "CM", "deviceManagementConfiguration") + `}}]`
}

// both are two samples that differ in one word.
func both(sample, first, second string) [2]string {
	return [2]string{strings.ReplaceAll(sample, "%s", first), strings.ReplaceAll(sample, "%s", second)}
}

const noCollections = "collections of Configuration Manager are not simulated"

// targets are samples of every target of an assignment. What replaces a target
// without a group is another kind of target.
func targets() map[string][2]string {
	everybody := targetSample(`"@":"allLicensedUsersAssignmentTarget"`)
	return map[string][2]string{
		"allDevicesAssignmentTarget":                     {targetSample(`"@":"allDevicesAssignmentTarget"`), everybody},
		"allLicensedUsersAssignmentTarget":               {everybody, targetSample(`"@":"allDevicesAssignmentTarget"`)},
		"exclusionGroupAssignmentTarget":                 {targetSample(`"@":"exclusionGroupAssignmentTarget","groupId":"GROUP"`), everybody},
		"groupAssignmentTarget":                          {targetSample(`"@":"groupAssignmentTarget","groupId":"GROUP"`), everybody},
		"configurationManagerCollectionAssignmentTarget": {targetSample(`"@":"configurationManagerCollectionAssignmentTarget","collectionId":"walk"`), everybody},
	}
}

func parameters() map[string][2]string {
	return map[string][2]string{
		"deviceHealthScriptBooleanParameter": both(`[{"@":"deviceHealthScriptBooleanParameter","name":"%s","defaultValue":true}]`, "a", "b"),
		"deviceHealthScriptIntegerParameter": both(`[{"@":"deviceHealthScriptIntegerParameter","name":"a","defaultValue":%s}]`, "1", "2"),
		"deviceHealthScriptStringParameter":  both(`[{"@":"deviceHealthScriptStringParameter","name":"a","defaultValue":"%s"}]`, "x", "y"),
	}
}

func scriptAssignments() map[string][2]string {
	out := targets()
	maps.Copy(out, map[string][2]string{
		"deviceHealthScriptDailySchedule":   both(scheduleSample(`"@":"deviceHealthScriptDailySchedule","interval":%s,"useUtc":true,"time":"01:00:00"`), "1", "2"),
		"deviceHealthScriptHourlySchedule":  both(scheduleSample(`"@":"deviceHealthScriptHourlySchedule","interval":%s`), "3", "4"),
		"deviceHealthScriptRunOnceSchedule": both(scheduleSample(`"@":"deviceHealthScriptRunOnceSchedule","useUtc":true,"time":"01:00:00","date":"2026-07-0%s"`), "1", "2"),
	})
	return out
}

func presentations() map[string][2]string {
	out := map[string][2]string{}
	for kind, value := range map[string]string{"Boolean": "true false", "Decimal": "1 2", "LongDecimal": "1 2", "Text": `"1" "2"`,
		"MultiText": `["a"] ["b"]`, "List": `[{"name":"a","value":"b"}] [{"name":"c","value":"d"}]`} {
		member := presentationKinds[kind]
		first, second, _ := strings.Cut(value, " ")
		out["groupPolicyPresentationValue"+kind] = both(`[{"@":"groupPolicyPresentationValue`+kind+`","`+member+`":%s,"presentation@odata.bind":"PRESENTATION"}]`, first, second)
	}
	return out
}

func ranges() map[string][2]string {
	return map[string][2]string{
		"iPv4CidrRange": both(`[{"@":"iPv4CidrRange","cidrAddress":"198.51.100.%s/32"}]`, "1", "2"),
		"iPv6CidrRange": both(`[{"@":"iPv6CidrRange","cidrAddress":"2001:db8::%s/128"}]`, "1", "2"),
		"iPv4Range":     both(`[{"@":"iPv4Range","lowerAddress":"198.51.100.%s","upperAddress":"198.51.100.9"}]`, "1", "2"),
		"iPv6Range":     both(`[{"@":"iPv6Range","lowerAddress":"2001:db8::%s","upperAddress":"2001:db8::9"}]`, "1", "2"),
	}
}

// settingKinds are of the definitions of testdata/kinds.json.
func settingKinds() map[string][2]string {
	text := `{"@":"CMStringSettingValue","value":"%s"}`
	child := `"children":[{"@":"CMSimpleSettingInstance","settingDefinitionId":"%d","simpleSettingValue":` + text + `}]`
	simple := `"@":"CMSimpleSettingInstance","settingDefinitionId":"`
	out := map[string][2]string{}
	for kind, v := range map[string][3]string{
		"ChoiceSettingInstance":           {`"@":"CMChoiceSettingInstance","settingDefinitionId":"choice","choiceSettingValue":{"value":"choice_%s","children":[]}`, "0", "2"},
		"ChoiceSettingCollectionInstance": {`"@":"CMChoiceSettingCollectionInstance","settingDefinitionId":"choices","choiceSettingCollectionValue":[{"value":"choices_%s","children":[]}]`, "a", "b"},
		"GroupSettingInstance":            {`"@":"CMGroupSettingInstance","settingDefinitionId":"group","groupSettingValue":{` + strings.ReplaceAll(child, "%d", "group_text") + `}`, "ab", "cd"},
		"GroupSettingCollectionInstance":  {`"@":"CMGroupSettingCollectionInstance","settingDefinitionId":"groups","groupSettingCollectionValue":[{` + strings.ReplaceAll(child, "%d", "groups_text") + `}]`, "1", "2"},
		"SimpleSettingInstance":           {simple + `text","simpleSettingValue":` + text, "abc", "abd"},
		"StringSettingValue":              {simple + `text","simpleSettingValue":` + text, "abc", "abd"},
		"SimpleSettingCollectionInstance": {`"@":"CMSimpleSettingCollectionInstance","settingDefinitionId":"texts","simpleSettingCollectionValue":[` + text + `,` + text + `]`, "a", "b"},
		"IntegerSettingValue":             {simple + `integer","simpleSettingValue":{"@":"CMIntegerSettingValue","value":%s}`, "5", "6"},
		"ReferenceSettingValue":           {simple + `text","simpleSettingValue":{"@":"CMReferenceSettingValue","value":"%s"}`, "abc", "abd"},
		"SecretSettingValue":              {simple + `secret","simpleSettingValue":{"@":"CMSecretSettingValue","value":"%s","valueState":"notEncrypted"}`, "one", "two"},
		"SettingGroupInstance":            {`"@":"CMSettingGroupInstance","settingDefinitionId":"loose"`, "", ""},
		"SettingGroupCollectionInstance":  {`"@":"CMSettingGroupCollectionInstance","settingDefinitionId":"groups"`, "", ""},
	} {
		out["deviceManagementConfiguration"+kind] = both(settingSample(v[0]), v[1], v[2])
	}
	return out
}

// holders by the member of the body.
var holders = map[string]holder{
	"ipRanges":                      {samples: ranges()},
	"combinationConfigurations":     {read: "/combinationConfigurations", samples: restrictions()},
	"presentationValues":            {read: "/presentationValues", samples: presentations()},
	"assignments":                   {read: "/assignments", samples: targets(), refused: map[string]string{"configurationManagerCollectionAssignmentTarget": noCollections}},
	"deviceHealthScriptAssignments": {read: "/assignments", samples: scriptAssignments(), refused: map[string]string{"configurationManagerCollectionAssignmentTarget": noCollections}},
	"detectionScriptParameters":     {samples: parameters()},
	"remediationScriptParameters":   {samples: parameters()},
	"conditions":                    {samples: guests()},
	"settings": {read: "/settings", samples: settingKinds(), refused: map[string]string{
		"deviceManagementConfigurationSettingGroupCollectionInstance": "has no values, which a collection of groups must have (contract a.2)"}},
	"serviceProvisioningErrors": {samples: map[string][2]string{
		"serviceProvisioningResourceError": both(`[{"@":"serviceProvisioningResourceError","isResolved":%s}]`, "true", "false"),
		"serviceProvisioningXmlError":      both(`[{"@":"serviceProvisioningXmlError","isResolved":%s}]`, "true", "false")},
		refused: map[string]string{"serviceProvisioningResourceError": "tells of errors, read-only", "serviceProvisioningXmlError": "the same"}},
	"signInIdentity": {asked: true, base: `{"signInContext":{"@":"applicationContext","includeApplications":["All"]}}`, samples: map[string][2]string{
		"userSignIn": both(`{"@":"userSignIn","userId":"USER"}`, "", ""), "servicePrincipalSignIn": both(`{"@":"servicePrincipalSignIn","servicePrincipalId":"PRINCIPAL"}`, "", ""),
		"agentSignIn": both(`{"@":"agentSignIn","agentServicePrincipalId":"PRINCIPAL"}`, "", "")}},
	"signInContext": {asked: true, base: `{"signInIdentity":{"@":"userSignIn","userId":"USER"}}`, samples: map[string][2]string{
		"applicationContext": both(`{"@":"applicationContext","includeApplications":["All"]}`, "", ""), "userActionContext": both(`{"@":"userActionContext","userAction":"registerSecurityInformation"}`, "", ""),
		"authContext": both(`{"@":"authContext","authenticationContextValue":"c1"}`, "", "")}},
}

// elsewhere are members of updateDefinitionValues: they hold what a definition
// value by itself does, and are read by the same code.
var elsewhere = map[string]bool{"added": true, "updated": true}

func restrictions() map[string][2]string {
	return map[string][2]string{
		"fido2CombinationConfiguration":           both(`[{"@":"fido2CombinationConfiguration","appliesToCombinations":["fido2"],"allowedAAGUIDs":["ea9b8d66-4d01-1d21-3ce4-b6b48cb575d%s"]}]`, "4", "5"),
		"x509CertificateCombinationConfiguration": both(`[{"@":"x509CertificateCombinationConfiguration","appliesToCombinations":["x509CertificateMultiFactor"],"allowedPolicyOIDs":["1.%s"]}]`, "2", "3"),
	}
}

func guests() map[string][2]string {
	sample := `{"clientAppTypes":["all"],"applications":{"includeApplications":["All"]},"users":{"includeGuestsOrExternalUsers":{"guestOrExternalUserTypes":"%s","externalTenants":`
	return map[string][2]string{
		"conditionalAccessAllExternalTenants":        both(sample+`{"@":"conditionalAccessAllExternalTenants","membershipKind":"all"}}}}`, "b2bCollaborationGuest", "internalGuest"),
		"conditionalAccessEnumeratedExternalTenants": both(sample+`{"@":"conditionalAccessEnumeratedExternalTenants","membershipKind":"enumerated","members":["0b4e1f6c-9d7a-4c55-8f3e-6a1d2c3b4a59"]}}}}`, "b2bCollaborationGuest", "internalGuest"),
	}
}

// TestWalkKinds: a value of every type that can stand in a body is kept and read
// as it was sent, and is gone when another replaces it.
func TestWalkKinds(t *testing.T) {
	used := map[string]bool{}
	for _, version := range []string{"beta", "v1.0"} {
		w, settings := newWalker(t, version, newGapBook("")), newWalker(t, version, newGapBook(""))
		settings.tenant = kinds(t) // a catalog with a definition of every kind
		for i := range routes {
			r := &routes[i]
			request, _, _ := graphschema.Bodies(version, r.method, r.pattern)
			if r.method != post || version == "v1.0" && r.betaOnly || r.refusesAlways() {
				continue // what PATCH and PUT take is what POST does
			}
			places := w.places(request)
			for _, member := range sortedKeys(places) {
				if elsewhere[member] {
					continue
				}
				kinds := places[member]
				h, known := holders[member]
				if !known {
					t.Errorf("%s: %s can hold %v: add it to holders", r.pattern, member, kinds)
					continue
				}
				for _, kind := range kinds {
					used[member+" "+kind] = true
					if h.samples[kind][0] == "" {
						t.Errorf("%s: %s can hold a %s: add a sample to holders", r.pattern, member, kind)
						continue
					}
					if member == "settings" {
						settings.hold(r, member, kind, &h)
					} else {
						w.hold(r, member, kind, &h)
					}
				}
			}
		}
	}
	for member, h := range holders {
		for kind := range h.samples {
			if !used[member+" "+kind] {
				t.Errorf("no body takes a %s in %s: take it off holders", kind, member)
			}
		}
	}
}

// hold writes both samples of one type: the first into a new object or by the
// action, the second over it.
func (w *walker) hold(r *route, member, kind string, h *holder) {
	w.Helper()
	what := w.version + " " + r.pattern + " " + member + " " + kind
	collection, isAction := strings.CutSuffix(r.pattern, "/assign")
	target, ok := w.fill(collection)
	if !ok {
		w.Errorf("%s: no object for a key", what)
		return
	}
	body, change := object{}, target
	switch {
	case isAction:
		change += "/assign"
		target, collection = change, strings.TrimSuffix(change, "/assign")
	case !h.asked:
		body = w.minimal(r.pattern, nil)
	}
	if h.base != "" {
		maps.Copy(body, w.sample(h.base, body).(object))
	}
	first, second := w.sample(h.samples[kind][0], body), w.sample(h.samples[kind][1], body)
	body[member] = first
	status, made, raw := w.send(post, target, body)
	if h.refused[kind] != "" {
		if status < 400 || status >= 500 {
			w.Errorf("%s: %d, want a refusal: %s", what, status, h.refused[kind])
		}
		return
	}
	if status >= 300 {
		w.Errorf("%s: %d %.300s", what, status, raw)
		return
	}
	if h.asked {
		return
	}
	item := collection
	if !isAction {
		item = target + "/" + text(made, "id")
	}
	w.holds(what, item, member, h, first, nil)
	switch {
	case isAction:
		status, _, raw = w.send(post, change, object{member: second})
	case w.patchable(r.pattern):
		status, _, raw = w.send(patc, item, w.nested(r.pattern, []string{member}, second))
	default:
		return
	}
	if status >= 300 {
		if !isNamed(raw, []string{member}) {
			w.Errorf("%s: the change answers %d %.300s", what, status, raw)
		}
		return
	}
	w.holds(what, item, member, h, second, first)
}

// holds wants a member to be read as it was sent, and nothing of what was there
// before.
func (w *walker) holds(what, item, member string, h *holder, want, old any) {
	w.Helper()
	at, name := item+h.read, "value"
	if h.read == "" {
		at, name = item+"?$select="+member, member
	}
	_, got, raw := w.send(get, at, nil)
	if !comesBack(withoutSecrets(want), got[name]) || !sameKinds(want, got[name]) {
		w.Errorf("%s: is read as %.500s, sent %v", what, raw, want)
	}
	if old != nil && !reflect.DeepEqual(old, want) && comesBack(withoutSecrets(old), got[name]) && sameKinds(old, got[name]) {
		w.Errorf("%s: after a change it still holds %v", what, old)
	}
}

// sample reads a sample and puts in the objects of the tenant that its words stand
// for; the body tells which definition a presentation is of.
func (w *walker) sample(sample string, body object) any {
	w.Helper()
	sample = strings.ReplaceAll(sample, `"@":"`, `"`+odata.TypeAnnotation+`":"#microsoft.graph.`)
	sample = strings.NewReplacer("CM", "deviceManagementConfiguration", "USER", w.sim.users[0].id.String(), "PRINCIPAL", w.sim.PrincipalID()).Replace(sample)
	if strings.Contains(sample, "PRESENTATION") {
		definition := w.withInput()
		body["definition@odata.bind"] = graphAddress + "('" + definition.id + "')"
		input := w.sim.presentations(definition)[0]
		sample = strings.ReplaceAll(sample, "PRESENTATION", graphAddress+"('"+definition.id+"')/presentations('"+input.id+"')")
	}
	var out any
	if err := json.Unmarshal([]byte(sample), &out); err != nil {
		w.Fatalf("%s: %v", sample, err)
	}
	w.realIDs(out)
	return out
}

// withInput is the first definition that has an input.
func (w *walker) withInput() *admxDefinition {
	all := w.sim.admxDefinitions()
	for i := range all {
		if len(w.sim.presentations(&all[i])) > 0 {
			return &all[i]
		}
	}
	w.Fatal("no definition has an input")
	return nil
}

// sameKinds reports whether what was answered states the types that were sent.
func sameKinds(sent, got any) bool {
	switch s := sent.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		for name, v := range s {
			if ok = ok && (name != odata.TypeAnnotation || g[name] == v) && (v == nil || strings.Contains(name, "@") || sameKinds(v, g[name])); !ok {
				return false
			}
		}
		return ok
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(s, g, sameKinds)
	default:
		return true
	}
}

// withoutSecrets takes off what no read shows.
func withoutSecrets(v any) any {
	out := plainJSON(v)
	var clean func(any)
	clean = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if v["valueState"] != nil {
				delete(v, "value")
				delete(v, "valueState")
			}
			for _, inner := range v {
				clean(inner)
			}
		case []any:
			for _, inner := range v {
				clean(inner)
			}
		}
	}
	clean(out)
	return out
}
