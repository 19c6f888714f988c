// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// groupJSON is a group as Graph would send it.
const groupJSON = `{"@odata.context":"x","id":"g1","displayName":"Pilot","uniqueName":"pilot","description":null,"securityEnabled":true,"membershipRule":null,"createdByAppId":"unlisted"}`

// TestPaging reads several pages, an empty one among them, by links that must be followed as they are.
func TestPaging(t *testing.T) {
	var srv *recorder
	srv = serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		link := srv.URL + "/v1.0/users?$skiptoken=a%2bb+c%2cd&$top=999&$select=id"
		switch n {
		case 1:
			answer(w, 200, `{"@odata.count":0,"value":[{"id":"u1","userPrincipalName":"a@x"},{"id":"u2"}],"@odata.nextLink":%q}`, link)
		case 2:
			if want := "$skiptoken=a%2bb+c%2cd&$top=999&$select=id"; r.URL.RawQuery != want {
				t.Errorf("link was changed: %q, want %q", r.URL.RawQuery, want)
			}
			answer(w, 200, `{"@odata.nextLink":%q,"value":[]}`, srv.URL+"/v1.0/users?$skiptoken=3")
		default:
			answer(w, 200, `{"value":[{"id":"u3","accountEnabled":null}],"@odata.nextLink":null}`)
		}
	})
	var ids []string
	err := testClient(t, srv.URL).Users(t.Context(), func(u User) error {
		ids = append(ids, u.ID)
		return nil
	})
	if err != nil || strings.Join(ids, ",") != "u1,u2,u3" {
		t.Errorf("got %v, %v", ids, err)
	}
	q := mustQuery(t, srv.all()[0].query)
	if q.Get("$select") != "id,userPrincipalName,displayName,accountEnabled,userType" || q.Get("$top") != "999" {
		t.Errorf("query %v", q)
	}
}

// TestPagingFaults: a page that fails makes the whole call fail, whatever came before.
func TestPagingFaults(t *testing.T) {
	tests := []struct {
		name, second string
		status       int
		kind         Kind
	}{
		{"error on page two", `{"error":{"code":"Authorization_RequestDenied","message":"no"}}`, 403, KindForbidden},
		{"truncated", `{"value":[{"id":"u3"},{"id":`, 200, KindTransient},
		{"no list", `{"id":"u3"}`, 200, KindTransient},
		{"value is null", `{"value":null}`, 200, KindTransient},
		{"html", `<html>sign in</html>`, 200, KindTransient},
		{"empty", ``, 200, KindTransient},
		{"wrong type", `{"value":[{"id":7}]}`, 200, KindTransient},
		{"trailing text", `{"value":[]} {"value":[{"id":"u9"}]}`, 200, KindTransient},
		{"redirect", ``, 302, KindTransient},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var srv *recorder
			srv = serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
				if n == 1 {
					answer(w, 200, `{"value":[{"id":"u1"}],"@odata.nextLink":%q}`, srv.URL+"/v1.0/users?page=2")
					return
				}
				answer(w, tt.status, "%s", tt.second)
			})
			seen := 0
			err := testClient(t, srv.URL).Users(t.Context(), func(User) error { seen++; return nil })
			e := wantKind(t, err, tt.kind)
			if seen != 1 || e.OutcomeUnknown || e.RequestID != "req-1" {
				t.Errorf("seen %d rows; error %+v", seen, e)
			}
		})
	}
}

// TestPagingYieldError: the caller's own error ends the call and comes back as it is.
func TestPagingYieldError(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		answer(w, 200, `{"value":[{"id":"u1"},{"id":"u2"}]}`)
	})
	stop := errors.New("enough")
	if err := testClient(t, srv.URL).Users(t.Context(), func(User) error { return stop }); err != stop { //nolint:errorlint // identity is the point
		t.Errorf("got %v", err)
	}
	if srv.count() != 1 {
		t.Errorf("%d requests", srv.count())
	}
}

// TestNextLinkHostIsRefused: the token never travels to a host that an answer names.
func TestNextLinkHostIsRefused(t *testing.T) {
	thief := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 200, `{"value":[]}`) })
	for _, link := range []string{thief.URL + "/v1.0/users", "http://graph.microsoft.com/v1.0/users", "/v1.0/users?page=2", "//evil.example/x"} {
		srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
			answer(w, 200, `{"value":[{"id":"u1"}],"@odata.nextLink":%q}`, link)
		})
		wantKind(t, testClient(t, srv.URL).Users(t.Context(), func(User) error { return nil }), KindInvalid)
	}
	// The transport refuses as well, whoever built the request.
	c := testClient(t, "http://127.0.0.1:1")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, thief.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&authTransport{next: http.DefaultTransport, client: c}).RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	wantKind(t, err, KindInvalid)
	if thief.count() != 0 {
		t.Error("the foreign host was asked")
	}
}

// TestNextLinkLoop: a link to the same page would go on for ever.
func TestNextLinkLoop(t *testing.T) {
	var srv *recorder
	srv = serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
		answer(w, 200, `{"value":[],"@odata.nextLink":%q}`, srv.URL+"/v1.0/users?same=1")
	})
	wantKind(t, testClient(t, srv.URL).Users(t.Context(), func(User) error { return nil }), KindTransient)
	if srv.count() != 2 {
		t.Errorf("%d requests", srv.count())
	}
}

// TestRetryReads: what a read does after each kind of failure, counted in requests.
func TestRetryReads(t *testing.T) {
	tests := []struct {
		name     string
		first    func(w http.ResponseWriter)
		requests int
		kind     Kind // empty: the second attempt succeeds
	}{
		{"503", func(w http.ResponseWriter) { answer(w, 503, `{"error":{"code":"x","message":"y"}}`) }, 2, ""},
		{"502 html", func(w http.ResponseWriter) { answer(w, 502, `<html>`) }, 2, ""},
		{"504 empty", func(w http.ResponseWriter) { w.WriteHeader(504) }, 2, ""},
		{"connection cut", func(http.ResponseWriter) { abort() }, 2, ""},
		{"truncated body", func(w http.ResponseWriter) { answer(w, 200, `{"id":`) }, 2, ""},
		{"429 at once", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "0"); w.WriteHeader(429) }, 2, ""},
		{"429 later", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "120"); w.WriteHeader(429) }, 1, KindThrottled},
		{"429 without a time", func(w http.ResponseWriter) { w.WriteHeader(429) }, 1, KindThrottled},
		{"500", func(w http.ResponseWriter) { answer(w, 500, `{"error":{"code":"x","message":"y"}}`) }, 1, KindTransient},
		{"400", func(w http.ResponseWriter) { answer(w, 400, `{"error":{"code":"x","message":"y"}}`) }, 1, KindInvalid},
		{"404", func(w http.ResponseWriter) {
			answer(w, 404, `{"error":{"code":"Request_ResourceNotFound","message":"y"}}`)
		}, 2, ""}, // one miss is not believed
		{"403", func(w http.ResponseWriter) { answer(w, 403, `{"error":{"code":"Forbidden","message":"y"}}`) }, 1, KindForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
				if n == 1 {
					tt.first(w)
					return
				}
				answer(w, 200, groupJSON)
			})
			g, err := testClient(t, srv.URL).Group(t.Context(), "g1")
			if tt.kind == "" && (err != nil || g.ID != "g1") {
				t.Fatalf("got %+v, %v", g, err)
			}
			if tt.kind != "" {
				wantKind(t, err, tt.kind)
			}
			if srv.count() != tt.requests {
				t.Errorf("%d requests, want %d", srv.count(), tt.requests)
			}
		})
	}
}

// TestRetryStops: attempts are bounded and the last failure is what the caller gets.
func TestRetryStops(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		answer(w, 503, `{"error":{"code":"ServiceUnavailable","message":"down"}}`)
	})
	_, err := testClient(t, srv.URL, func(c *Config) { c.MaxAttempts = 3 }).Group(t.Context(), "g1")
	if e := wantKind(t, err, KindTransient); e.Code != "ServiceUnavailable" || srv.count() != 3 {
		t.Errorf("%v after %d requests", e, srv.count())
	}
}

// TestThrottleHoldsTheClassBack: after a long Retry-After nothing of that class leaves, other classes go on.
func TestThrottleHoldsTheClassBack(t *testing.T) {
	srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		if strings.Contains(r.URL.Path, "groups") {
			w.Header().Set("Retry-After", "90")
			answer(w, 429, `{"error":{"code":"TooManyRequests","message":"slow down"}}`)
			return
		}
		answer(w, 200, `{"value":[]}`)
	})
	c := testClient(t, srv.URL)
	before := time.Now()
	_, err := c.Group(t.Context(), "g1")
	e := wantKind(t, err, KindThrottled)
	if wait := e.RetryAt.Sub(before); wait < 89*time.Second || wait > 91*time.Second {
		t.Errorf("retry at %v, %v away", e.RetryAt, wait)
	}
	again := wantKind(t, c.Users(t.Context(), func(User) error { return nil }), KindThrottled)
	if !again.RetryAt.Equal(e.RetryAt) || srv.count() != 1 || !c.ThrottledUntil().Equal(e.RetryAt) {
		t.Errorf("second call: %v, %d requests", again, srv.count())
	}
	if err := c.ManagedDevices(t.Context(), func(ManagedDevice) error { return nil }); err != nil {
		t.Errorf("another class was held back: %v", err)
	}
}

// TestLostAnswer: a create whose answer is lost is sent once and says that its outcome is unknown.
func TestLostAnswer(t *testing.T) {
	policy := ConfigurationPolicy{Name: "n", Platforms: "windows10", Technologies: "mdm", Settings: []Setting{{Instance: ChoiceSetting("d", "d_1")}}}
	faults := map[string]func(w http.ResponseWriter){
		"reset after effect": func(http.ResponseWriter) { abort() },
		"truncated answer":   func(w http.ResponseWriter) { answer(w, 201, `{"id":"p1",`) },
		"answer without id":  func(w http.ResponseWriter) { answer(w, 201, `{}`) },
		"gateway time-out":   func(w http.ResponseWriter) { answer(w, 504, `<html>`) },
		"server error":       func(w http.ResponseWriter) { answer(w, 500, `{"error":{"code":"x","message":"y"}}`) },
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { fault(w) })
			_, err := testClient(t, srv.URL).CreateConfigurationPolicy(t.Context(), policy)
			e := wantKind(t, err, KindTransient)
			if !e.OutcomeUnknown || !OutcomeUnknown(fmt.Errorf("wrapped: %w", err)) || srv.count() != 1 {
				t.Errorf("%+v after %d requests", e, srv.count())
			}
		})
	}
	t.Run("time-out", func(t *testing.T) {
		srv := serve(t, func(_ int, _ http.ResponseWriter, r *http.Request, _ string) { <-r.Context().Done() })
		_, err := testClient(t, srv.URL, func(c *Config) { c.AttemptTimeout = 30 * time.Millisecond }).CreateConfigurationPolicy(t.Context(), policy)
		e := wantKind(t, err, KindTransient)
		if !e.OutcomeUnknown || srv.count() != 1 || errors.Is(err, context.DeadlineExceeded) || e.Message != errStalled.Error() {
			t.Errorf("%+v after %d requests", e, srv.count())
		}
	})
}

// TestUnsafeWriteMayBeRepeated: only where the tenant cannot have acted.
func TestUnsafeWriteMayBeRepeated(t *testing.T) {
	policy := ConfigurationPolicy{Name: "n", Platforms: "windows10", Technologies: "mdm", Settings: []Setting{{Instance: ChoiceSetting("d", "d_1")}}}
	srv := serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
		if n == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(429)
			return
		}
		answer(w, 201, `{"id":"p1","name":"n"}`)
	})
	p, err := testClient(t, srv.URL).CreateConfigurationPolicy(t.Context(), policy)
	if err != nil || p.ID != "p1" || srv.count() != 2 {
		t.Errorf("%+v, %v after %d requests", p, err, srv.count())
	}
	if a, b := srv.all()[0].body, srv.all()[1].body; a != b || a == "" {
		t.Errorf("the bytes changed:\n%s\n%s", a, b)
	}

	t.Run("no connection", func(t *testing.T) {
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := closed.Addr().String()
		if err := closed.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = testClient(t, "http://"+address).CreateConfigurationPolicy(t.Context(), policy)
		if e := wantKind(t, err, KindTransient); e.OutcomeUnknown {
			t.Errorf("nothing was sent, yet %v", e)
		}
		_, err = testClient(t, "http://"+address).GroupsByDisplayName(t.Context(), "Board")
		if strings.Contains(err.Error(), "Board") || strings.Contains(err.Error(), "http://") {
			t.Errorf("the error shows the query: %v", err)
		}
	})
}

// TestIdempotentWriteIsRepeated: a replacement and a deletion may follow a lost answer; the doubt stays when
// they end in a refusal.
func TestIdempotentWriteIsRepeated(t *testing.T) {
	srv := serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
		if n == 1 {
			abort()
		}
		answer(w, 404, `{"error":{"code":"ResourceNotFound","message":"gone"}}`)
	})
	e := wantKind(t, testClient(t, srv.URL).DeleteConfigurationPolicy(t.Context(), "p1"), KindNotFound)
	if !e.OutcomeUnknown || srv.count() != 4 { // delete, delete again, read, read again
		t.Errorf("%v after %d requests", e, srv.count())
	}
}

// TestContextErrors: a caller that gives up sees its own error, at once.
func TestContextErrors(t *testing.T) {
	started := make(chan struct{}, 8)
	srv := serve(t, func(_ int, _ http.ResponseWriter, r *http.Request, _ string) {
		started <- struct{}{}
		<-r.Context().Done()
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

// TestLimiter: the bucket holds requests back and a pause without a named time grows.
func TestLimiter(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 200, groupJSON) })
	c := testClient(t, srv.URL, func(cfg *Config) { cfg.Limits.Directory = Limit{PerSecond: 50, Burst: 1} })
	begin := time.Now()
	for range 4 {
		if _, err := c.Group(t.Context(), "g1"); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took < 55*time.Millisecond {
		t.Errorf("4 requests at 50 per second took %v", took)
	}
	first := time.Until(c.limiter.pause(classDevices, time.Time{}))
	for range 5 {
		c.limiter.pause(classDevices, time.Time{})
	}
	if last := time.Until(c.limiter.pause(classDevices, time.Time{})); first < 9*time.Second || first > 15*time.Second || last < 9*time.Minute || last > 15*time.Minute {
		t.Errorf("pauses from %v to %v", first, last)
	}
	half := Limits{}.withDefaults()
	if half.Exports.PerSecond*60+float64(half.Exports.Burst) > 48 || half.ConfigurationWrites.PerSecond*20+float64(half.ConfigurationWrites.Burst) > 100 {
		t.Errorf("defaults exceed what is published: %+v", half)
	}
}

// TestRedirectIsNotFollowed: neither token nor body travel to where a redirect points.
func TestRedirectIsNotFollowed(t *testing.T) {
	thief := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { answer(w, 200, groupJSON) })
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Location", thief.URL)
		w.WriteHeader(307)
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

// TestStalledBody: a body that stands still is given up, and one that flows slowly is not.
func TestStalledBody(t *testing.T) {
	t.Parallel()
	// The slow body takes longer than the silence that is allowed, in steps that are far shorter than it.
	const silence, step = 900 * time.Millisecond, 100 * time.Millisecond
	srv := serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		w.Header().Set("Content-Type", "application/json")
		for i, part := range strings.SplitAfter(`{"id":"g1",|"displayName"|:|"|P|i|l|o|t|"|}`, "|") {
			_, _ = w.Write([]byte(strings.TrimSuffix(part, "|")))
			if err := http.NewResponseController(w).Flush(); err != nil {
				return
			}
			wait := step
			if n == 1 && i == 2 {
				wait = time.Minute
			}
			select {
			case <-time.After(wait):
			case <-r.Context().Done():
				return
			}
		}
	})
	c := testClient(t, srv.URL, func(cfg *Config) { cfg.AttemptTimeout = silence; cfg.MaxAttempts = 1 })
	_, err := c.Group(t.Context(), "g1")
	if e := wantKind(t, err, KindTransient); !strings.Contains(e.Message, errStalled.Error()) || e.OutcomeUnknown {
		t.Errorf("%v", e)
	}
	if g, err := c.Group(t.Context(), "g1"); err != nil || g.DisplayName != "Pilot" {
		t.Errorf("a slow body of %v in all: %+v, %v", 11*step, g, err)
	}
}
