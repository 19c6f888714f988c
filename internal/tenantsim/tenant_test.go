// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

const testHost = "graph.test"

// tenant drives a simulated tenant through its handler. Whatever goes in and
// comes out must fit Graph's types; a body that is wrong on purpose is marked so.
type tenant struct {
	*testing.T
	sim   *Server
	token string
}

// wrong marks a body that does not fit Graph's types, to see it refused with 4xx.
type wrong struct{ body any }

// idealHere is why the tests of the simulator ask for an ideal tenant.
const idealHere = "a test of the simulator looks at one answer just after one write"

// newTenant is ideal unless its options say otherwise: see newOrdinary.
func newTenant(t *testing.T, o Options) *tenant {
	t.Helper()
	o.Ideal = idealHere
	return newOrdinary(t, o)
}

func newOrdinary(t *testing.T, o Options) *tenant {
	t.Helper()
	sim, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	tt := &tenant{T: t, sim: sim}
	tt.token = tt.login()
	return tt
}

// quiet has no noise: every device is managed, fit and always on.
func quiet(groups ...GroupSpec) Scenario {
	zero := 0.0
	return Scenario{StalePercent: &zero, NeverPercent: &zero, UnenrolledPercent: &zero, MissingPrerequisitePercent: &zero,
		UnencryptedPercent: &zero, OfficeHoursPercent: &zero, Groups: groups}
}

func (t *tenant) login() string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {t.sim.ClientID()}, "client_secret": {DefaultSecret}, "scope": {"https://graph.microsoft.com/.default"}}
	r := httptest.NewRequest(http.MethodPost, "/"+t.sim.TenantID()+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	t.serve(w, r)
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusOK {
		t.Fatalf("token: %d %s", w.Code, w.Body)
	}
	return body.AccessToken
}

// serve hands a request to the tenant and checks both bodies.
func (t *tenant) serve(w http.ResponseWriter, r *http.Request) {
	t.Helper()
	graphschema.Handler(t, t.sim.Handler()).ServeHTTP(w, r)
}

// do sends a request; headers are name, value pairs.
func (t *tenant) do(method, target string, body any, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	var reader io.Reader
	marked, isWrong := body.(wrong)
	if isWrong {
		body = marked.body
	}
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		reader = strings.NewReader(string(raw))
	}
	r := httptest.NewRequest(method, strings.ReplaceAll(target, " ", "%20"), reader)
	r.Host = testHost
	r.Header.Set("Authorization", "Bearer "+t.token)
	r.Header.Set("X-Forwarded-Proto", "https")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if isWrong {
		r.Header.Set(graphschema.WrongHeader, "on purpose")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	t.serve(w, r)
	return w
}

// want sends a request, checks the status and decodes the body.
func (t *tenant) want(status int, method, target string, body any, headers ...string) map[string]any {
	t.Helper()
	w := t.do(method, target, body, headers...)
	if w.Code != status {
		t.Fatalf("%s %s: status %d, want %d: %s", method, target, w.Code, status, w.Body)
	}
	out := map[string]any{}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Fatalf("%s %s: %v: %s", method, target, err, w.Body)
		}
	}
	return out
}

// all follows a list to its end.
func (t *tenant) all(target string, headers ...string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for target != "" {
		page := t.want(http.StatusOK, http.MethodGet, target, nil, headers...)
		out = append(out, objects(page["value"])...)
		target, _ = page["@odata.nextLink"].(string)
	}
	return out
}

// errorOf sends a request and returns the error's code and readable message. One
// that is refused as such, with 400 or 415, may be wrong on purpose.
func (t *tenant) errorOf(status int, method, target string, body any, headers ...string) (code, message string) {
	t.Helper()
	if body != nil && (status == http.StatusBadRequest || status == http.StatusUnsupportedMediaType) {
		body = wrong{body}
	}
	out := t.want(status, method, target, body, headers...)
	e, ok := out["error"].(map[string]any)
	if !ok {
		t.Fatalf("%s %s: no error object: %v", method, target, out)
	}
	inner, _ := e["innerError"].(map[string]any)
	if text(inner, "request-id") == "" || text(inner, "date") == "" {
		t.Errorf("%s %s: innerError lacks request-id or date: %v", method, target, inner)
	}
	return text(e, "code"), strings.TrimSpace(text(e, "message") + " " + text(inner, "message"))
}

func (t *tenant) advance(d time.Duration) {
	t.Helper()
	if err := t.sim.Advance(d); err != nil {
		t.Fatal(err)
	}
}

// groupID finds a group by display name.
func (t *tenant) groupID(name string) string {
	t.Helper()
	found := t.all("/v1.0/groups?$select=id&$filter=displayName eq '" + name + "'")
	if len(found) != 1 {
		t.Fatalf("%d groups are called %q", len(found), name)
	}
	return text(found[0], "id")
}

// choiceBody is a policy that sets one choice.
func choiceBody(name, platforms, technologies, definition, value string) object {
	return object{"name": name, "description": "", "platforms": platforms, "technologies": technologies, "roleScopeTagIds": []string{"0"},
		"settings": []object{{"@odata.type": typePrefix + "Setting", "settingInstance": object{
			"@odata.type": typePrefix + "ChoiceSettingInstance", "settingDefinitionId": definition,
			"choiceSettingValue": object{"value": value, "children": []object{}},
		}}}}
}

func allowBody(name string) object {
	return choiceBody(name, "windows10", "mdm", PasskeysWindowsDevice, PasskeysWindowsDevice+"_1")
}

func holdBody(name string) object {
	return choiceBody(name, "windows10", "mdm", PasskeysWindowsDevice, PasskeysWindowsDevice+"_0")
}

const policiesPath = "/beta/deviceManagement/configurationPolicies"

func (t *tenant) createPolicy(body object) string {
	t.Helper()
	return text(t.want(http.StatusCreated, http.MethodPost, policiesPath, body), "id")
}

func groupTarget(id string) object {
	return object{"target": object{"@odata.type": string(targetGroup), "groupId": id}}
}

func excludeTarget(id string) object {
	return object{"target": object{"@odata.type": string(targetExclude), "groupId": id}}
}

func (t *tenant) assign(policy string, targets ...object) {
	t.Helper()
	if targets == nil {
		targets = []object{}
	}
	t.want(http.StatusOK, http.MethodPost, policiesPath+"/"+policy+"/assign", object{"assignments": targets})
}

// status counts the results of a policy by word, without report lag.
func (t *tenant) status(name string) map[string]int {
	t.Helper()
	for _, p := range t.sim.Snapshot(false).Policies {
		if p.Name == name {
			return p.Status
		}
	}
	t.Fatalf("no policy is called %q", name)
	return nil
}

// TestRoutesHaveTypes: every endpoint that can succeed has bodies whose types
// are known, so that whoever asks for it is checked.
func TestRoutesHaveTypes(t *testing.T) {
	refusing := []string{"deviceManagement/managedDevices/$count"} // never succeeds (contract c)
	for _, r := range routes {
		if slices.Contains(refusing, r.pattern) {
			continue
		}
		for _, version := range []string{"beta", "v1.0"} {
			if (version == "beta" || !r.betaOnly) && !graphschema.Known(version, r.method, r.pattern) {
				t.Errorf("%s %s/%s: add it to internal/testkit/graphschema/routes.go", r.method, version, r.pattern)
			}
		}
	}
}

// TestFaultsAreMarked: an answer that a fault made or spoiled names it, inside a
// batch as well; one that is whole does not.
func TestFaultsAreMarked(t *testing.T) {
	if faultHeader != graphschema.FaultHeader {
		t.Fatalf("the header is %s here and %s in the check", faultHeader, graphschema.FaultHeader)
	}
	for name, tc := range map[string]struct {
		fault Fault
		// alone and inBatch are what the header says.
		alone, inBatch string
	}{
		"another route":   {Fault{Mode: FaultHTML, Match: FaultMatch{Method: "DELETE"}}, "", ""},
		"status":          {Fault{Mode: FaultStatus, Status: 500}, "status 0", "status 0"},
		"status, late":    {Fault{Mode: FaultStatus, Status: 500, AfterEffect: true}, "status 0", "status 0"},
		"html":            {Fault{Mode: FaultHTML, Name: "mine"}, "mine", "mine"},
		"throttle":        {Fault{Mode: FaultThrottle}, "throttle 0", "throttle 0"},
		"truncated":       {Fault{Mode: FaultTruncated}, "truncatedJSON 0", "truncatedJSON 0"},
		"cut":             {Fault{Mode: FaultCut}, "cutBody 0", "cutBody 0"},
		"delivered twice": {Fault{Mode: FaultDuplicate}, "", ""},
		// What is late or lost is whole or nothing; in a batch the gateway speaks.
		"late": {Fault{Mode: FaultDelay, Delay: Duration(time.Millisecond)}, "", "delay 0"},
		"lost": {Fault{Mode: FaultLostAnswer}, "", "lostAnswer 0"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.fault.Match.Route = "/v1.0/groups"
			tt := newTenant(t, Options{Devices: 5, Faults: []Fault{tc.fault}})
			if got := tt.faultAlone(); got != tc.alone {
				t.Errorf("alone it is marked %q, want %q", got, tc.alone)
			}
			out := tt.want(200, "POST", "/v1.0/$batch", object{"requests": []object{{"id": "1", "method": "GET", "url": "/groups"}}})
			headers, _ := objects(out["responses"])[0]["headers"].(map[string]any)
			if got := text(headers, faultHeader); got != tc.inBatch {
				t.Errorf("in a batch it is marked %q, want %q", got, tc.inBatch)
			}
		})
	}
}

// faultAlone asks for the groups and returns how the answer is marked, be it
// whole or cut off.
func (t *tenant) faultAlone() (mark string) {
	w := httptest.NewRecorder()
	defer func() {
		if e := recover(); e != nil && e != any(http.ErrAbortHandler) {
			panic(e)
		}
		mark = w.Header().Get(faultHeader)
	}()
	r := httptest.NewRequest(http.MethodGet, "/v1.0/groups", nil)
	r.Header.Set("Authorization", "Bearer "+t.token)
	t.serve(w, r)
	return ""
}

// TestSamplesAreAccepted creates settings catalog policies that were exported
// from tenants or recorded, in a catalog that has what they set. What they set
// comes back with equal values, and nothing comes with it.
func TestSamplesAreAccepted(t *testing.T) {
	const dir = "../../../shared/graph/samples"
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no ../shared/graph/samples beside the checkout: exported policies are not sent")
	}
	var files []string
	for pattern, least := range map[string]int{"settings-catalog/*_json__validate_create__post_*.json": 12, "captured/*_enrollment_policy__create*.json": 2, "captured/windows_autopilot*.json": 3, "captured/app_control_*.json": 2} {
		found, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
		if err != nil || len(found) < least {
			t.Fatalf("%s: %d samples, %v", pattern, len(found), err)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var body object
			if err := json.Unmarshal(raw, &body); err != nil {
				t.Fatal(err)
			}
			if body["settings"] == nil || body["name"] == nil {
				t.Skip("no policy")
			}
			tt := newTenant(t, Options{Devices: 5})
			delete(body, "templateReference") // the template is another tenant's
			body = withoutReferences(body).(object)
			plain := asJSON(t, body)
			odata.DropAnnotations(plain, false)
			sent := objects(withoutNulls(plain).(object)["settings"])
			for _, setting := range sent {
				tt.learn(setting["settingInstance"], body, "")
			}
			made := tt.createPolicy(body)
			got := tt.all(policiesPath + "/" + made + "/settings?$top=1000")
			for i := range max(len(got), len(sent)) {
				if i >= len(got) || i >= len(sent) || !reflect.DeepEqual(canonicalInstance(got[i]), canonicalInstance(sent[i])) {
					t.Fatalf("setting %d of %d came back as %v, sent %v", i, len(sent), got, sent)
				}
			}
		})
	}
}

// canonicalInstance is the instance of a setting without nulls and without the types that
// the declared type of a member says already.
func canonicalInstance(setting object) any {
	var drop func(v any) any
	drop = func(v any) any {
		switch v := v.(type) {
		case object:
			for name, inner := range v {
				v[name] = drop(inner)
			}
			if kind := text(v, "@odata.type"); kind == typePrefix+"ChoiceSettingValue" || kind == typePrefix+"GroupSettingValue" {
				delete(v, "@odata.type")
			}
		case []any:
			for i := range v {
				v[i] = drop(v[i])
			}
		}
		return v
	}
	return drop(withoutNulls(setting["settingInstance"]))
}

// withoutNulls drops members that are null, at every depth, and what only the
// portal sends (contract a.2: harmless to omit).
func withoutNulls(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for name, inner := range v {
			if inner != nil && name != "useTemplateDefault" {
				out[name] = withoutNulls(inner)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = withoutNulls(v[i])
		}
		return out
	default:
		return v
	}
}

// withoutReferences drops references to a template.
func withoutReferences(v any) any {
	switch v := v.(type) {
	case object:
		delete(v, "settingInstanceTemplateReference")
		delete(v, "settingValueTemplateReference")
		delete(v, "@odata.") // the recorder's: it names no annotation
		for name := range v {
			v[name] = withoutReferences(v[name])
		}
	case []any:
		for i := range v {
			v[i] = withoutReferences(v[i])
		}
	}
	return v
}

// learn adds what an instance sets to the catalog, and returns its id.
func (t *tenant) learn(instance any, policy object, root string) string {
	in, _ := instance.(map[string]any)
	d := definition{ID: text(in, "settingDefinitionId"), RootID: root, Platform: text(policy, "platforms"), Technologies: text(policy, "technologies"),
		Value: catalog.ValueRule{Kind: catalog.AnyValue, Low: math.MinInt32, High: math.MaxInt32}, Kind: catalog.SimpleCollection}
	setText(&root, d.ID)
	learned := func(children any) (ids []string) {
		for _, child := range objects(children) {
			ids = append(ids, t.learn(child, policy, root))
		}
		return ids
	}
	option := func(choice object) {
		children := learned(choice["children"])
		d.Options = append(d.Options, catalog.Option{ItemID: text(choice, "value"), Children: children, Needs: children})
	}
	switch {
	case in["choiceSettingValue"] != nil:
		d.Kind = catalog.Choice
		option(in["choiceSettingValue"].(map[string]any))
	case in["choiceSettingCollectionValue"] != nil:
		d.Kind = catalog.ChoiceCollection
		for _, choice := range objects(in["choiceSettingCollectionValue"]) {
			option(choice)
		}
	case in["simpleSettingValue"] != nil:
		d.Kind = catalog.Simple
	case in["groupSettingValue"] != nil:
		d.Kind, d.Children = catalog.Group, learned(in["groupSettingValue"].(map[string]any)["children"])
	case in["groupSettingCollectionValue"] != nil:
		d.Kind = catalog.GroupCollection
		for _, group := range objects(in["groupSettingCollectionValue"]) {
			d.Children = append(d.Children, learned(group["children"])...)
		}
	}
	if t.sim.catalog.Find(d.ID) == nil { // groups repeat what they set
		if err := t.sim.catalog.Add(d); err != nil {
			t.Fatal(err)
		}
	}
	return d.ID
}
