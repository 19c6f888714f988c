// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/testkit/graphschema"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
)

var contoso = types.NamespacedName{Namespace: "edge", Name: "contoso"}

// closed is where nothing listens.
const closed = "https://127.0.0.1:1"

// loopback lets a Tenant name closed.
var loopback = func() graph.HostList {
	l, err := graph.ParseHosts([]string{hosts.Of(closed)})
	if err != nil {
		panic(err)
	}
	return l
}()

func config(secret string) graph.Config {
	return graph.Config{
		TenantID: guid('t', 1),
		Auth:     graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: guid('c', 1), Secret: secret}},
		Endpoint: &graph.Endpoint{GraphURL: closed, AuthorityURL: closed}, AllowedHosts: loopback,
	}
}

func connect(t *testing.T, s *Store, cfg graph.Config) *graph.Client {
	t.Helper()
	c, err := s.Connect(contoso, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConnectKeepsTheClientUntilItsConfigurationChanges(t *testing.T) {
	s := NewStore()
	if s.Client(contoso) != nil || s.Inventory(contoso) != nil {
		t.Fatal("an empty store has a tenant")
	}
	first := connect(t, s, config("one"))
	if connect(t, s, config("one")) != first || s.Client(contoso) != first {
		t.Error("the same configuration made another client")
	}
	inv := &Inventory{AsOf: began}
	if !s.PutInventory(contoso, inv, began) {
		t.Fatal("inventory refused")
	}
	second := connect(t, s, config("two"))
	if second == first || s.Client(contoso) != second {
		t.Error("a renewed secret kept the old client")
	}
	if s.Inventory(contoso) != inv {
		t.Error("a renewed secret dropped the inventory")
	}
	elsewhere := config("two")
	elsewhere.TenantID = guid('t', 2)
	connect(t, s, elsewhere)
	if s.Inventory(contoso) != nil {
		t.Error("the inventory of one tenant is shown for another")
	}
}

func TestConnectRefusesABadConfigurationAndKeepsTheOld(t *testing.T) {
	s := NewStore()
	first := connect(t, s, config("one"))
	bad := config("one")
	bad.Endpoint = &graph.Endpoint{GraphURL: "not a URL"}
	if _, err := s.Connect(contoso, bad); err == nil {
		t.Fatal("no error")
	}
	if s.Client(contoso) != first {
		t.Error("the client was lost")
	}
}

func TestPutInventory(t *testing.T) {
	s := NewStore()
	newer, older := &Inventory{AsOf: began}, &Inventory{AsOf: began.Add(-time.Hour)}
	if s.PutInventory(contoso, newer, began) || s.Inventory(contoso) != nil {
		t.Error("an inventory brought a tenant back")
	}
	connect(t, s, config("one"))
	if s.PutInventory(contoso, nil, began) {
		t.Error("no inventory was kept")
	}
	if !s.PutInventory(contoso, newer, began) || s.PutInventory(contoso, older, began) || s.Inventory(contoso) != newer {
		t.Error("an older inventory replaced a newer one")
	}
	s.Delete(contoso)
	s.Delete(contoso)
	if s.Client(contoso) != nil || s.Inventory(contoso) != nil || s.PutInventory(contoso, newer, began) {
		t.Error("a deleted tenant is still there")
	}
}

// TestPromise16_ClientOfAnotherNamespace: a Tenant of the same name, for the same Microsoft tenant, in another namespace has neither
// client nor inventory of the one that is connected, whether its own credential can be used or not; to go takes nothing along.
func TestPromise16_ClientOfAnotherNamespace(t *testing.T) {
	s := NewStore()
	theirs := types.NamespacedName{Namespace: "evil", Name: contoso.Name}
	owner := connect(t, s, config("right"))
	now := time.Now()
	s.PutInventory(contoso, &Inventory{AsOf: now}, now)
	if s.Client(theirs) != nil || s.Inventory(theirs) != nil {
		t.Fatal("connected by the name alone")
	}
	bad := config("")
	if _, err := s.Connect(theirs, bad); err == nil || s.Client(theirs) != nil {
		t.Errorf("without a credential: %v, %v", err, s.Client(theirs))
	}
	for _, secret := range []string{"guess", "right"} { // what they know they may use, by a client of their own
		c, err := s.Connect(theirs, config(secret))
		if err != nil || c == owner || s.Client(theirs) != c || s.Inventory(theirs) != nil {
			t.Errorf("%s: the owner's client %t, %v", secret, c == owner, err)
		}
	}
	s.Delete(theirs)
	if s.Client(contoso) != owner || s.Inventory(contoso) == nil {
		t.Error("the owner's client went with theirs")
	}
}

// TestTwoTenantsOfOneTenantID: however many Tenants name a Microsoft tenant, it is asked at one pace, a pause that it asks one
// for holds for all, and the metrics stay until the last is gone.
func TestTwoTenantsOfOneTenantID(t *testing.T) {
	asked := 0
	var srv *httptest.Server
	srv = httptest.NewTLSServer(graphschema.Handler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		base, _, _ := strings.Cut(r.URL.Path[1:], "/")
		base = srv.URL + "/" + base
		body := `{"token_type":"Bearer","expires_in":3600,"access_token":"e30.e30.e30"}`
		switch {
		case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
			body = fmt.Sprintf(`{"issuer":"%[1]s/v2.0","authorization_endpoint":"%[1]s/oauth2/v2.0/authorize","token_endpoint":"%[1]s/oauth2/v2.0/token"}`, base)
		case strings.HasPrefix(r.URL.Path, "/v1.0/"):
			asked++
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Error(err)
		}
	})))
	t.Cleanup(srv.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	registry := prometheus.NewRegistry()
	of := func(secret, tenantID string) graph.Config {
		cfg := config(secret)
		cfg.TenantID, cfg.Registry = tenantID, registry
		cfg.Endpoint, cfg.AllowedHosts = &graph.Endpoint{GraphURL: srv.URL, AuthorityURL: srv.URL, CABundle: ca}, hosts.Allow(t, srv.URL)
		return cfg
	}
	s := NewStore()
	join := func(name string, cfg graph.Config) *graph.Client {
		t.Helper()
		c, err := s.Connect(types.NamespacedName{Namespace: "n", Name: name}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	tenantID := guid('t', 0xabc)
	one, two := join("one", of("s1", tenantID)), join("two", of("s2", strings.ToUpper(tenantID)))
	other := join("other", of("s1", guid('t', 2)))
	if _, err := one.Group(t.Context(), guid('g', 1)); graph.KindOf(err) != graph.KindThrottled {
		t.Fatal(err)
	}
	if _, err := two.Group(t.Context(), guid('g', 1)); graph.KindOf(err) != graph.KindThrottled || asked != 1 {
		t.Errorf("the second asked a tenant that wanted a pause: %d requests, %v", asked, err)
	}
	if one.ThrottledFor() == 0 || two.ThrottledFor() == 0 || other.ThrottledFor() != 0 {
		t.Errorf("throttled for %s, %s and, of another tenant, %s", one.ThrottledFor(), two.ThrottledFor(), other.ThrottledFor())
	}
	// A renewed secret is no way out of the pause.
	if join("two", of("s3", tenantID)).ThrottledFor() == 0 {
		t.Error("the pause ended with the secret")
	}
	series := func() int {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, f := range families {
			if f.GetName() == "tidegate_graph_requests_total" {
				n += len(f.GetMetric())
			}
		}
		return n
	}
	before := series()
	s.Delete(types.NamespacedName{Namespace: "n", Name: "two"})
	if before == 0 || series() != before {
		t.Errorf("%d series, %d when one of two Tenants was gone", before, series())
	}
	s.Delete(types.NamespacedName{Namespace: "n", Name: "one"})
	if series() != 0 {
		t.Errorf("%d series of nobody", series())
	}
	if again := join("one", of("s1", tenantID)); again.ThrottledFor() != 0 || len(s.shared) != 2 {
		t.Errorf("%d limiters", len(s.shared))
	}
}

// TestInventoryFromTheFuture: one that was read while the clock was ahead gives way to one that was read on the right time.
func TestInventoryFromTheFuture(t *testing.T) {
	for name, tt := range map[string]struct {
		ahead time.Duration
		gone  bool
	}{"a month": {30 * 24 * time.Hour, true}, "just beyond the skew": {10*time.Minute + 1, true}, "the skew": {10 * time.Minute, false}, "not at all": {0, false}} {
		s := NewStore()
		connect(t, s, config("one"))
		future, now := &Inventory{AsOf: began.Add(tt.ahead)}, &Inventory{AsOf: began.Add(-time.Second)}
		if future.Ahead(began) != tt.gone || !s.PutInventory(contoso, future, began) {
			t.Errorf("%s: ahead %t", name, future.Ahead(began))
		}
		if s.PutInventory(contoso, now, began) != tt.gone {
			t.Errorf("%s: replaced %t", name, !tt.gone)
		}
	}
}

func TestStoreInManyHands(t *testing.T) {
	s := NewStore()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 50 {
				switch (i + n) % 4 {
				case 0:
					if _, err := s.Connect(contoso, config("one")); err != nil {
						t.Error(err)
					}
				case 1:
					s.PutInventory(contoso, &Inventory{AsOf: began.Add(time.Duration(n))}, began)
				case 2:
					s.Inventory(contoso)
					s.Client(contoso)
				case 3:
					if n%10 == 0 {
						s.Delete(contoso)
					}
				}
			}
		})
	}
	wg.Wait()
	first := connect(t, s, config("one"))
	if s.Client(contoso) != first {
		t.Error("the store lost a client")
	}
}
