// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var testRemediation = Remediation{DisplayName: "wave 1", Description: "[own 1]", Publisher: "IT",
	DetectionScript: []byte("exit 1 # ü"), RemediationScript: []byte("exit 0")}

var testFilter = AssignmentFilter{DisplayName: "wave 1", Description: "[own 1]", Platform: "windows10AndLater",
	Rule: `(device.deviceOwnership -eq "Corporate") and (device.operatingSystemVersion -ge 10.0.22631.0)`}

// TestRemediationBodies pins what is sent, byte for byte.
func TestRemediationBodies(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		switch {
		case r.Method == http.MethodGet:
			answer(w, 200, `{"value":[
				{"id":"r1:a1","target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"g1","deviceAndAppManagementAssignmentFilterType":"none"},
				 "runRemediationScript":false,"runSchedule":{"@odata.type":"#microsoft.graph.deviceHealthScriptDailySchedule","interval":2,"time":"09:00:00.0000000","useUtc":true}},
				{"id":"r1:a2","target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget"},"runSchedule":{"@odata.type":"#microsoft.graph.deviceHealthScriptHourlySchedule","interval":1}},
				{"id":"r1:a3","target":{"@odata.type":"#microsoft.graph.allLicensedUsersAssignmentTarget"},"runSchedule":null}]}`)
		case strings.HasSuffix(r.URL.Path, "/assign"), r.Method == http.MethodDelete:
			w.WriteHeader(204)
		case r.Method == http.MethodPatch:
			answer(w, 200, `{"id":"r1","displayName":"wave 1"}`)
		default:
			answer(w, 201, `{"id":"r1","displayName":"wave 1","createdDateTime":"2026-10-02T09:10:11.1234567Z","detectionScriptContent":"ZXhpdCAx","highestAvailableVersion":"7"}`)
		}
	})
	c := testClient(t, srv.URL)
	made, err := c.CreateRemediation(t.Context(), testRemediation)
	if err != nil || made.ID != "r1" || string(made.DetectionScript) != "exit 1" || made.CreatedAt.IsZero() || string(made.Extra["highestAvailableVersion"]) != `"7"` {
		t.Errorf("%+v, %v", made, err)
	}
	if err := c.UpdateRemediation(t.Context(), "r1", testRemediation); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteRemediation(t.Context(), "r1"); err != nil {
		t.Fatal(err)
	}
	assignments, err := c.RemediationAssignments(t.Context(), "r1")
	if err != nil || len(assignments) != 3 {
		t.Fatal(assignments, err)
	}
	wantDaily := RemediationAssignment{Assignment: Assignment{ID: "r1:a1", Kind: TargetGroup, GroupID: "g1"},
		Schedule: &RemediationSchedule{Kind: ScheduleDaily, Interval: 2, Time: "09:00:00.0000000", UTC: true}}
	if diff := cmp.Diff(wantDaily, assignments[0]); diff != "" {
		t.Error(diff)
	}
	assignments[0].RunRemediation = true
	assignments[2].Schedule = &RemediationSchedule{Kind: ScheduleOnce, Date: "2026-12-24", Time: "10:00:00"}
	back, err := c.AssignRemediation(t.Context(), "r1", append(assignments[:1:1], assignments[2],
		RemediationAssignment{Assignment: Assignment{Kind: TargetExclusionGroup, GroupID: "g2"}, Schedule: &RemediationSchedule{Kind: ScheduleHourly, Interval: 8}}))
	if err != nil || len(back) != 3 {
		t.Error(back, err)
	}
	const content = `{"displayName":"wave 1","description":"[own 1]","publisher":"IT","runAsAccount":"system","enforceSignatureCheck":false,"runAs32Bit":false,"roleScopeTagIds":["0"],"detectionScriptContent":"ZXhpdCAxICMgw7w=","remediationScriptContent":"ZXhpdCAw"}`
	want := []string{"POST /beta/deviceManagement/deviceHealthScripts " + content, "PATCH /beta/deviceManagement/deviceHealthScripts/r1 " + content,
		"DELETE /beta/deviceManagement/deviceHealthScripts/r1 ", "GET /beta/deviceManagement/deviceHealthScripts/r1/assignments ",
		`POST /beta/deviceManagement/deviceHealthScripts/r1/assign {"deviceHealthScriptAssignments":[` +
			`{"target":{"@odata.type":"#microsoft.graph.groupAssignmentTarget","groupId":"g1"},"runRemediationScript":true,"runSchedule":{"@odata.type":"#microsoft.graph.deviceHealthScriptDailySchedule","interval":2,"time":"09:00:00.0000000","useUtc":true}},` +
			`{"target":{"@odata.type":"#microsoft.graph.allLicensedUsersAssignmentTarget"},"runRemediationScript":false,"runSchedule":{"@odata.type":"#microsoft.graph.deviceHealthScriptRunOnceSchedule","date":"2026-12-24","time":"10:00:00","useUtc":false}},` +
			`{"target":{"@odata.type":"#microsoft.graph.exclusionGroupAssignmentTarget","groupId":"g2"},"runRemediationScript":false,"runSchedule":{"@odata.type":"#microsoft.graph.deviceHealthScriptHourlySchedule","interval":8}}]}`,
		"GET /beta/deviceManagement/deviceHealthScripts/r1/assignments "}
	var got []string
	for _, r := range srv.all() {
		got = append(got, r.method+" "+r.path+" "+r.body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := c.AssignRemediation(t.Context(), "r1", []RemediationAssignment{{Assignment: Assignment{Kind: TargetAllDevices}, RawSchedule: json.RawMessage(`{"@odata.type":"#microsoft.graph.deviceHealthScriptDailySchedule","interval":1}`)}}); err != nil {
		t.Error(err)
	}
	if last := srv.all()[6]; !strings.Contains(last.body, `"runSchedule":{"@odata.type":"#microsoft.graph.deviceHealthScriptDailySchedule","interval":1}`) {
		t.Errorf("a carried schedule is sent as %s", last.body)
	}
}

// TestUnknownSchedule: a schedule of a kind that nobody knows is kept as it came, and is not taken for no schedule.
func TestUnknownSchedule(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		spoiled(w, 200, `{"value":[{"id":"r1:a1","target":{"@odata.type":"#microsoft.graph.allDevicesAssignmentTarget"},"runSchedule":{"@odata.type":"#microsoft.graph.novelSchedule", "x":1}}]}`)
	})
	got, err := testClient(t, srv.URL).RemediationAssignments(t.Context(), "r1")
	want := []RemediationAssignment{{Assignment: Assignment{ID: "r1:a1", Kind: TargetAllDevices}, RawSchedule: json.RawMessage(`{"@odata.type":"#microsoft.graph.novelSchedule","x":1}`)}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestRemediationResults: summary and run states, and the on-demand run.
func TestRemediationResults(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/runSummary"):
			answer(w, 200, `{"id":"r1","noIssueDetectedDeviceCount":40,"issueDetectedDeviceCount":3,"detectionScriptErrorDeviceCount":1,"detectionScriptPendingDeviceCount":2,
				"detectionScriptNotApplicableDeviceCount":4,"issueRemediatedDeviceCount":5,"remediationSkippedDeviceCount":6,"issueReoccurredDeviceCount":7,"remediationScriptErrorDeviceCount":8,
				"lastScriptRunDateTime":"2026-10-02T08:00:00Z","issueRemediatedCumulativeDeviceCount":5}`)
		case r.Method == http.MethodPost:
			w.WriteHeader(204)
		case strings.Contains(r.URL.Path, "/r2/"):
			answer(w, 200, `{"value":[{"id":"nodevice","detectionState":"fail"}]}`)
		default:
			answer(w, 200, `{"value":[{"id":"c7a2:8b1d","detectionState":"fail","remediationState":"success","lastStateUpdateDateTime":"2026-10-02T06:12:40Z","expectedStateUpdateDateTime":null,
				"lastSyncDateTime":"0001-01-01T00:00:00Z","preRemediationDetectionScriptOutput":"edge=141.0","preRemediationDetectionScriptError":null,"remediationScriptError":null,
				"postRemediationDetectionScriptOutput":"edge=142.0","postRemediationDetectionScriptError":null,"assignmentFilterIds":[]}]}`)
		}
	})
	c := testClient(t, srv.URL)
	sum, err := c.RemediationSummary(t.Context(), "r1")
	want := RemediationSummary{NoIssueDetected: 40, IssueDetected: 3, DetectionError: 1, DetectionPending: 2, DetectionNotApplicable: 4, IssueRemediated: 5,
		RemediationSkipped: 6, IssueReoccurred: 7, RemediationError: 8, LastRunAt: time.Date(2026, 10, 2, 8, 0, 0, 0, time.UTC)}
	if diff := cmp.Diff(want, sum); diff != "" || err != nil {
		t.Error(diff, err)
	}
	var states []DeviceRunState
	if err := c.DeviceRunStates(t.Context(), "r1", func(s DeviceRunState) error { states = append(states, s); return nil }); err != nil {
		t.Fatal(err)
	}
	wantState := []DeviceRunState{{DeviceID: "8b1d", Detection: RunFail, Remediation: RemediationSuccess, PreOutput: "edge=141.0", PostOutput: "edge=142.0",
		UpdatedAt: time.Date(2026, 10, 2, 6, 12, 40, 0, time.UTC)}}
	if diff := cmp.Diff(wantState, states); diff != "" {
		t.Error(diff)
	}
	wantKind(t, c.DeviceRunStates(t.Context(), "r2", func(DeviceRunState) error { return nil }), KindTransient)
	if err := c.RunRemediation(t.Context(), "d1", "r1"); err != nil {
		t.Fatal(err)
	}
	if last := srv.all()[3]; last.path != "/beta/deviceManagement/managedDevices/d1/initiateOnDemandProactiveRemediation" || last.body != `{"scriptPolicyId":"r1"}` {
		t.Errorf("%+v", last)
	}
}

// TestAssignmentFilters: bodies, validation and the refusal of a filter that is in use.
func TestAssignmentFilters(t *testing.T) {
	srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/validateFilter"):
			bodies := []string{`{"isValidRule":true}`, `{"isValidRule":false}`, `{"value":{"isValidRule":true}}`, `{"value":null}`}
			if n > 5 {
				mark(w) // an envelope that the types do not have
			}
			answer(w, 200, "%s", bodies[min(n-4, 3)]) // a read is repeated, and so is the last one
		case r.Method == http.MethodDelete:
			answer(w, 400, `{"error":{"code":"BadRequest","message":"{\"Message\":\"The assignment filter is associated with existing assignments. - Operation ID: 1\"}"}}`)
		case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "assignmentFilters"):
			answer(w, 200, `{"value":[{"id":"f1","displayName":"a","roleScopeTags":["0","7"],"payloads":[]}]}`)
		case r.Method == http.MethodPatch:
			answer(w, 200, `{"id":"f1","displayName":"wave 1"}`)
		default:
			answer(w, 201, `{"id":"f1","displayName":"wave 1"}`)
		}
	})
	c := testClient(t, srv.URL)
	if f, err := c.CreateAssignmentFilter(t.Context(), testFilter); err != nil || f.ID != "f1" {
		t.Fatal(f, err)
	}
	if err := c.UpdateAssignmentFilter(t.Context(), "f1", testFilter); err != nil {
		t.Fatal(err)
	}
	if found, err := c.AssignmentFilters(t.Context()); err != nil || len(found) != 1 || !cmp.Equal(found[0].RoleScopeTags, []string{"0", "7"}) {
		t.Error(found, err)
	}
	for i, want := range []bool{true, false, true} {
		if ok, err := c.ValidateAssignmentFilter(t.Context(), testFilter); err != nil || ok != want {
			t.Errorf("validation %d: %v, %v", i, ok, err)
		}
	}
	_, err := c.ValidateAssignmentFilter(t.Context(), testFilter)
	wantKind(t, err, KindTransient) // neither valid nor invalid
	wantKind(t, c.DeleteAssignmentFilter(t.Context(), "f1"), KindConflict)
	const rule = `"rule":"(device.deviceOwnership -eq \"Corporate\") and (device.operatingSystemVersion -ge 10.0.22631.0)"`
	for i, want := range []string{`{"displayName":"wave 1","description":"[own 1]","platform":"windows10AndLater",` + rule + `,"assignmentFilterManagementType":"devices","roleScopeTags":["0"]}`,
		`{"displayName":"wave 1","description":"[own 1]",` + rule + `,"roleScopeTags":["0"]}`} {
		if got := srv.all()[i].body; got != want {
			t.Errorf("sent %s\nwant %s", got, want)
		}
	}
}

// TestBadBodiesAreRefusedHere: what the tenant would refuse never leaves, and the error names field and remedy.
func TestBadBodiesAreRefusedHere(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) { succeed(w, r) })
	c, ctx := testClient(t, srv.URL), t.Context()
	remediation := func(change func(*Remediation)) func() error {
		return func() error { r := testRemediation; change(&r); _, err := c.CreateRemediation(ctx, r); return err }
	}
	filter := func(change func(*AssignmentFilter)) func() error {
		return func() error { f := testFilter; change(&f); return c.UpdateAssignmentFilter(ctx, "f1", f) }
	}
	schedule := func(s RemediationSchedule) func() error {
		return func() error {
			_, err := c.AssignRemediation(ctx, "r1", []RemediationAssignment{{Assignment: Assignment{Kind: TargetAllDevices}, Schedule: &s}})
			return err
		}
	}
	for want, do := range map[string]func() error{
		"displayName is empty: give": remediation(func(r *Remediation) { r.DisplayName = " " }),
		"no detection script":        remediation(func(r *Remediation) { r.DetectionScript = nil }),
		"UTF-8 text of at most":      remediation(func(r *Remediation) { r.RemediationScript = []byte("\xff") }),
		"at most 204800 bytes":       remediation(func(r *Remediation) { r.DetectionScript = make([]byte, 200<<10+1) }),
		"write system or user":       remediation(func(r *Remediation) { r.RunAsAccount = "root" }),
		"filter displayName":         filter(func(f *AssignmentFilter) { f.DisplayName = "" }),
		"has 3073 characters":        filter(func(f *AssignmentFilter) { f.Rule = strings.Repeat("x", 3073) }),
		"has 0 characters":           filter(func(f *AssignmentFilter) { f.Rule = "" }),
		"has 1501 characters":        filter(func(f *AssignmentFilter) { f.Description = strings.Repeat("x", 1501) }),
		"platform of filter":         filter(func(f *AssignmentFilter) { f.Platform = "" }),
		`kind "Weekly"`:              schedule(RemediationSchedule{Kind: "Weekly", Interval: 1}),
		"interval 0":                 schedule(RemediationSchedule{Kind: ScheduleHourly}),
		"has no date":                schedule(RemediationSchedule{Kind: ScheduleOnce, Time: "01:00:00"}),
		"has no time":                schedule(RemediationSchedule{Kind: ScheduleDaily, Interval: 1}),
		"resolve the group": func() error {
			_, err := c.AssignRemediation(ctx, "r1", []RemediationAssignment{{Assignment: Assignment{Kind: TargetGroup}}})
			return err
		},
		"remediation id is empty": func() error { return c.DeleteRemediation(ctx, "") },
		"device id is empty":      func() error { return c.RunRemediation(ctx, "", "r1") },
		"filter id is empty":      func() error { return c.DeleteAssignmentFilter(ctx, "") },
		"approval code is empty":  func() error { _, err := c.OperationApprovalRequest(ctx, ""); return err },
		"0 groups: name 1 to 50":  func() error { _, err := c.GroupDelta(ctx, nil, ""); return err },
		"set Since before Until":  func() error { return c.SignIns(ctx, SignInQuery{Since: noon, Until: noon}, nil) },
		"app id is empty":         func() error { return c.DetectedAppDevices(ctx, "", nil) },
	} {
		if e := wantKind(t, do(), KindInvalid); !strings.Contains(e.Message, want) {
			t.Errorf("message %q does not say %q", e.Message, want)
		}
	}
	if srv.count() != 0 {
		t.Errorf("%d requests", srv.count())
	}
}

// TestPlainLists: the small lists, decoded from the examples of the contract.
func TestPlainLists(t *testing.T) {
	bodies := map[string]string{
		"/v1.0/subscribedSkus":                                                       `{"value":[{"id":"t_s","skuId":"06ebc4ee-1bb5-47dd-8120-11324bc54e06","skuPartNumber":"SPE_E5","capabilityStatus":"Enabled","consumedUnits":3,"prepaidUnits":{"enabled":25},"servicePlans":[{"servicePlanId":"31cf2cfc-6b0d-4adc-a336-88b724ed8122","servicePlanName":"RMS_S_PREMIUM","provisioningStatus":"Success","appliesTo":"User"}]}]}`,
		"/v1.0/organization":                                                         `{"value":[{"id":"t1","displayName":"Contoso","tenantType":"AAD","mobileDeviceManagementAuthority":"intune","verifiedDomains":[{"name":"contoso.example","isDefault":true,"isInitial":false}]}]}`,
		"/v1.0/deviceManagement/detectedApps":                                        `{"@odata.count":1115,"value":[{"id":"a1","displayName":"Microsoft Edge","version":"142.0","platform":"windows","deviceCount":5,"sizeInByte":0}]}`,
		"/v1.0/deviceManagement/detectedApps/a1/managedDevices":                      `{"value":[{"id":"d1","deviceName":"PC"}]}`,
		"/beta/deviceManagement/managedDeviceEncryptionStates":                       `{"value":[{"id":"d1","deviceName":"PC","encryptionState":"notEncrypted","encryptionReadinessState":"ready","advancedBitLockerStates":"tpmNotReady,networkError","fileVaultStates":null}]}`,
		"/beta/deviceManagement/configurationCategories":                             `{"value":[{"id":"c1","name":"Edge","displayName":"Microsoft Edge","parentCategoryId":"00000000-0000-0000-0000-000000000000","rootCategoryId":"c1","platforms":"windows10,macOS","technologies":"mdm"}]}`,
		"/v1.0/policies/authenticationMethodsPolicy":                                 `{"id":"authenticationMethodsPolicy","policyMigrationState":"migrationInProgress","authenticationMethodConfigurations":[{"@odata.type":"#microsoft.graph.fido2AuthenticationMethodConfiguration","id":"Fido2","state":"enabled"}]}`,
		"/v1.0/reports/authenticationMethods/userRegistrationDetails":                `{"value":[{"id":"u1","userPrincipalName":"ann@contoso.example","userType":"member","isAdmin":false,"isMfaCapable":true,"isPasswordlessCapable":true,"methodsRegistered":["passKeySynced","novel"],"lastUpdatedDateTime":"2026-10-01T22:03:11.1234567Z"}]}`,
		"/v1.0/policies/authenticationStrengthPolicies":                              `{"value":[{"id":"s4","displayName":"Phishing-resistant MFA","policyType":"builtIn","allowedCombinations":["windowsHelloForBusiness","fido2","password,microsoftAuthenticatorPush"]}]}`,
		"/v1.0/policies/authenticationStrengthPolicies/s4/combinationConfigurations": `{"value":[{"@odata.type":"#microsoft.graph.fido2CombinationConfiguration","id":"k","appliesToCombinations":["fido2"],"allowedAAGUIDs":["a1"]}]}`,
	}
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		if body, ok := bodies[r.URL.Path]; ok {
			answer(w, 200, "%s", body)
			return
		}
		t.Errorf("unexpected path %s", r.URL.Path)
		answer(w, 400, `{}`)
	})
	c, ctx := testClient(t, srv.URL), t.Context()
	check := func(name string, err error, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(Extra{})); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	skus, err := c.SubscribedSKUs(ctx)
	sku := SubscribedSKU{ID: "t_s", SKUID: "06ebc4ee-1bb5-47dd-8120-11324bc54e06", SKUPartNumber: "SPE_E5", CapabilityStatus: "Enabled", ConsumedUnits: 3,
		ServicePlans: []ServicePlan{{ID: "31cf2cfc-6b0d-4adc-a336-88b724ed8122", Name: "RMS_S_PREMIUM", ProvisioningStatus: "Success", AppliesTo: "User"}}}
	sku.PrepaidUnits.Enabled = 25
	check("skus", err, skus, []SubscribedSKU{sku})
	org, err := c.Organization(ctx)
	check("organization", err, org, Organization{ID: "t1", DisplayName: "Contoso", TenantType: "AAD", MDMAuthority: "intune",
		VerifiedDomains: []VerifiedDomain{{Name: "contoso.example", IsDefault: true}}})
	var apps []DetectedApp
	err = c.DetectedApps(ctx, func(a DetectedApp) error { apps = append(apps, a); return nil })
	check("apps", err, apps, []DetectedApp{{ID: "a1", DisplayName: "Microsoft Edge", Version: "142.0", Platform: "windows", DeviceCount: 5}})
	var ids []string
	err = c.DetectedAppDevices(ctx, "a1", func(id string) error { ids = append(ids, id); return nil })
	check("devices of an app", err, ids, []string{"d1"})
	var states []EncryptionState
	err = c.EncryptionStates(ctx, func(s EncryptionState) error { states = append(states, s); return nil })
	check("encryption", err, states, []EncryptionState{{DeviceID: "d1", DeviceName: "PC", Encryption: "notEncrypted", Readiness: "ready", BitLocker: "tpmNotReady,networkError"}})
	categories, err := c.ConfigurationCategories(ctx)
	check("categories", err, categories, []ConfigurationCategory{{ID: "c1", Name: "Edge", DisplayName: "Microsoft Edge", ParentID: noFilter, RootID: "c1", Platforms: "windows10,macOS", Technologies: "mdm"}})
	methods, err := c.AuthenticationMethodsPolicy(ctx)
	check("methods", err, methods, AuthenticationMethodsPolicy{MigrationState: "migrationInProgress", Methods: []AuthenticationMethodState{{ID: "Fido2", State: "enabled"}}})
	var registered []UserRegistration
	err = c.UserRegistrations(ctx, func(u UserRegistration) error { registered = append(registered, u); return nil })
	check("registrations", err, registered, []UserRegistration{{UserID: "u1", UserPrincipalName: "ann@contoso.example", UserType: "member", IsMFACapable: true,
		IsPasswordlessCapable: true, Methods: []string{"passKeySynced", "novel"}, UpdatedAt: time.Date(2026, 10, 1, 22, 3, 11, 123456700, time.UTC)}})
	strengths, err := c.AuthenticationStrengths(ctx)
	check("strengths", err, strengths, []AuthenticationStrength{{ID: "s4", DisplayName: "Phishing-resistant MFA", PolicyType: "builtIn",
		AllowedCombinations: []string{"windowsHelloForBusiness", "fido2", "password,microsoftAuthenticatorPush"}}})
	narrowed, err := c.AuthenticationStrengthConfigurations(ctx, "s4")
	check("configurations", err, narrowed, []CombinationConfiguration{{Type: "#microsoft.graph.fido2CombinationConfiguration", ID: "k", AppliesToCombinations: []string{"fido2"}, AllowedAAGUIDs: []string{"a1"}}})
}

// TestListsAreNeverShort: a list that breaks off or holds something that cannot be told apart is an error, whichever
// list it is.
func TestListsAreNeverShort(t *testing.T) {
	lists := map[string]func(context.Context, *Client) error{
		"remediations": func(ctx context.Context, c *Client) error { _, err := c.Remediations(ctx); return err },
		"filters":      func(ctx context.Context, c *Client) error { _, err := c.AssignmentFilters(ctx); return err },
		"access":       func(ctx context.Context, c *Client) error { _, err := c.ConditionalAccessPolicies(ctx); return err },
		"strengths":    func(ctx context.Context, c *Client) error { _, err := c.AuthenticationStrengths(ctx); return err },
		"categories":   func(ctx context.Context, c *Client) error { _, err := c.ConfigurationCategories(ctx); return err },
		"organization": func(ctx context.Context, c *Client) error { _, err := c.Organization(ctx); return err },
		"apps": func(ctx context.Context, c *Client) error {
			return c.DetectedApps(ctx, func(DetectedApp) error { return nil })
		},
		"app devices": func(ctx context.Context, c *Client) error {
			return c.DetectedAppDevices(ctx, "a", func(string) error { return nil })
		},
		"encryption": func(ctx context.Context, c *Client) error {
			return c.EncryptionStates(ctx, func(EncryptionState) error { return nil })
		},
		"registrations": func(ctx context.Context, c *Client) error {
			return c.UserRegistrations(ctx, func(UserRegistration) error { return nil })
		},
		"sign-ins": func(ctx context.Context, c *Client) error {
			return c.SignIns(ctx, SignInQuery{Since: noon, Until: noon.Add(time.Hour)}, func(SignIn) error { return nil })
		},
		"delta": func(ctx context.Context, c *Client) error {
			_, err := c.GroupDelta(ctx, []string{"g1"}, "")
			return err
		},
		"groups":     func(ctx context.Context, c *Client) error { _, err := c.GroupsByDisplayName(ctx, "x"); return err },
		"members":    func(ctx context.Context, c *Client) error { _, err := c.Members(ctx, "g1"); return err },
		"transitive": func(ctx context.Context, c *Client) error { _, err := c.TransitiveMembers(ctx, "g1"); return err },
		"users":      func(ctx context.Context, c *Client) error { return c.Users(ctx, func(User) error { return nil }) },
		"devices": func(ctx context.Context, c *Client) error {
			return c.EntraDevices(ctx, func(EntraDevice) error { return nil })
		},
		"managed": func(ctx context.Context, c *Client) error {
			return c.ManagedDevices(ctx, func(ManagedDevice) error { return nil })
		},
		"policies":    func(ctx context.Context, c *Client) error { _, err := c.ConfigurationPolicies(ctx, ""); return err },
		"settings":    func(ctx context.Context, c *Client) error { _, err := c.PolicySettings(ctx, "p1"); return err },
		"assignments": func(ctx context.Context, c *Client) error { _, err := c.Assignments(ctx, "p1"); return err },
		"definitions": func(ctx context.Context, c *Client) error {
			_, err := c.SettingDefinitions(ctx, SettingFilter{})
			return err
		},
		"runs on":     func(ctx context.Context, c *Client) error { _, err := c.RemediationAssignments(ctx, "r1"); return err },
		"device apps": func(ctx context.Context, c *Client) error { _, err := c.DeviceDetectedApps(ctx, "d1"); return err },
		"products":    func(ctx context.Context, c *Client) error { _, err := c.SubscribedSKUs(ctx); return err },
		"narrowed": func(ctx context.Context, c *Client) error {
			_, err := c.AuthenticationStrengthConfigurations(ctx, "s4")
			return err
		},
		"run states": func(ctx context.Context, c *Client) error {
			return c.DeviceRunStates(ctx, "r1", func(DeviceRunState) error { return nil })
		},
	}
	kinds := map[string]string{ // of lists whose items say which they are
		"definitions": `"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingDefinition"`,
		"narrowed":    `"@odata.type":"#microsoft.graph.fido2CombinationConfiguration"`,
	}
	// Lists in which one item that cannot be read is told from the others, see TestOddItems.
	itemised := []string{"groups", "members", "transitive", "devices", "managed", "encryption", "policies", "settings", "assignments", "definitions"}
	for name, read := range lists {
		for fault, body := range map[string]string{"no id": `{"value":[{` + kinds[name] + `}]}`, "cut": `{"value":[{"id":"x"`, "no list": `{"id":"x"}`, "html": `<html>`} {
			if fault == "no id" && slices.Contains(itemised, name) {
				continue
			}
			srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
				if fault != "no id" { // which the types allow
					mark(w)
				}
				answer(w, 200, "%s", body)
			})
			if e := wantKind(t, read(t.Context(), testClient(t, srv.URL)), KindTransient); e.OutcomeUnknown {
				t.Errorf("%s, %s: %v", name, fault, e)
			}
		}
	}
}
