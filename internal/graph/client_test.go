// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	clocktesting "k8s.io/utils/clock/testing"
)

// groupJSON is a group as Graph would send it.
const groupJSON = `{"@odata.context":"x","id":"g1","displayName":"Pilot","uniqueName":"pilot","description":null,"securityEnabled":true,"membershipRule":null,"classification":"unlisted"}`

// TestContextErrors: a caller that gives up sees its own error, at once.
func TestContextErrors(t *testing.T) {
	started := make(chan struct{}, 8)
	srv := serve(t, func(_ int, _ http.ResponseWriter, r *http.Request, _ string) {
		started <- struct{}{}
		hang(r)
	})
	c := testClient(t, srv.URL)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	begin := time.Now()
	_, err := c.Group(ctx, "g1")
	if !errors.Is(err, context.Canceled) || time.Since(begin) > 2*time.Second {
		t.Errorf("got %v after %v", err, time.Since(begin))
	}
	wantKind(t, err, KindTransient)

	timed, cancelTimed := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancelTimed()
	if _, err := c.Group(timed, "g1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestUnauthorizedRenewsOnce: a 401 leads to one new token and one more request, with the same body.
func TestUnauthorizedRenewsOnce(t *testing.T) {
	srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		if n == 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="", authorization_uri="x", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="`)
			answer(w, 401, `{"error":{"code":"InvalidAuthenticationToken","message":"expired"}}`)
			return
		}
		w.WriteHeader(204)
	})
	c := testClient(t, srv.URL)
	if err := c.bindMembers(t.Context(), groupWrite("AddMembers"), "g1", []string{"m1"}); err != nil {
		t.Fatal(err)
	}
	all := srv.all()
	if len(all) != 2 || all[0].body != all[1].body || all[0].header.Get("Authorization") == all[1].header.Get("Authorization") {
		t.Errorf("requests: %+v", all)
	}

	always := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("WWW-Authenticate", `Bearer claims`) // the adapter's own parser would panic on this
		answer(w, 401, `{"error":{"code":"InvalidAuthenticationToken","message":"no"}}`)
	})
	_, err := testClient(t, always.URL).Group(t.Context(), "g1")
	if e := wantKind(t, err, KindUnauthorized); always.count() != 2 || e.Code != "InvalidAuthenticationToken" {
		t.Errorf("%v after %d requests", e, always.count())
	}
}

// TestForbiddenNamesThePermission: a bare refusal is explained by what the token lacks, and only then.
func TestForbiddenNamesThePermission(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		answer(w, 403, `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`)
	})
	c := testClient(t, srv.URL)
	_, err := c.Group(t.Context(), "g1")
	if e := wantKind(t, err, KindForbidden); strings.Join(e.MissingPermissions, ",") != "GroupMember.Read.All" {
		t.Errorf("got %v", e)
	}
	// The test token carries Device.Read.All, so the refusal must have another reason.
	if e := wantKind(t, c.EntraDevices(t.Context(), func(EntraDevice) error { return nil }), KindForbidden); e.MissingPermissions != nil {
		t.Errorf("got %v", e)
	}
}

// TestConcurrentUse drives one client from many goroutines.
func TestConcurrentUse(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 200, groupJSON) })
	c := testClient(t, srv.URL)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for range 5 {
				if _, err := c.Group(t.Context(), "g1"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestMetrics: what is counted, and that two tenants can share a registry.
func TestMetrics(t *testing.T) {
	srv := serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
		if n == 1 {
			answer(w, 503, `{"error":{"code":"x","message":"y"}}`)
			return
		}
		answer(w, 200, groupJSON)
	})
	reg := prometheus.NewRegistry()
	c := testClient(t, srv.URL, func(cfg *Config) { cfg.Registry = reg })
	other := testClient(t, srv.URL, func(cfg *Config) { cfg.Registry = reg; cfg.TenantID = "fabrikam" })
	for _, client := range []*Client{c, other} {
		if _, err := client.Group(t.Context(), "g1"); err != nil {
			t.Fatal(err)
		}
	}
	want := `# HELP tidegate_graph_requests_total Requests to Microsoft Graph by operation and HTTP status; code is error when there was no answer.
# TYPE tidegate_graph_requests_total counter
tidegate_graph_requests_total{code="200",op="Group",tenant="contoso"} 1
tidegate_graph_requests_total{code="200",op="Group",tenant="fabrikam"} 1
tidegate_graph_requests_total{code="503",op="Group",tenant="contoso"} 1
# HELP tidegate_graph_retries_total Requests to Microsoft Graph that were sent again.
# TYPE tidegate_graph_retries_total counter
tidegate_graph_retries_total{op="Group",tenant="contoso"} 1
# HELP tidegate_graph_in_flight_requests Requests to Microsoft Graph that wait for their answer.
# TYPE tidegate_graph_in_flight_requests gauge
tidegate_graph_in_flight_requests{tenant="contoso"} 0
tidegate_graph_in_flight_requests{tenant="fabrikam"} 0
`
	err := testutil.GatherAndCompare(reg, strings.NewReader(want), "tidegate_graph_requests_total", "tidegate_graph_retries_total", "tidegate_graph_in_flight_requests")
	if err != nil {
		t.Error(err)
	}
	c.Close()
	if n := testutil.CollectAndCount(c.metrics.requests); n != 1 {
		t.Errorf("%d series of requests left after Close, want the other tenant's one", n)
	}
}

// TestRedirectIsNotFollowed: neither token nor body travel to where a redirect points.
func TestRedirectIsNotFollowed(t *testing.T) {
	thief := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 200, groupJSON) })
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Location", thief.URL)
		spoiled(w, 307, "<a href=%q>moved</a>", thief.URL) // Graph redirects nobody, but what stands before it may
	})
	c := testClient(t, srv.URL)
	_, err := c.Group(t.Context(), "g1")
	wantKind(t, err, KindTransient)
	wantKind(t, c.DeleteGroup(t.Context(), "g1"), KindTransient)
	if thief.count() != 0 {
		t.Error("the redirect was followed")
	}
}

// TestCovers: which grants include which needs.
func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		granted, needed string
		want            bool
	}{
		{"Group.ReadWrite.All", "GroupMember.Read.All", true}, {"GroupMember.ReadWrite.All", "Group.ReadWrite.All", false},
		{"Device.Read.All", "Device.ReadWrite.All", false}, {"Directory.Read.All", "User.Read.All", true}, {"Directory.ReadWrite.All", "DeviceManagementConfiguration.Read.All", false},
		{"DeviceManagementConfiguration.ReadWrite.All", "DeviceManagementConfiguration.Read.All", true}, {"DeviceManagementManagedDevices.ReadWrite.All", "DeviceManagementManagedDevices.PrivilegedOperations.All", false},
		{"Group.Create", "Group.Create", true}, {"Group.Create", "Group.ReadWrite.All", false},
	} {
		if got := covers(tt.granted, tt.needed); got != tt.want {
			t.Errorf("%s covers %s: %v", tt.granted, tt.needed, got)
		}
	}
}

// TestDeletesAndSingleReads: the plain calls.
func TestDeletesAndSingleReads(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		if r.Method == http.MethodDelete {
			w.WriteHeader(204)
			return
		}
		answer(w, 200, `{"id":"p1","name":"n","templateReference":{"templateId":"t_1"}}`)
	})
	c := testClient(t, srv.URL)
	if err := errors.Join(c.DeleteGroup(t.Context(), "g1"), c.DeleteConfigurationPolicy(t.Context(), "p1")); err != nil {
		t.Fatal(err)
	}
	p, err := c.ConfigurationPolicy(t.Context(), "p1")
	if err != nil || p.TemplateID != "t_1" {
		t.Errorf("%+v, %v", p, err)
	}
	if err := c.DeleteConfigurationPolicy(t.Context(), "a b/c?d"); err != nil || srv.all()[3].path != "/beta/deviceManagement/configurationPolicies('a%20b%2Fc%3Fd')" {
		t.Errorf("%v, %s", err, srv.all()[3].path)
	}
	var got []string
	for _, r := range srv.all()[:3] {
		got = append(got, r.method+" "+r.path)
	}
	if want := "DELETE /v1.0/groups/g1,DELETE /beta/deviceManagement/configurationPolicies('p1'),GET /beta/deviceManagement/configurationPolicies('p1')"; strings.Join(got, ",") != want {
		t.Errorf("got %v", got)
	}
}

// TestStalledBody: a body that stands still is given up after the time that is allowed, and one that flows is not,
// however long it takes in all.
func TestStalledBody(t *testing.T) {
	const silence = time.Minute
	parts := strings.SplitAfter(`{"id":"g1",|"displayName"|:|"|P|i|l|o|t|"|}`, "|")
	clk := clocktesting.NewFakeClock(noon)
	resume := make(chan struct{})
	srv := serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		w.Header().Set("Content-Type", "application/json")
		for i, part := range parts {
			if i > 0 {
				select {
				case <-resume:
				case <-r.Context().Done():
					return
				}
			}
			_, _ = w.Write([]byte(strings.TrimSuffix(part, "|")))
			_ = http.NewResponseController(w).Flush()
		}
	})
	c := testClient(t, srv.URL, func(cfg *Config) { cfg.AttemptTimeout, cfg.AnswerTimeout, cfg.MaxAttempts = silence, 100*silence, 1 })
	wire := wireOf(t, c)
	wire.clock = clk
	read := func() (<-chan Group, <-chan error) {
		group, failed := make(chan Group, 1), make(chan error, 1)
		go func() { g, err := c.Group(t.Context(), "g1"); group <- g; failed <- err }()
		return group, failed
	}
	arrived := func(n int) func() bool {
		want := len(strings.ReplaceAll(strings.Join(parts[:n], ""), "|", ""))
		return func() bool {
			return int(testutil.ToFloat64(c.metrics.bytes.WithLabelValues("contoso", "Group"))) >= want
		}
	}

	group, failed := read()
	for n := 1; n < len(parts); n++ { // each part comes just before the time is over
		eventually(t, "part of the body", arrived(n))
		eventually(t, "watch over the body", clk.HasWaiters)
		clk.Step(silence - time.Nanosecond)
		resume <- struct{}{}
	}
	if err := <-failed; err != nil || (<-group).DisplayName != "Pilot" {
		t.Errorf("a body that took %v in all: %v", time.Duration(len(parts)-1)*silence, err)
	}

	c.metrics.bytes.Reset()
	_, failed = read()
	eventually(t, "first part of the body", arrived(1))
	eventually(t, "watch over the body", clk.HasWaiters)
	clk.Step(silence + time.Nanosecond)
	if e := wantKind(t, <-failed, KindTransient); !strings.Contains(e.Message, errStalled.Error()) || e.OutcomeUnknown {
		t.Errorf("%v", e)
	}
}

// wireOf is the innermost transport of a client.
func wireOf(t *testing.T, c *Client) *wireTransport {
	t.Helper()
	if frame, ok := c.download.Transport.(*frameTransport); ok {
		if wire, ok := frame.next.(*wireTransport); ok {
			return wire
		}
	}
	t.Fatal("the download has another chain")
	return nil
}
