// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
)

const tenantID = "11111111-2222-3333-4444-555555555555"

// newClient makes a client the way the product does, for a Graph on loopback. Its limits are off: the floor has none.
func newClient(b *testing.B, graphURL string) *graph.Client {
	b.Helper()
	authority := newAuthority(b)
	c, err := graph.New(graph.Config{TenantID: tenantID, ExportPollInterval: time.Millisecond, TempDir: b.TempDir(),
		Auth: graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: "bench", Secret: "bench"}},
		Endpoint: &graph.Endpoint{GraphURL: graphURL, AuthorityURL: authority.URL,
			CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate().Raw})},
		AllowedHosts: hosts.Allow(b, graphURL, authority.URL), Limits: graph.Unlimited()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	if _, err := c.Permissions(b.Context()); err != nil { // the token is no part of what is measured
		b.Fatal(err)
	}
	return c
}

// newAuthority serves tokens that last for the benchmark.
func newAuthority(b *testing.B) *httptest.Server {
	b.Helper()
	mux := http.NewServeMux()
	srv := httptest.NewTLSServer(mux)
	b.Cleanup(srv.Close)
	mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		base := srv.URL + "/" + r.PathValue("tenant")
		respond(w, fmt.Sprintf(`{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q}`, base+"/v2.0", base+"/oauth2/v2.0/authorize", base+"/oauth2/v2.0/token"))
	})
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", func(w http.ResponseWriter, _ *http.Request) {
		// The payload is {"roles":[]}: only its form matters.
		respond(w, `{"token_type":"Bearer","expires_in":86399,"access_token":"eyJhbGciOiJub25lIn0.eyJyb2xlcyI6W119.c2ln"}`)
	})
	return srv
}

// respond writes JSON.
func respond(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(body))
}

// turns runs floor and product in turns and reports their ratio beside the rate of the product. want is the ratio that
// the project promises.
func turns(b *testing.B, items int, unit string, want float64, floor, product func() error) {
	b.Helper()
	for _, warm := range []func() error{floor, product} {
		if err := warm(); err != nil {
			b.Fatal(err)
		}
	}
	var floorTime, productTime time.Duration
	for b.Loop() {
		begin := time.Now()
		if err := floor(); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if err := product(); err != nil {
			b.Fatal(err)
		}
		floorTime += middle.Sub(begin)
		productTime += time.Since(middle)
	}
	ratio := productTime.Seconds() / floorTime.Seconds()
	b.ReportMetric(ratio, "x-floor")
	b.ReportMetric(float64(items*b.N)/productTime.Seconds(), unit+"/s")
	b.ReportMetric(float64(items*b.N)/floorTime.Seconds(), "floor-"+unit+"/s")
	if ratio > want {
		b.Logf("x-floor is %.2f, more than the %.1f that is promised", ratio, want)
	}
}
