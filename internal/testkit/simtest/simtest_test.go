// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// witness is a test that may fail without failing this one.
type witness struct {
	testing.TB
	mu     sync.Mutex
	faults []string
}

// Errorf remembers what the test was told.
func (w *witness) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

func (w *witness) told() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.faults, "\n")
}

// wire is a client of a tenant: over a socket or by its handler.
type wire struct {
	*Tenant
	base      string
	transport http.RoundTripper
}

// byHandler is a round tripper without a network.
type byHandler struct{ http.Handler }

func (h byHandler) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

func overSocket(t *testing.T, tn *Tenant) wire {
	t.Helper()
	base, ca := tn.Start()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return wire{tn, base, transport}
}

// send asks once; answers are for people, so only the status is returned.
func (w wire) send(ctx context.Context, t *testing.T, method, path, contentType, body string, header ...string) (int, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, w.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.GetBody = nil // the transport must not send it again by itself
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := w.transport.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	got, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(got), errors.Join(err, resp.Body.Close())
}

func (w wire) token(t *testing.T) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {w.ClientID()}, "client_secret": {w.ClientSecret()},
		"scope": {"https://graph.microsoft.com/.default"}}
	_, body, err := w.send(t.Context(), t, http.MethodPost, "/"+w.TenantID()+"/oauth2/v2.0/token", "application/x-www-form-urlencoded", form.Encode())
	var out struct {
		Token string `json:"access_token"`
	}
	if err := errors.Join(err, json.Unmarshal([]byte(body), &out)); err != nil || out.Token == "" {
		t.Fatalf("no token: %v", err)
	}
	return out.Token
}

// TestTenantIsChecked sends a right and a wrong request both ways that lead to a
// tenant, and spoils what would be right.
func TestTenantIsChecked(t *testing.T) {
	const (
		right = `{"displayName":"g","mailEnabled":false,"mailNickname":"g","securityEnabled":true}`
		wrong = `{"displayName":"g","mailEnabled":false,"mailNicname":"g","securityEnabled":true}`
	)
	for name, connect := range map[string]func(*testing.T, *Tenant) wire{
		"handler": func(_ *testing.T, tn *Tenant) wire { return wire{tn, "http://tenant.example", byHandler{tn.Handler()}} },
		"socket":  overSocket,
	} {
		for what, tc := range map[string]struct {
			body   string
			fault  tenantsim.FaultMode
			marked bool
			status int
			want   string
		}{
			"right":                  {right, "", false, 201, ""},
			"wrong":                  {wrong, "", false, 400, `did you mean "mailNickname"?`},
			"wrong on purpose":       {wrong, "", true, 400, ""},
			"truncated":              {right, tenantsim.FaultTruncated, false, 201, ""},
			"a page":                 {right, tenantsim.FaultHTML, false, 502, ""},
			"a page for a wrong one": {wrong, tenantsim.FaultHTML, false, 502, `did you mean "mailNickname"?`},
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				seen := &witness{TB: t}
				w := connect(t, New(seen, tenantsim.Options{Seed: 1, Devices: 5}))
				header := []string{"Authorization", "Bearer " + w.token(t)}
				if tc.marked {
					header = append(header, graphschema.WrongHeader, "on purpose")
				}
				if tc.fault != "" {
					if err := w.SetFaults([]tenantsim.Fault{{Mode: tc.fault}}); err != nil {
						t.Fatal(err)
					}
				}
				status, body, err := w.send(t.Context(), t, http.MethodPost, "/v1.0/groups", "application/json", tc.body, header...)
				if err != nil || status != tc.status {
					t.Errorf("%d %s, %v, want %d", status, body, err, tc.status)
				}
				text := seen.told()
				if tc.want == "" && text != "" || !strings.Contains(text, tc.want) {
					t.Errorf("the test was told %q, want %q", text, tc.want)
				}
			})
		}
	}
}

// TestRequestOfLostAnswerIsChecked: a request that was dropped or whose answer
// was lost is checked all the same, and the connection fails as without a check.
func TestRequestOfLostAnswerIsChecked(t *testing.T) {
	for _, mode := range []tenantsim.FaultMode{tenantsim.FaultRefuse, tenantsim.FaultReset, tenantsim.FaultLostAnswer, tenantsim.FaultCut} {
		t.Run(string(mode), func(t *testing.T) {
			seen := &witness{TB: t}
			w := overSocket(t, New(seen, tenantsim.Options{Seed: 1, Devices: 5}))
			token := w.token(t)
			if err := w.SetFaults([]tenantsim.Fault{{Mode: mode}}); err != nil {
				t.Fatal(err)
			}
			_, _, err := w.send(t.Context(), t, http.MethodPost, "/v1.0/groups", "application/json", `{"mailNicname":"g"}`, "Authorization", "Bearer "+token)
			if err == nil {
				t.Error("the request was answered")
			}
			_, _, again := w.send(t.Context(), t, http.MethodGet, "/v1.0/groups", "application/json", "", "Authorization", "Bearer "+token)
			if refused := errors.Is(again, syscall.ECONNREFUSED); refused != (mode == tenantsim.FaultRefuse) {
				t.Errorf("the next connection: %v", again)
			}
			// The connection ends before the handler does.
			deadline := time.Now().Add(5 * time.Second)
			for seen.told() == "" && time.Now().Before(deadline) {
				time.Sleep(time.Millisecond)
			}
			if text := seen.told(); !strings.Contains(text, `did you mean "mailNickname"?`) {
				t.Errorf("the test was told %q", text)
			}
		})
	}
}
