// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"encoding/json"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/metadata"
	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/refusal"
	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// eachRoute calls with every route in each version that has it, its keys filled.
// Each has a tenant of its own: what one leaves behind slows the next.
func eachRoute(t *testing.T, visit func(w *walker, r *route, target string)) {
	t.Helper()
	for _, version := range []string{"beta", "v1.0"} {
		for i := range routes {
			if r := &routes[i]; version == "beta" || !r.betaOnly {
				w := newWalker(t, version, newGapBook(""))
				target, ok := w.fill(r.pattern)
				if !ok {
					target = strings.NewReplacer("{id}", ids.NewGUID(1, "nobody", 1).String(), "{method}", "x", "{member}", "x", "{n}", "0").Replace(r.pattern)
				}
				visit(w, r, "/"+version+"/"+target)
			}
		}
	}
}

// TestWalkSelect: every member of the metadata can be selected wherever $select
// works, and nothing else comes.
func TestWalkSelect(t *testing.T) {
	eachRoute(t, func(w *walker, r *route, target string) {
		_, response, _ := graphschema.Bodies(w.version, r.method, r.pattern)
		kind, isGraph := strings.CutPrefix(strings.TrimPrefix(response, "[]"), "graph.")
		if r.query&odata.OptSelect == 0 || !isGraph {
			return
		}
		if strings.Contains(r.pattern, "deletedItems/{id}") {
			kind = "group" // the only objects in the bin
		}
		if r.entity != "" {
			kind = r.entity
		}
		names := metadata.Members(w.version, kind)
		if len(names) == 0 && w.schema.Types[kind].Entity {
			t.Errorf("%s: the metadata has no members of %s", target, kind)
		}
		for _, name := range names {
			got := w.raw(r.method, target+"?$select="+name, "")
			var body object
			if err := json.Unmarshal(got.Body.Bytes(), &body); got.Code != 200 || err != nil {
				if got.Code != 404 || strings.HasPrefix(response, "[]") { // the walk found no object
					t.Errorf("%s of %s: %d %.200s", name, target, got.Code, got.Body)
				}
				return
			}
			items := []object{body}
			if strings.HasPrefix(response, "[]") {
				items = objects(body["value"])
			}
			for _, item := range items {
				for member := range item {
					if member != name && member != "id" && !strings.Contains(member, "@") {
						t.Fatalf("%s of %s: %s came too", name, target, member)
					}
				}
			}
		}
	})
}

// TestWalkAnnotations: what an export says beside its members changes nothing,
// wherever it stands.
func TestWalkAnnotations(t *testing.T) {
	for _, version := range []string{"beta", "v1.0"} {
		w := newWalker(t, version, newGapBook(""))
		for _, pattern := range collections(version) {
			collection, ok := w.fill(pattern)
			if !ok {
				continue
			}
			plain := w.minimal(pattern, nil)
			annotated := w.minimal(pattern, nil)
			annotate(annotated)
			_, want, _ := w.send(post, collection, plain)
			w.discard(collection, text(want, "id"))
			status, got, raw := w.send(post, collection, annotated)
			if status != 201 {
				t.Errorf("%s %s: %d %.300s", version, pattern, status, raw)
				continue
			}
			a, b := map[string]any{}, map[string]any{}
			leaves(a, "", want)
			leaves(b, "", got)
			if !slices.Equal(sortedKeys(a), sortedKeys(b)) {
				t.Errorf("%s %s: with annotations %v, without %v", version, pattern, sortedKeys(b), sortedKeys(a))
			}
			if !w.patchable(pattern) {
				continue
			}
			change := object{"@odata.context": "x", "@odata.etag": "W/1"}
			maps.Copy(change, w.nested(pattern, []string{"zz@odata.type"}, "#String"))
			if status, _, raw := w.send(patc, collection+"/"+text(got, "id"), change); status >= 300 {
				t.Errorf("PATCH %s %s: %d %.300s", version, pattern, status, raw)
			}
		}
	}
}

// annotate adds to every object what exports say.
func annotate(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range sortedKeys(v) {
			annotate(v[name])
			if !strings.Contains(name, "@") {
				v[name+"@odata.type"] = "#Collection(String)"
				v[name+"@odata.context"] = "https://graph.microsoft.com/beta/$metadata#x"
				v[name+"@odata.navigationLink"] = "x"
			}
		}
		v["@odata.etag"], v["@odata.id"], v["@odata.editLink"], v["@odata.context"] = "W/1", "x", "x", "x"
		v["@microsoft.graph.tips"], v["#microsoft.graph.assign"] = "t", object{"target": "x"}
	case []any:
		for _, item := range v {
			annotate(item)
		}
	}
}

// oddBodies are no JSON, or JSON of another kind than an object.
var oddBodies = []string{`{`, `{"a":}`, `{"a":1,}`, `[]`, `[{}]`, `3`, `"x"`, `null`, `true`, "\x00", "{\"a\":\"\xff\"}", `{}{}`, `{}}`, `{"a":1e999}`, strings.Repeat("[", 20000),
	`{"":1}`, `{"@odata.type":3}`, `{"@odata.type":"#microsoft.graph.none"}`, `{"no such member":1}`, `{"` + strings.Repeat("x", 5000) + `":1}`}

// oddQueries are options and values that are none.
var oddQueries = []string{"$top=x", "$top=-1", "$top=99999999999999999999", "$skip=x", "$skip=-1", "$select=", "$select=,", "$select=no such member", "$filter=", "$filter=(", "$filter=id eq",
	"$filter=id eq 'x", "$filter=no eq 'x'", "$filter=id gt 1e999", "$filter=createdDateTime ge yesterday", "$filter=createdDateTime ge 2026-13-45T00:00:00Z", "$filter=%zz", "$filter=startswith(id)", "$filter=id in ()",
	"$orderby=", "$orderby=no", "$orderby=id sideways", "$expand=", "$expand=no", "$expand=no($select=", "$count=maybe", "$search=", "$search=x", "$skiptoken=x", "$skiptoken=%ff", "$deltatoken=x", "$format=xml",
	"top=x", "x=y", "$top=1&$top=2", ";", "%zz=1", "$=1", "=1", "api-version=1", "$apply=x", "$select=id&select=id"}

// oddKeys stand where a key does.
var oddKeys = []string{"x", "('x')", "(x)", "()", "(", "')", "(a='b')", "%00", "%ff", "..", "00000000-0000-0000-0000-000000000000", "0", "-1", "$count", "99999999999999999999", "a%2Fb", strings.Repeat("k", 3000)}

// TestWalkFuzz: whatever comes, the answer is one that the service could give: no
// 500, no text of Go's, and an error has the service's shape.
func TestWalkFuzz(t *testing.T) {
	told := map[string]bool{} // one finding of a kind is enough
	sane := func(what string, got *httptest.ResponseRecorder) {
		t.Helper()
		body := got.Body.String()
		what, _, _ = strings.Cut(what, "{")
		if told[what] {
			return
		}
		defer func() { told[what] = told[what] || t.Failed() }()
		if got.Code >= 500 || goText(body) != "" || got.Header().Get(refusal.OwnFaultHeader) != "" {
			t.Errorf("%.300s: %d %.400s (%s)", what, got.Code, body, got.Header().Get(refusal.OwnFaultHeader))
		}
		var e refusal.Body
		if got.Code >= 400 && (json.Unmarshal(got.Body.Bytes(), &e) != nil || e.Error.Code == "" || e.Error.Message == "" || e.Error.InnerError["request-id"] == nil) {
			t.Errorf("%.300s: the error has no shape: %d %.400s", what, got.Code, body)
		}
	}
	eachRoute(t, func(w *walker, r *route, target string) {
		try := func(target, body string) {
			got := w.raw(r.method, strings.ReplaceAll(target, " ", "%20"), body)
			sane(r.method+" "+target+" "+body, got)
			var made object
			if got.Code == 201 && json.Unmarshal(got.Body.Bytes(), &made) == nil { // make room
				w.raw(del, target+"/"+text(made, "id"), "")
				w.raw(del, "/"+w.version+"/directory/deletedItems/"+text(made, "id"), "")
				w.raw(del, "/"+w.version+"/"+accessDeletedContext+"/"+text(made, "id"), "")
			}
		}
		if r.method == get {
			for _, q := range oddQueries {
				try(target+"?"+q, "")
			}
		}
		for _, key := range oddKeys {
			if at := strings.LastIndex(r.pattern, "{"); at >= 0 {
				try("/"+w.version+"/"+strings.NewReplacer("{id}", key, "{method}", key, "{member}", key, "{n}", key).Replace(r.pattern), "{}")
			}
		}
		if r.method == get || r.method == del {
			return
		}
		for _, body := range oddBodies {
			try(target, body)
		}
		request, _, _ := graphschema.Bodies(w.version, r.method, r.pattern)
		for _, body := range w.wrongKinds(r, request) {
			try(target, body)
		}
	})
}

// wrongKinds are bodies in which one member has a value of another type.
func (w *walker) wrongKinds(r *route, request string) []string {
	base := object{}
	if r.method == post && specimens[r.pattern].body != "" {
		base = w.minimal(r.pattern, nil)
	}
	var out []string
	add := func(at []string) {
		for _, value := range []any{nil, "walk", "", true, 7, 7.5, -1, json.Number("99999999999999999999"), []any{}, []any{nil}, []any{"walk"}, []any{7}, []any{object{}}, []any{[]any{}}, object{}, object{"a": 1}, object{odata.TypeAnnotation: "#microsoft.graph.walk"}} {
			body := plainJSON(base).(object)
			nest := value
			for i := len(at) - 1; i >= 0; i-- {
				nest = object{at[i]: nest}
			}
			merge(body, nest.(object))
			raw, err := json.Marshal(body)
			if err != nil {
				w.Fatal(err)
			}
			out = append(out, string(raw))
		}
	}
	var descend func(kind string, at []string)
	descend = func(kind string, at []string) {
		kind = strings.TrimPrefix(strings.TrimPrefix(kind, "nav:"), "[]")
		if plain, ok := strings.CutPrefix(kind, "graph."); ok {
			kind = "graph." + w.schema.Concrete(plain)
		}
		members := w.schema.MembersOf(kind)
		for _, name := range sortedKeys(members) {
			inner := append(slices.Clone(at), name)
			add(inner)
			if len(inner) < 3 && !strings.HasPrefix(members[name], "nav:[]") {
				descend(members[name], inner)
			}
		}
	}
	descend(request, nil)
	for _, name := range []string{"requests", "@odata.id"} {
		add([]string{name})
	}
	return out
}
