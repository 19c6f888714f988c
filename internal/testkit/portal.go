// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Portal sends a request as an administrator in the portal would, with no client of ours between, and fails the test
// unless it succeeds. An administrator presses the button again when the service is busy.
func (w *World) Portal(t testing.TB, method, path string) {
	t.Helper()
	token := w.portalToken(t)
	for range 5 {
		r := httptest.NewRequest(method, w.SimURL+path, http.NoBody)
		r.Header.Set("Authorization", "Bearer "+token)
		answer := httptest.NewRecorder()
		w.Sim.Handler().ServeHTTP(answer, r)
		switch {
		case answer.Code < http.StatusMultipleChoices:
			return
		case answer.Code != http.StatusTooManyRequests:
			t.Fatalf("%s %s: %d %s", method, path, answer.Code, answer.Body)
		}
	}
	t.Fatalf("%s %s: refused five times", method, path)
}

func (w *World) portalToken(t testing.TB) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {w.Sim.ClientID()}, "client_secret": {w.Sim.ClientSecret()},
		"scope": {"https://graph.microsoft.com/.default"}}
	r := httptest.NewRequest(http.MethodPost, w.SimURL+"/"+w.Sim.TenantID()+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	w.Sim.Handler().ServeHTTP(answer, r)
	var body struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil || body.Token == "" {
		t.Fatalf("the portal cannot sign in: %d %s", answer.Code, answer.Body)
	}
	return body.Token
}
