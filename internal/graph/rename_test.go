// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"net/http"
	"strings"
	"testing"
)

// TestRename: a PATCH carries name and description and nothing else, least of all settings, which the tenant would refuse
// (contract a.4), and is repeated when its answer is lost.
func TestRename(t *testing.T) {
	srv := serve(t, func(n int, w http.ResponseWriter, _ *http.Request, _ string) {
		switch n {
		case 1:
			abort()
		case 2:
			answer(w, 200, `{"id":"p1","name":"new","description":"[mark]"}`)
		case 3:
			w.WriteHeader(204) // some endpoints of Intune answer so; ASSUMED that this one may
		default:
			answer(w, 404, `{"error":{"code":"ResourceNotFound","message":"no such policy"}}`)
		}
	})
	c := testClient(t, srv.URL)
	for range 2 {
		if err := c.RenameConfigurationPolicy(t.Context(), "p1", "new", "[mark]"); err != nil {
			t.Fatal(err)
		}
	}
	wantKind(t, c.RenameConfigurationPolicy(t.Context(), "p1", "new", ""), KindNotFound)
	all := srv.all()
	if len(all) != 4 {
		t.Fatalf("%d requests, want 4: one answer was lost and the call repeated", len(all))
	}
	for i, r := range all {
		want := `{"name":"new","description":"[mark]"}`
		if i == 3 {
			want = `{"name":"new","description":""}` // an empty text is sent: it takes the old one away
		}
		if r.method != http.MethodPatch || r.path != "/beta/deviceManagement/configurationPolicies('p1')" || r.body != want {
			t.Errorf("request %d: %s %s %s", i+1, r.method, r.path, r.body)
		}
	}
}

// TestRenameInvalid: bad input is refused before anything is sent, with the field and the remedy.
func TestRenameInvalid(t *testing.T) {
	srv := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(204) })
	c := testClient(t, srv.URL)
	for _, tt := range []struct{ id, name, field string }{{"", "n", "policy id"}, {"p1", " \t", "policy name"}} {
		e := wantKind(t, c.RenameConfigurationPolicy(t.Context(), tt.id, tt.name, "d"), KindInvalid)
		if !strings.Contains(e.Message, tt.field) {
			t.Errorf("%q %q: %v does not name %s", tt.id, tt.name, e, tt.field)
		}
	}
	if srv.count() != 0 {
		t.Errorf("%d requests", srv.count())
	}
}
