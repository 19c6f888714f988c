// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graphschema

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// policy is a body of the settings catalog as contract a.2 has it, with a place
// for a change.
const policy = `{"name":"n","description":"d","platforms":"windows10","technologies":"mdm,extensibility","roleScopeTagIds":["0"],
 "settings":[{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSetting","settingInstance":
  {"@odata.type":"#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance","settingDefinitionId":"x",
   "choiceSettingValue":{"value":"x_1","children":[
    {"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance","settingDefinitionId":"y",
     "simpleSettingValue":{"@odata.type":"#microsoft.graph.deviceManagementConfigurationIntegerSettingValue","value":5}}]}}}]}`

func TestValidate(t *testing.T) {
	const policies = "deviceManagement/configurationPolicies"
	device := `{"value":[{"id":"1","isEncrypted":true,"lastSyncDateTime":"2026-03-02T13:57:54.5031392Z","complianceState":"compliant"}],"@odata.count":1}`
	for name, tc := range map[string]struct {
		version, method, path string
		dir                   Direction
		body, want            string // want is part of the error; empty: none
	}{
		"a policy":                  {"beta", "POST", policies, Request, policy, ""},
		"a misspelt member":         {"beta", "POST", policies, Request, strings.Replace(policy, `"technologies"`, `"technologys"`, 1), `has no member "technologys"; did you mean "technologies"?`},
		"a member of a mock":        {"beta", "GET", policies + "/{id}", Response, `{"settingsCount":1}`, `did you mean "settingCount"?`},
		"a misspelt child":          {"beta", "POST", policies, Request, strings.Replace(policy, `"simpleSettingValue"`, `"simpleSetingValue"`, 1), `body.settings[0].settingInstance.choiceSettingValue.children[0].simpleSetingValue`},
		"a wrong enum member":       {"beta", "POST", policies, Request, strings.Replace(policy, `"windows10"`, `"windows11"`, 1), `"windows11" is not a member of deviceManagementConfigurationPlatforms; did you mean "windows10"?`},
		"a wrong flag":              {"beta", "POST", policies, Request, strings.Replace(policy, `mdm,extensibility`, `mdm, linuxMdm`, 1), `" linuxMdm" is not a member`},
		"a number as text":          {"beta", "POST", policies, Request, strings.Replace(policy, `"value":5`, `"value":"5"`, 1), `want a number of type Edm.Int32`},
		"a fraction":                {"beta", "POST", policies, Request, strings.Replace(policy, `"value":5`, `"value":5.5`, 1), `no Edm.Int32`},
		"one object for a list":     {"beta", "POST", policies, Request, strings.Replace(policy, `["0"]`, `"0"`, 1), `is text, want an array of Edm.String`},
		"null for a list":           {"beta", "POST", policies, Request, strings.Replace(policy, `["0"]`, `null`, 1), `OData has no null collection`},
		"no type of a value":        {"beta", "POST", policies, Request, strings.Replace(policy, `"@odata.type":"#microsoft.graph.deviceManagementConfigurationIntegerSettingValue",`, ``, 1), `lacks @odata.type: deviceManagementConfigurationSimpleSettingValue is abstract`},
		"a type that is not kin":    {"beta", "POST", policies, Request, strings.Replace(policy, `deviceManagementConfigurationIntegerSettingValue`, `deviceManagementConfigurationSetting`, 1), `does not derive from`},
		"a type unheard of":         {"beta", "POST", policies, Request, strings.Replace(policy, `ConfigurationIntegerSettingValue`, `ConfigurationLongSettingValue`, 1), `is unknown`},
		"something after the end":   {"beta", "POST", policies, Request, policy + "}", `is no JSON`},
		"a list of devices":         {"v1.0", "GET", "deviceManagement/managedDevices", Response, device, ""},
		"a list without value":      {"v1.0", "GET", "deviceManagement/managedDevices", Response, `{"@odata.count":0}`, `no member value`},
		"a bare list":               {"v1.0", "GET", "deviceManagement/managedDevices", Response, `[]`, `is an array, want an object`},
		"a beta member in v1.0":     {"v1.0", "GET", "deviceManagement/managedDevices", Response, strings.Replace(device, `"id"`, `"joinType":"hybridAzureADJoined","id"`, 1), `managedDevice has no member "joinType"`},
		"the same in beta":          {"beta", "GET", "deviceManagement/managedDevices", Response, strings.Replace(device, `"id"`, `"joinType":"hybridAzureADJoined","id"`, 1), ``},
		"a date without a zone":     {"v1.0", "GET", "deviceManagement/managedDevices", Response, strings.Replace(device, `92Z`, `92`, 1), `no Edm.DateTimeOffset`},
		"a count as text":           {"v1.0", "GET", "deviceManagement/managedDevices", Response, strings.Replace(device, `"@odata.count":1`, `"@odata.count":"1"`, 1), `want a number`},
		"a bind in a request":       {"v1.0", "PATCH", "groups/{id}", Request, `{"members@odata.bind":["https://graph.microsoft.com/v1.0/directoryObjects/a"]}`, ""},
		"a bind in an answer":       {"v1.0", "GET", "groups/{id}", Response, `{"members@odata.bind":["https://graph.microsoft.com/v1.0/directoryObjects/a"]}`, `which only a request may do`},
		"a bind of nothing":         {"v1.0", "PATCH", "groups/{id}", Request, `{"memberz@odata.bind":[]}`, `did you mean "members"?`},
		"a member without a kind":   {"v1.0", "GET", "groups/{id}/members", Response, `{"value":[{"id":"a"}]}`, ""},
		"a member that is known":    {"v1.0", "GET", "groups/{id}/members", Response, `{"value":[{"@odata.type":"#microsoft.graph.device","id":"a","deviceId":"b","sourceType":"x"}]}`, ""},
		"a wrong assign wrapper":    {"beta", "POST", "deviceManagement/deviceHealthScripts/{id}/assign", Request, `{"assignments":[]}`, `has no member "assignments"`},
		"a report":                  {"beta", "POST", "deviceManagement/reports/getConfigurationPolicyDevicesReport", Response, `{"TotalRowCount":1,"Schema":[{"Column":"A","PropertyType":"String"}],"Values":[["x"]],"SessionId":""}`, ""},
		"a report with a gap":       {"beta", "POST", "deviceManagement/reports/getConfigurationPolicyDevicesReport", Response, `{"TotalRowCount":1,"Schema":[{"Column":"A","PropertyType":"String"}],"Values":[["x","y"]]}`, `2 cells for 1 columns`},
		"a path nobody knows":       {"v1.0", "GET", "deviceManagement/configurationPolicies", Response, `{}`, `no route for GET /v1.0/deviceManagement/configurationPolicies`},
		"a wrong enum answered":     {"v1.0", "GET", "deviceManagement/managedDevices", Response, strings.Replace(device, `"compliant"`, `"complient"`, 1), `"complient" is not a member of complianceState; did you mean "compliant"?`},
		"a wrong type answered":     {"v1.0", "GET", "deviceManagement/managedDevices", Response, strings.Replace(device, `true`, `"true"`, 1), `is text, want true or false`},
		"a list for one object":     {"v1.0", "GET", "groups/{id}", Response, `{"value":[{"id":"a"}]}`, `group has no member "value"`},
		"one object for a page":     {"v1.0", "GET", "groups", Response, `{"id":"a"}`, `want a collection of graph.group`},
		"one value for a list":      {"v1.0", "GET", "groups/{id}", Response, `{"groupTypes":"Unified"}`, `is text, want an array of Edm.String`},
		"a list for one value":      {"v1.0", "GET", "groups/{id}", Response, `{"displayName":["a"]}`, `is an array, want text`},
		"null inside a list":        {"v1.0", "GET", "groups/{id}", Response, `{"groupTypes":[null]}`, `is null inside a collection`},
		"null for a page":           {"v1.0", "GET", "groups", Response, `{"value":null}`, `is null, want an array`},
		"null for a key":            {"v1.0", "GET", "groups/{id}", Response, `{"id":null}`, `body.id: is null`},
		"null for a type":           {"beta", "POST", policies, Request, strings.Replace(policy, `"#microsoft.graph.deviceManagementConfigurationSetting"`, `null`, 1), `body.settings[0]: @odata.type is <nil>`},
		"null for a link":           {"v1.0", "GET", "groups", Response, `{"value":[],"@odata.nextLink":null}`, `body.@odata.nextLink: is null`},
		"null that may be":          {"v1.0", "GET", "groups/{id}", Response, `{"id":"a","description":null,"assignedLabels":null}`, ""},
		"a type misspelt, nested":   {"beta", "POST", policies + "/{id}/assign", Request, `{"assignments":[{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTargt","groupId":"g"}}]}`, `"#microsoft.graph.groupAssignmentTargt" is unknown`},
		"a type answered, nested":   {"beta", "GET", policies + "/{id}/assignments", Response, `{"value":[{"id":"a","target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupID":"g"}}]}`, `did you mean "groupId"?`},
		"a member of another kind":  {"beta", "POST", policies + "/{id}/assign", Request, `{"assignments":[{"target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget","groupId":"g"}}]}`, `allDevicesAssignmentTarget has no member "groupId"`},
		"a bind of one value":       {"v1.0", "PATCH", "groups/{id}", Request, `{"members@odata.bind":"https://graph.microsoft.com/v1.0/directoryObjects/a"}`, `is text, want an array of Edm.String`},
		"a bind of null":            {"v1.0", "PATCH", "groups/{id}", Request, `{"members@odata.bind":null}`, `is null`},
		"a bind of a value":         {"v1.0", "PATCH", "groups/{id}", Request, `{"displayName@odata.bind":["x"]}`, `only to a navigation property`},
		"a bind, misspelt":          {"v1.0", "PATCH", "groups/{id}", Request, `{"members@odata.bnd":["x"]}`, `unknown annotation @odata.bnd`},
		"open members of a device":  {"v1.0", "GET", "devices", Response, `{"value":[{"id":"a","createdDateTime":"2026-03-02T13:57:54Z","sourceType":"x"}]}`, ""},
		"an open member, ill-typed": {"v1.0", "GET", "devices", Response, `{"value":[{"id":"a","createdDateTime":5}]}`, `is a number, want text of type Edm.DateTimeOffset`},
		"a stranger on a device":    {"v1.0", "GET", "devices", Response, `{"value":[{"id":"a","createdDate":"2026-03-02T13:57:54Z"}]}`, `device has no member "createdDate"`},
		"top as text":               {"beta", "POST", "deviceManagement/reports/getConfigurationPolicyDevicesReport", Request, `{"top":"50"}`, ""},
		"top as a word":             {"beta", "POST", "deviceManagement/reports/getConfigurationPolicyDevicesReport", Request, `{"top":"all"}`, `no Edm.Int32`},
		"skip as text":              {"beta", "POST", "deviceManagement/reports/getConfigurationPolicyDevicesReport", Request, `{"skip":"50"}`, `is text, want a number`},
		"a wrong reference":         {"v1.0", "POST", "groups/{id}/members/$ref", Request, `{"@odata.id":"directoryObjects/a"}`, `no absolute URL`},
	} {
		t.Run(name, func(t *testing.T) {
			err := Validate(tc.version, tc.method, tc.path, tc.dir, []byte(tc.body))
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestCheckErrorsAndBatches(t *testing.T) {
	jsonType := http.Header{"Content-Type": {"application/json"}}
	for name, tc := range map[string]struct {
		method, target, sent string
		status               int
		header               http.Header
		got, want            string
	}{
		"an error": {"GET", "/v1.0/groups/a", "", 404, jsonType,
			`{"error":{"code":"Request_ResourceNotFound","message":"m","innerError":{"date":"2026-10-02T09:14:31","request-id":"r","client-request-id":"c"}}}`, ""},
		"an error with a stranger":  {"GET", "/v1.0/groups/a", "", 404, jsonType, `{"error":{"code":"x","msg":"m"}}`, `mainError has no member "msg"`},
		"a gateway":                 {"GET", "/v1.0/groups/a", "", 502, http.Header{"Content-Type": {"text/html"}}, `<html>`, ""},
		"an error of a lost path":   {"GET", "/v1.0/nowhere", "", 400, jsonType, `{"error":{"code":"BadRequest","message":"m"}}`, ""},
		"success of a lost path":    {"GET", "/v1.0/nowhere", "", 200, jsonType, `{}`, "no route"},
		"a token":                   {"POST", "/tenant/oauth2/v2.0/token", "x=y", 200, jsonType, `{"anything":1}`, ""},
		"no answer where one is":    {"GET", "/v1.0/groups/a", "", 200, jsonType, ``, "is empty"},
		"an answer where none is":   {"DELETE", "/v1.0/groups/a", "", 200, jsonType, `{"id":"a"}`, "the endpoint has none"},
		"a count":                   {"GET", "/v1.0/groups/a/members/$count", "", 200, http.Header{"Content-Type": {"text/plain"}}, "7", ""},
		"an alternate key":          {"GET", "/v1.0/groups(uniqueName='x')", "", 200, jsonType, `{"uniqueName":"x"}`, ""},
		"an alternate key, misread": {"GET", "/v1.0/groups(uniqueName='x')", "", 200, jsonType, `{"uniquName":"x"}`, `did you mean "uniqueName"?`},
		"a batch": {"POST", "/v1.0/$batch", `{"requests":[{"id":"1","method":"GET","url":"/groups/a"},{"id":"2","method":"DELETE","url":"/groups/b"}]}`, 200, jsonType,
			`{"responses":[{"id":"2","status":204,"body":null},{"id":"1","status":200,"headers":{"Content-Type":"application/json"},"body":{"id":"a"}}]}`, ""},
		"a batch with a slip": {"POST", "/v1.0/$batch", `{"requests":[{"id":"1","method":"GET","url":"/groups/a"}]}`, 200, jsonType,
			`{"responses":[{"id":"1","status":200,"headers":{"Content-Type":"application/json"},"body":{"idd":"a"}}]}`, `group has no member "idd"; did you mean "id"?`},
		"a batch without an answer": {"POST", "/v1.0/$batch", `{"requests":[{"id":"1","method":"GET","url":"/groups/a"}]}`, 200, jsonType, `{"responses":[]}`, `"1" was not answered`},
		"a batch without a type": {"POST", "/v1.0/$batch", `{"requests":[{"id":"1","method":"PATCH","url":"/groups/a","body":{}}]}`, 200, jsonType,
			`{"responses":[{"id":"1","status":204}]}`, `without Content-Type`},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(tc.target)
			if err != nil {
				t.Fatal(err)
			}
			err = Check(Exchange{Method: tc.method, URL: u, RequestBody: []byte(tc.sent), Status: tc.status, ResponseHeader: tc.header, ResponseBody: []byte(tc.got)})
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

// TestMarks: what is wrong on purpose is let through where it says so, and only
// there.
func TestMarks(t *testing.T) {
	const (
		right, wrong  = `{"displayName":"b"}`, `{"displaName":"b"}`
		refusal       = `{"error":{"code":"c","message":"m"}}`
		misspelt, one = `did you mean "displayName"?`, `{"requests":[{"id":"1","method":"POST","url":"/groups","headers":{"Content-Type":"application/json"%s},"body":%s}]}`
		mark          = `,"X-Test-Wrong":"x"`
	)
	batch := func(header, body string) string { return fmt.Sprintf(one, header, body) }
	answer := func(status int, header, body string) string {
		return fmt.Sprintf(`{"responses":[{"id":"1","status":%d,"headers":{"Content-Type":"application/json"%s},"body":%s}]}`, status, header, body)
	}
	for name, tc := range map[string]struct {
		target, sent string
		wrong, fault bool // how request and answer are marked
		status       int
		got, want    string
	}{
		"wrong, marked, refused":                   {"/v1.0/groups", wrong, true, false, 400, refusal, ""},
		"wrong, marked, refused in a wrong shape":  {"/v1.0/groups", wrong, true, false, 400, `{"error":{"cod":"c"}}`, `did you mean "code"?`},
		"wrong, marked, accepted":                  {"/v1.0/groups", wrong, true, false, 201, right, "answered with 201, want a refusal"},
		"wrong, marked, failed":                    {"/v1.0/groups", wrong, true, false, 500, refusal, "answered with 500, want a refusal"},
		"wrong, marked, no answer":                 {"/v1.0/groups", wrong, true, false, 0, "", ""},
		"wrong, not marked, refused":               {"/v1.0/groups", wrong, false, false, 400, refusal, misspelt},
		"right, marked, accepted":                  {"/v1.0/groups", right, true, false, 201, right, ""},
		"right, spoiled":                           {"/v1.0/groups", right, false, true, 201, `{"displayNa`, ""},
		"right, a fault in Graph's shape":          {"/v1.0/groups", right, false, true, 500, refusal, ""},
		"wrong, spoiled":                           {"/v1.0/groups", wrong, false, true, 201, `{"displayNa`, misspelt},
		"not JSON, marked, refused":                {"/v1.0/groups", `{`, true, false, 400, refusal, ""},
		"a batch that is spoiled":                  {"/v1.0/$batch", batch("", right), false, true, 200, `{"resp`, ""},
		"a wrong part of a batch that is spoiled":  {"/v1.0/$batch", batch("", wrong), false, true, 200, `{"resp`, misspelt},
		"a wrong part of a batch that is refused":  {"/v1.0/$batch", batch("", wrong), false, false, 429, refusal, misspelt},
		"a marked part of a batch that is refused": {"/v1.0/$batch", batch(mark, wrong), false, false, 429, refusal, ""},
		"a wrong part, refused":                    {"/v1.0/$batch", batch("", wrong), false, false, 200, answer(400, "", refusal), misspelt},
		"a marked part, refused":                   {"/v1.0/$batch", batch(mark, wrong), false, false, 200, answer(400, "", refusal), ""},
		"a marked part, accepted":                  {"/v1.0/$batch", batch(mark, wrong), false, false, 200, answer(201, "", right), "want a refusal"},
		"a spoiled part":                           {"/v1.0/$batch", batch("", right), false, false, 200, answer(201, `,"X-Tenantsim-Fault":"x"`, wrong), ""},
		"a misspelt part":                          {"/v1.0/$batch", batch("", right), false, false, 200, answer(201, "", wrong), misspelt},
		"a part without a type, no answer":         {"/v1.0/$batch", `{"requests":[{"id":"1","method":"POST","url":"/groups","body":{}}]}`, false, false, 0, "", "without Content-Type"},
		"a part without a type, refused":           {"/v1.0/$batch", `{"requests":[{"id":"1","method":"POST","url":"/groups","body":{}}]}`, false, false, 200, answer(400, "", refusal), ""},
		"a batch of nonsense":                      {"/v1.0/$batch", `{"request":[]}`, false, false, 400, refusal, `unknown field "request"`},
		"a batch of nonsense, marked":              {"/v1.0/$batch", `{"request":[]}`, true, false, 400, refusal, ""},
		"an empty batch, refused":                  {"/v1.0/$batch", `{"requests":[]}`, false, false, 400, refusal, "want 1 to 20"},
		"an empty batch, marked":                   {"/v1.0/$batch", `{"requests":[]}`, true, false, 400, refusal, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := Exchange{Method: http.MethodPost, URL: &url.URL{Path: tc.target}, RequestHeader: http.Header{}, RequestBody: []byte(tc.sent),
				Status: tc.status, ResponseHeader: http.Header{"Content-Type": {"application/json"}}, ResponseBody: []byte(tc.got)}
			if tc.wrong {
				e.RequestHeader.Set(WrongHeader, "on purpose")
			}
			if tc.fault {
				e.ResponseHeader.Set(FaultHeader, "on purpose")
			}
			err := Check(e)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

// TestAnswerInParts: an answer that is sent in parts is checked once it is whole,
// and not when its client left in the middle of it.
func TestAnswerInParts(t *testing.T) {
	for name, tc := range map[string]struct {
		whole bool
		want  int // faults
	}{"whole": {true, 1}, "cut": {false, 0}} {
		t.Run(name, func(t *testing.T) {
			seen := &witness{TB: t}
			server := httptest.NewServer(Handler(seen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, `{"displa`)
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Error(err)
				}
				if !tc.whole {
					<-r.Context().Done()
					return
				}
				_, _ = io.WriteString(w, `Name":"b"}`)
			})))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/v1.0/groups/a", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if tc.whole {
				if got, err := io.ReadAll(resp.Body); err != nil || string(got) != `{"displaName":"b"}` {
					t.Errorf("%s, %v", got, err)
				}
			}
			cancel()
			_ = resp.Body.Close() // the cut one has nothing more to say
			server.Close()        // waits for the handler
			if len(seen.faults) != tc.want || tc.want > 0 && !strings.Contains(seen.faults[0], `did you mean "displayName"?`) {
				t.Errorf("%q, want %d faults", seen.faults, tc.want)
			}
		})
	}
}

// TestIdleMark: an answer that its test marks as spoiled is one that does not fit.
func TestIdleMark(t *testing.T) {
	for name, tc := range map[string]struct{ mark, answer, want string }{
		"spoiled":                   {Spoiled, `{"displaName":"b"}`, ""},
		"spoiled, and fits":         {Spoiled, `{"displayName":"b"}`, "take the mark away"},
		"a fault of the simulator":  {"lost", `{"displayName":"b"}`, ""},
		"not marked":                {"", `{"displayName":"b"}`, ""},
		"not marked, does not fit":  {"", `{"displaName":"b"}`, `did you mean "displayName"?`},
		"spoiled, not even in JSON": {Spoiled, `{"displayName":`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			seen := &witness{TB: t}
			got := httptest.NewRecorder()
			Handler(seen, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set(FaultHeader, tc.mark)
				_, _ = io.WriteString(w, tc.answer)
			})).ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/v1.0/groups/a", nil))
			text := strings.Join(seen.faults, "\n")
			if (text == "") != (tc.want == "") || !strings.Contains(text, tc.want) || got.Body.String() != tc.answer {
				t.Errorf("got %q, want %q; the answer came as %s", text, tc.want, got.Body)
			}
		})
	}
}

// witness is a test that may fail without failing this one.
type witness struct {
	testing.TB
	faults  []string
	cleanup []func()
}

func (w *witness) Errorf(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}
func (w *witness) Cleanup(f func()) { w.cleanup = append(w.cleanup, f) }

// TestHandlerSeesBothDirections sends a misspelt body, plain and packed, and gets
// a misspelt answer back, which arrives as it was.
func TestHandlerSeesBothDirections(t *testing.T) {
	backend := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"a","displaName":"b"}`)
	})
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, `{"mailNicname":"x"}`); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	seen := &witness{TB: t}
	server := httptest.NewServer(Handler(seen, backend))
	defer server.Close()
	for encoding, body := range map[string][]byte{"": []byte(`{"mailNicname":"x"}`), "gzip": packed.Bytes()} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/v1.0/groups", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Encoding", encoding)
		seen.faults = nil
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusCreated || string(got) != `{"id":"a","displaName":"b"}` || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("the answer was changed on its way: %d %s", resp.StatusCode, got)
		}
		text := strings.Join(seen.faults, "\n")
		for _, want := range []string{`did you mean "mailNickname"?`, `did you mean "displayName"?`} {
			if !strings.Contains(text, want) {
				t.Errorf("encoding %q: nothing with %s in %q", encoding, want, text)
			}
		}
	}
	for _, f := range seen.cleanup {
		f()
	}
	seen.faults = nil
	late := httptest.NewRequest(http.MethodGet, server.URL+"/v1.0/groups/a", nil)
	late.RequestURI = ""
	if resp, err := http.DefaultTransport.RoundTrip(late); err != nil || resp.Body.Close() != nil {
		t.Fatal(err)
	}
	if len(seen.faults) > 0 {
		t.Error("a test that is over was touched")
	}
}

// TestRoutesHaveTypes fails for a route whose body is in no extract.
func TestRoutesHaveTypes(t *testing.T) {
	for _, version := range []string{"beta", "v1.0"} {
		s, err := Load(version)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range routes {
			if r.betaOnly && version != "beta" {
				continue
			}
			for _, kind := range []string{r.request, r.response} {
				switch kind {
				case "", bodyAny, bodyBatch, bodyRef, bodyReport, bodyText:
				default:
					name := strings.TrimPrefix(kind, "[]")
					if _, ok := s.find(name); !ok && s.Enums[strings.TrimPrefix(name, "graph.")] == nil {
						t.Errorf("%s: %s %s: type %s is unknown", version, r.method, r.pattern, kind)
					}
				}
			}
		}
	}
}

func FuzzValidate(f *testing.F) {
	f.Add("deviceManagement/configurationPolicies", policy)
	f.Add("groups/{id}", `{"members@odata.bind":[]}`)
	f.Add("$batch", `{"requests":[{"id":"1","method":"GET","url":"/groups"}]}`)
	f.Fuzz(func(t *testing.T, path, body string) {
		u := &url.URL{Path: "/beta/" + path}
		err := Check(Exchange{Method: http.MethodPost, URL: u, RequestBody: []byte(body), Status: 201,
			ResponseHeader: http.Header{"Content-Type": {"application/json"}}, ResponseBody: []byte(body)})
		if err != nil && err.Error() == "" {
			t.Error("an error without a word")
		}
	})
}
