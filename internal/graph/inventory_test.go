// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDeviceDetectedApps: the apps of one device come from beta, page by page.
func TestDeviceDetectedApps(t *testing.T) {
	var srv *recorder
	srv = serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
		if n == 1 {
			answer(w, 200, `{"@odata.count":9,"value":[{"id":"a1","displayName":"Microsoft Edge","version":"142.0","platform":"windows"}],"@odata.nextLink":"%s/beta/deviceManagement/managedDevices/d1/detectedApps?$skip=1"}`, srv.URL)
			return
		}
		answer(w, 200, `{"value":[{"id":"a2"}]}`)
	})
	c := testClient(t, srv.URL)
	apps, err := c.DeviceDetectedApps(t.Context(), "d1")
	want := []DetectedApp{{ID: "a1", DisplayName: "Microsoft Edge", Version: "142.0", Platform: "windows"}, {ID: "a2"}}
	if diff := cmp.Diff(want, apps); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got := srv.all()[0].path; got != "/beta/deviceManagement/managedDevices/d1/detectedApps" {
		t.Errorf("path %s", got)
	}
	_, err = c.DeviceDetectedApps(t.Context(), " ")
	wantKind(t, err, KindInvalid)
}

// TestPolicyDeviceSummary: counters by the names in the schema, whatever their order; a report that is short or odd is
// an error, and one of no rows counts nothing.
func TestPolicyDeviceSummary(t *testing.T) {
	const columns = `[{"Column":"NumberOfErrorDevices","PropertyType":"Int32"},{"Column":"NumberOfCompliantDevices","PropertyType":"Int32"},` +
		`{"Column":"NumberOfNonCompliantDevices","PropertyType":"Int32"},{"Column":"Extra_loc","PropertyType":"String"},{"Column":"NumberOfInProgressDevices","PropertyType":"Int32"},` +
		`{"Column":"NumberOfConflictDevices","PropertyType":"Int32"},{"Column":"NumberOfNotApplicableDevices","PropertyType":"Int32"}]`
	for name, tt := range map[string]struct {
		body string
		want PolicyDeviceSummary
		says string
	}{
		"two platforms":   {`{"TotalRowCount":2,"Schema":` + columns + `,"Values":[[5,40,3,"x",2,1,7],["1",2,0,"",0,0,0]]}`, PolicyDeviceSummary{Compliant: 42, NonCompliant: 3, Error: 6, Conflict: 1, NotApplicable: 7, InProgress: 2}, ""},
		"nothing yet":     {`{"TotalRowCount":0,"Schema":[],"Values":[]}`, PolicyDeviceSummary{}, ""},
		"a column absent": {`{"TotalRowCount":1,"Schema":[{"Column":"NumberOfErrorDevices","PropertyType":"Int32"}],"Values":[[1]]}`, PolicyDeviceSummary{}, "is missing"},
		"not a number":    {`{"TotalRowCount":1,"Schema":` + columns + `,"Values":[[5,null,3,"x",2,1,7]]}`, PolicyDeviceSummary{}, "NumberOfCompliantDevices is not a count"},
		"below zero":      {`{"TotalRowCount":1,"Schema":` + columns + `,"Values":[[5,-1,3,"x",2,1,7]]}`, PolicyDeviceSummary{}, "is not a count"},
		"rows left out":   {`{"TotalRowCount":2,"Schema":` + columns + `,"Values":[[5,40,3,"x",2,1,7]]}`, PolicyDeviceSummary{}, "1 of 2 rows"},
		"ragged":          {`{"TotalRowCount":1,"Schema":` + columns + `,"Values":[[5]]}`, PolicyDeviceSummary{}, "1 values for 7 columns"},
		"no count":        {`{"Values":[]}`, PolicyDeviceSummary{}, "TotalRowCount"},
	} {
		srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, body string) {
			if r.URL.Path != "/beta/deviceManagement/reports/getConfigurationPolicyDeviceSummaryReport" || !strings.Contains(body, "(PolicyId eq 'p1')") || !strings.Contains(body, `"top":500`) {
				t.Errorf("%s %s", r.URL.Path, body)
			}
			if name == "ragged" || name == "no count" {
				mark(w)
			}
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write([]byte(tt.body))
		})
		got, err := testClient(t, srv.URL).PolicyDeviceSummary(t.Context(), "p1")
		if tt.says != "" {
			if e := wantKind(t, err, KindTransient); !strings.Contains(e.Message, tt.says) {
				t.Errorf("%s: %v", name, e)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestDefinitionIDsAreEscaped: ids of the catalog hold braces, blanks and slashes (contract a11).
func TestDefinitionIDsAreEscaped(t *testing.T) {
	const id = "device_vendor_msft_x~{1f3c-9}/a b?c"
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		answer(w, 200, `{"@odata.type":"#microsoft.graph.deviceManagementConfigurationSimpleSettingDefinition","id":%q,"name":"n"}`, id)
	})
	d, err := testClient(t, srv.URL).SettingDefinition(t.Context(), id)
	if err != nil || d.ID != id {
		t.Errorf("%+v, %v", d, err)
	}
	if got, want := srv.all()[0].path, "/beta/deviceManagement/configurationSettings/device_vendor_msft_x~%7B1f3c-9%7D%2Fa%20b%3Fc"; got != want || srv.all()[0].query != "" {
		t.Errorf("path %s?%s, want %s", got, srv.all()[0].query, want)
	}
}

// TestEveryReadByKeyLooksTwice: whichever object is read by its key, one 404 is not believed (P5) and two are; a 400 and
// an answer of a gateway never mean that it is gone.
func TestEveryReadByKeyLooksTwice(t *testing.T) {
	reads := map[string]func(context.Context, *Client) error{
		"Group":               func(ctx context.Context, c *Client) error { _, err := c.Group(ctx, "x"); return err },
		"GroupByUniqueName":   func(ctx context.Context, c *Client) error { _, err := c.GroupByUniqueName(ctx, "x"); return err },
		"Members":             func(ctx context.Context, c *Client) error { _, err := c.Members(ctx, "x"); return err },
		"TransitiveMembers":   func(ctx context.Context, c *Client) error { _, err := c.TransitiveMembers(ctx, "x"); return err },
		"ConfigurationPolicy": func(ctx context.Context, c *Client) error { _, err := c.ConfigurationPolicy(ctx, "x"); return err },
		"PolicySettings":      func(ctx context.Context, c *Client) error { _, err := c.PolicySettings(ctx, "x"); return err },
		"Assignments":         func(ctx context.Context, c *Client) error { _, err := c.Assignments(ctx, "x"); return err },
		"SettingDefinition":   func(ctx context.Context, c *Client) error { _, err := c.SettingDefinition(ctx, "x"); return err },
		"Remediation":         func(ctx context.Context, c *Client) error { _, err := c.Remediation(ctx, "x"); return err },
		"RemediationSummary":  func(ctx context.Context, c *Client) error { _, err := c.RemediationSummary(ctx, "x"); return err },
		"DeviceRunStates":     func(ctx context.Context, c *Client) error { return c.DeviceRunStates(ctx, "x", nil) },
		"AssignmentFilter":    func(ctx context.Context, c *Client) error { _, err := c.AssignmentFilter(ctx, "x"); return err },
		"DetectedAppDevices":  func(ctx context.Context, c *Client) error { return c.DetectedAppDevices(ctx, "x", nil) },
		"DeviceDetectedApps":  func(ctx context.Context, c *Client) error { _, err := c.DeviceDetectedApps(ctx, "x"); return err },
		"ConditionalAccess":   func(ctx context.Context, c *Client) error { _, err := c.ConditionalAccessPolicy(ctx, "x"); return err },
		"strength": func(ctx context.Context, c *Client) error {
			_, err := c.AuthenticationStrengthConfigurations(ctx, "x")
			return err
		},
		"RemediationAssigns": func(ctx context.Context, c *Client) error { _, err := c.RemediationAssignments(ctx, "x"); return err },
	}
	const absent = `{"error":{"code":"ResourceNotFound","message":"not here"}}`
	for name, read := range reads {
		for fault, tt := range map[string]struct {
			bodies   []string // of the first answers, the last one repeats
			status   int
			kind     Kind
			requests int
		}{
			"absent twice":    {[]string{absent}, 404, KindNotFound, 2},
			"absent, refused": {[]string{absent, `{"error":{"code":"Forbidden","message":"no"}}`}, 404, KindTransient, 5},
			"bad request":     {[]string{`{"error":{"code":"BadRequest","message":"not found"}}`}, 400, KindInvalid, 1},
			"web page":        {[]string{`<html>not found</html>`}, 404, KindTransient, 4},
			"empty":           {[]string{``}, 404, KindTransient, 4},
		} {
			srv := serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
				answer(w, tt.status, "%s", tt.bodies[min(n, len(tt.bodies))-1])
			})
			err := read(t.Context(), testClient(t, srv.URL))
			if KindOf(err) != tt.kind || srv.count() != tt.requests {
				t.Errorf("%s, %s: %v after %d requests, want %s after %d", name, fault, err, srv.count(), tt.kind, tt.requests)
			}
		}
	}
}

// TestNoWriteTakesAPageForSuccess: a portal's page with status 200 is no success of any write, and its outcome is open.
func TestNoWriteTakesAPageForSuccess(t *testing.T) {
	writes := map[string]func(context.Context, *Client) error{
		"replace": func(ctx context.Context, c *Client) error { return c.ReplaceConfigurationPolicy(ctx, "p1", testPolicy) },
		"rename":  func(ctx context.Context, c *Client) error { return c.RenameConfigurationPolicy(ctx, "p1", "n", "d") },
		"create": func(ctx context.Context, c *Client) error {
			_, err := c.CreateConfigurationPolicy(ctx, testPolicy)
			return err
		},
		"assign": func(ctx context.Context, c *Client) error { _, err := c.Assign(ctx, "p1", nil); return err },
		"delete": func(ctx context.Context, c *Client) error { return c.DeleteConfigurationPolicy(ctx, "p1") },
		"upsert": func(ctx context.Context, c *Client) error {
			_, _, err := c.UpsertGroup(ctx, "g", GroupSpec{DisplayName: "g"})
			return err
		},
		"members": func(ctx context.Context, c *Client) error {
			_, err := c.AddMembers(ctx, "g1", []string{"m1"})
			return err
		},
		"remove":    func(ctx context.Context, c *Client) error { return c.RemoveMembers(ctx, "g1", []string{"m1"}) },
		"group":     func(ctx context.Context, c *Client) error { return c.DeleteGroup(ctx, "g1") },
		"sync":      func(ctx context.Context, c *Client) error { return c.SyncDevice(ctx, "d1") },
		"run":       func(ctx context.Context, c *Client) error { return c.RunRemediation(ctx, "d1", "r1") },
		"remediate": func(ctx context.Context, c *Client) error { return c.UpdateRemediation(ctx, "r1", testRemediation) },
		"assign r":  func(ctx context.Context, c *Client) error { _, err := c.AssignRemediation(ctx, "r1", nil); return err },
		"filter":    func(ctx context.Context, c *Client) error { return c.UpdateAssignmentFilter(ctx, "f1", testFilter) },
		"filters": func(ctx context.Context, c *Client) error {
			_, err := c.CreateAssignmentFilter(ctx, testFilter)
			return err
		},
	}
	for name, write := range writes {
		srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
			if r.Method == http.MethodGet {
				answer(w, 200, groupJSON) // what is there says nothing about the write
				return
			}
			spoiled(w, 200, "<html>please accept the terms of this network</html>")
		})
		if e := wantKind(t, write(t.Context(), testClient(t, srv.URL)), KindTransient); !e.OutcomeUnknown {
			t.Errorf("%s: %v: want the outcome unknown", name, e)
		}
	}
}

// TestLicenceIsNoPermission: an Intune service that refuses although the token carries the permission is said to want a
// licence; one that names scopes, or whose permission is not in the token, is not (contract 0.4).
func TestLicenceIsNoPermission(t *testing.T) {
	const bare = `{"error":{"code":"Forbidden","message":"{\"Message\":\"An error has occurred. - Operation ID (for customer support): 0\"}"}}`
	for name, tt := range map[string]struct {
		body    string
		do      func(context.Context, *Client) error
		missing string
		licence bool
	}{
		"licence":    {bare, func(ctx context.Context, c *Client) error { return c.ManagedDevices(ctx, nil) }, "", true},
		"permission": {bare, func(ctx context.Context, c *Client) error { return c.SyncDevice(ctx, "d1") }, "DeviceManagementManagedDevices.PrivilegedOperations.All", false},
		"named":      {intuneForbidden, func(ctx context.Context, c *Client) error { return c.ManagedDevices(ctx, nil) }, "DeviceManagementConfiguration.ReadWrite.All,DeviceManagementConfiguration.Read.All", false},
		"directory":  {bare, func(ctx context.Context, c *Client) error { return c.EntraDevices(ctx, nil) }, "", false},
	} {
		a := newAuthority(t)
		a.onToken = func(w http.ResponseWriter, n int64) {
			answer(w, 200, `{"token_type":"Bearer","expires_in":3599,"access_token":%q}`, jwt(int(n), "Device.Read.All", "DeviceManagementManagedDevices.Read.All"))
		}
		a.onGraph = func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, "%s", tt.body) }
		e := wantKind(t, tt.do(t.Context(), a.client(t)), KindForbidden)
		if strings.Join(e.MissingPermissions, ",") != tt.missing || strings.Contains(e.Hint, "licence") != tt.licence {
			t.Errorf("%s: %v", name, e)
		}
	}
}
