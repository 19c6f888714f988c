// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

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
			spoiled(w, 200, `{"value":[{"id":"u3","accountEnabled":null}],"@odata.nextLink":null}`) // Graph leaves the link out
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
				if tt.status < 400 {
					mark(w) // a success that is none
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

// TestNextLinkCircle: links that lead round in a circle of any length end in an error, after a number of requests that
// is bounded by the circle, and a long chain without one is read to its end.
func TestNextLinkCircle(t *testing.T) {
	for _, tt := range []struct{ tail, circle, pages int }{{0, 1, 0}, {0, 2, 0}, {3, 2, 0}, {0, 7, 0}, {5, 7, 0}, {0, 0, 300}} {
		var srv *recorder
		srv = serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
			at, _ := strconv.Atoi(r.URL.Query().Get("page"))
			next := at + 1
			if tt.circle > 0 && next >= tt.tail+tt.circle {
				next = tt.tail
			}
			link := fmt.Sprintf(`,"@odata.nextLink":"%s/v1.0/users?page=%d"`, srv.URL, next)
			if tt.pages > 0 && next == tt.pages {
				link = ""
			}
			answer(w, 200, `{"value":[{"id":"u%d"}]%s}`, at, link)
		})
		seen := 0
		err := testClient(t, srv.URL).Users(t.Context(), func(User) error { seen++; return nil })
		if tt.pages > 0 {
			if err != nil || seen != tt.pages {
				t.Errorf("%d of %d pages, %v", seen, tt.pages, err)
			}
			continue
		}
		if e := wantKind(t, err, KindTransient); !strings.Contains(e.Message, "circle") || seen > 4*(tt.tail+tt.circle)+4 {
			t.Errorf("tail %d, circle %d: %v after %d pages", tt.tail, tt.circle, e, seen)
		}
	}
}

// TestPageSizeMakesNoDifference: however a collection is cut into pages, empty and repeated deliveries of a page among
// them, the same items come out once and in order; and a page that fails for good makes the call fail, wherever it is.
func TestPageSizeMakesNoDifference(t *testing.T) {
	const users = 57
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 60 {
		var cuts []int // the first item of each page
		for at := 0; at < users; at += random.IntN(1 + random.IntN(users)) {
			cuts = append(cuts, at) // a step of 0 is an empty page
		}
		broken := -1
		if round%3 == 2 {
			broken = random.IntN(len(cuts))
		}
		var srv *recorder
		var failed atomic.Bool
		srv = serve(t, func(_ int, w http.ResponseWriter, r *http.Request, _ string) {
			page := 0
			if r.URL.Query().Has("$skiptoken") {
				page, _ = strconv.Atoi(strings.TrimPrefix(r.URL.Query().Get("$skiptoken"), "a+b c/"))
				if want := "$skiptoken=a%2bb+c%2F" + strconv.Itoa(page) + "&$select=id"; r.URL.RawQuery != want {
					t.Errorf("the link was changed to %q, want %q", r.URL.RawQuery, want)
				}
			}
			end := users
			if page+1 < len(cuts) {
				end = cuts[page+1]
			}
			var items []string
			for i := cuts[page]; i < end; i++ {
				items = append(items, fmt.Sprintf(`{"id":"u%d"}`, i))
			}
			body := fmt.Sprintf(`{"@odata.count":%d,"value":[%s]`, random.IntN(3), strings.Join(items, ","))
			if page+1 < len(cuts) {
				body += fmt.Sprintf(`,"@odata.nextLink":"%s/v1.0/users?$skiptoken=a%%2bb+c%%2F%d&$select=id"`, srv.URL, page+1)
			}
			if page == broken || round%3 == 1 && !failed.Swap(true) {
				spoiled(w, 200, "%s", body[:len(body)/2]) // cut short: for good, or once
				return
			}
			answer(w, 200, "%s}", body)
		})
		next := 0
		err := testClient(t, srv.URL).Users(t.Context(), func(u User) error {
			if u.ID != fmt.Sprintf("u%d", next) {
				return fmt.Errorf("item %d is %s", next, u.ID)
			}
			next++
			return nil
		})
		switch {
		case broken >= 0:
			if e := wantKind(t, err, KindTransient); e.RequestID != "req-1" || next != cuts[broken] {
				t.Errorf("round %d: %v after %d items, want %d", round, e, next, cuts[broken])
			}
		case err != nil || next != users:
			t.Errorf("round %d, pages at %v: %d items, %v", round, cuts, next, err)
		}
	}
}

// TestAllowedHosts: the port of the scheme may be written or left out; nothing else about the host may differ.
func TestAllowedHosts(t *testing.T) {
	c := testClient(t, "https://graph.example", func(cfg *Config) { cfg.Endpoint = nil })
	for link, want := range map[string]bool{
		"https://graph.microsoft.com/v1.0/x": true, "https://GRAPH.microsoft.com/x": true, "https://graph.microsoft.com:443/x": true,
		"https://graph.microsoft.com:8443/x": false, "http://graph.microsoft.com/x": false, "http://graph.microsoft.com:443/x": false, "https://graph.microsoft.com.evil.example/x": false,
		"https://graph.microsoft.us/x": false, "https://graph.microsoft.com@evil.example/x": false, "https:graph.microsoft.com/x": false, "/v1.0/x": false, "https:///x": false, "https://:443/x": false,
		"https://graph.microsoft.com./x": false, "https://graph.micro\u017foft.com/x": false, "https://user@graph.microsoft.com/x": false, "https://graph.microsoft.com:0443/x": true,
	} {
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.hosts.checkHost(u); (err == nil) != want {
			t.Errorf("%s: %v", link, err)
		}
	}
}

// TestReadsAskForAllWords: without the preference, words that were added to an enum later come as unknownFutureValue
// (contract 0.3); it goes with each page, and with no write.
func TestReadsAskForAllWords(t *testing.T) {
	var srv *recorder
	srv = serve(t, func(n int, w http.ResponseWriter, r *http.Request, _ string) {
		switch n {
		case 1:
			answer(w, 200, `{"value":[],"@odata.nextLink":"%s/beta/auditLogs/signIns?$skiptoken=2"}`, srv.URL)
		default:
			succeed(w, r)
		}
	})
	c := testClient(t, srv.URL)
	if err := c.SignIns(t.Context(), SignInQuery{Since: noon, Until: noon.Add(time.Hour)}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ConditionalAccessPolicies(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteGroup(t.Context(), "g1"); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"include-unknown-enum-members", "include-unknown-enum-members", "include-unknown-enum-members", ""} {
		if got := srv.all()[i].header.Get("Prefer"); got != want {
			t.Errorf("request %d has Prefer %q, want %q", i+1, got, want)
		}
	}
}
