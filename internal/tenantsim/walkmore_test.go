// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// TestWalkIDs: a GUID has no case, wherever it stands in a path.
func TestWalkIDs(t *testing.T) {
	seen := 0
	for _, version := range []string{"beta", "v1.0"} {
		w := newWalker(t, version, newGapBook(""))
		w.furnish()
		for i := range routes {
			r := &routes[i]
			if r.method != get || version == "v1.0" && r.betaOnly || !strings.Contains(r.pattern, "{") {
				continue
			}
			target, ok := w.seen(r.pattern)
			if !ok {
				continue
			}
			upper := upperGUIDs(target)
			if upper == target {
				continue
			}
			seen++
			plain, _, _ := w.send(get, target, nil)
			if status, _, raw := w.send(get, upper, nil); status != plain {
				t.Errorf("GET %s %s: %d, and %d with the id in capitals: %.200s", version, r.pattern, plain, status, raw)
			}
		}
	}
	if seen < 80 {
		t.Errorf("only %d paths have an id", seen)
	}
}

func upperGUIDs(target string) string {
	segments := strings.Split(target, "/")
	for i, s := range segments {
		if _, isGUID := ids.ParseGUID(s); isGUID {
			segments[i] = strings.ToUpper(s)
		}
	}
	return strings.Join(segments, "/")
}

// TestWalkUnknownMembers: what is no member of a type is refused by its name, at
// every depth, when an object is made and when it is changed.
func TestWalkUnknownMembers(t *testing.T) {
	const stranger = "walkStranger"
	for _, version := range []string{"beta", "v1.0"} {
		w := newWalker(t, version, newGapBook(""))
		for _, pattern := range collections(version) {
			collection, ok := w.fill(pattern)
			if !ok {
				continue
			}
			refused := func(method, target string, body object, where string) {
				if status, _, raw := w.send(method, target, body); status != http.StatusBadRequest || !strings.Contains(raw, stranger) {
					t.Errorf("%s %s %s with %s.%s: %d %.200s", method, version, pattern, where, stranger, status, raw)
				}
			}
			for _, at := range append(objectsIn(w.minimal(pattern, nil), ""), "") {
				body := w.minimal(pattern, nil)
				objectAt(body, at)[stranger] = 1
				refused(post, collection, body, at)
			}
			if w.patchable(pattern) {
				id := text(w.create(collection, nil), "id")
				refused(patc, collection+"/"+id, w.nested(pattern, []string{stranger}, 1), "")
				w.discard(collection, id)
			}
		}
	}
}

// objectsIn lists the paths of the objects in a body.
func objectsIn(v any, at string) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for _, name := range sortedKeys(v) {
			out = append(out, objectsIn(v[name], at+"/"+name)...)
		}
		out = append(out, at)
	case []any:
		if len(v) > 0 {
			out = append(out, objectsIn(v[0], at+"/0")...)
		}
	}
	return out
}

func objectAt(body object, at string) object {
	var v any = body
	for _, name := range strings.Split(strings.TrimPrefix(at, "/"), "/") {
		switch in := v.(type) {
		case map[string]any:
			if name != "" {
				v = in[name]
			}
		case []any:
			v = in[0]
		}
	}
	out, _ := v.(map[string]any)
	return out
}

// TestWalkPut: a PUT takes every member that the metadata has, or refuses it by its
// name, and takes back what it does not name. The place in an order stays, as it has
// an action of its own (ASSUMED).
func TestWalkPut(t *testing.T) {
	for i := range routes {
		r := &routes[i]
		if r.method != put {
			continue
		}
		pattern := strings.TrimSuffix(r.pattern, "/{id}")
		w := newWalker(t, "beta", newGapBook(""))
		collection, _ := w.fill(pattern)
		request, _, _ := graphschema.Bodies("beta", post, pattern)
		w.members(pattern, request, nil, func(at []string, kind string) {
			_, value := w.values(pattern, strings.Join(at, "."), kind)
			made := w.create(collection, nil)
			item := collection + "/" + text(made, "id")
			body := w.minimal(pattern, nil)
			merge(body, w.nested(pattern, at, value))
			if status, _, raw := w.send(put, item, body); status >= 300 {
				if !isNamed(raw, at) {
					t.Errorf("PUT %s of %v: the refusal does not name it: %d %.200s", r.pattern, at, status, raw)
				}
				return
			}
			_, after, _ := w.send(get, item+"?$select="+at[0], nil)
			if got := lookAt(after, at); !comesBack(value, got) && knownGap("members", "beta "+pattern+" "+strings.Join(at, ".")) == "" {
				t.Errorf("PUT %s of %v: is read as %v, sent %v", r.pattern, at, got, value)
			}
			plain := w.minimal(pattern, nil)
			if status, _, raw := w.send(put, item, plain); status >= 300 {
				if !isNamed(raw, at) { // a PUT must repeat a creationSource (contract a.4)
					t.Errorf("PUT %s without %v: %d %.200s", r.pattern, at, status, raw)
				}
				return
			}
			_, before, _ := w.send(get, item, nil)
			for name, v := range before {
				if want := plain[name]; want == nil && !isEmpty(v) && !slices.Contains(w.known(pattern).computed, name) && name != "priorityMetaData" && !strings.Contains(name, "@") && w.known(pattern).defaults[name] == nil {
					t.Errorf("PUT %s without %v: %s is still %v", r.pattern, at, name, v)
				}
			}
			w.discard(collection, text(made, "id"))
		})
	}
}

// TestWalkAssignments: what can be assigned can be listed with its assignments.
func TestWalkAssignments(t *testing.T) {
	seen := 0
	for i := range routes {
		r := &routes[i]
		at, isAssign := strings.CutSuffix(r.pattern, "/assign")
		if r.method != post || !isAssign {
			continue
		}
		if seen++; !hasRoute("beta", get, at+"/assignments") {
			t.Errorf("%s can be assigned, and has no list of assignments", at)
		}
	}
	if seen < 4 {
		t.Errorf("only %d kinds can be assigned", seen)
	}
}

// TestWalkNull: null in a change takes a member back to what it was when the object
// was made, or is refused by its name; it is never ignored.
func TestWalkNull(t *testing.T) {
	for _, version := range []string{"beta", "v1.0"} {
		w := newWalker(t, version, newGapBook(""))
		for _, pattern := range collections(version) {
			collection, ok := w.fill(pattern)
			if !ok || !w.patchable(pattern) {
				continue
			}
			w.eachKind(pattern, func(request string) {
				w.members(pattern, request, nil, func(at []string, kind string) { w.clear(pattern, collection, at, kind) })
			})
		}
	}
}

// isNamed reports whether a refusal is about a member, in words or by its name.
func isNamed(raw string, at []string) bool {
	plain := strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(raw))
	return slices.ContainsFunc(at, func(name string) bool {
		word := strings.ToLower(name)
		if len(word) > 6 { // "Policy template 'x'" is about templateId
			word = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(word, "led"), "id"), "s")
		}
		return strings.Contains(plain, word)
	})
}

func (w *walker) clear(pattern, collection string, at []string, kind string) {
	_, value := w.values(pattern, strings.Join(at, "."), kind)
	if isEmpty(plainJSON(value)) {
		value, _ = w.values(pattern, strings.Join(at, "."), kind)
	}
	id := text(w.create(collection, nil), "id")
	defer w.discard(collection, id)
	item := collection + "/" + id
	read := func() any {
		_, got, _ := w.send(get, item+"?$select="+at[0], nil)
		return lookAt(got, at)
	}
	fresh := read()
	if status, _, _ := w.send(patc, item, w.nested(pattern, at, value)); status >= 300 {
		return // TestWalkMembers looks at refusals
	}
	status, _, raw := w.send(patc, item, w.nested(pattern, at, nil))
	if status >= 300 {
		if !isNamed(raw, at) {
			w.Errorf("PATCH %s %s with %v null: the refusal does not name it: %d %.200s", w.version, pattern, at, status, raw)
		}
		return
	}
	if now := read(); !isEmpty(now) && !reflect.DeepEqual(now, fresh) {
		w.Errorf("PATCH %s %s with %v null: is still %v, it was made with %v", w.version, pattern, at, now, fresh)
	}
}

// TestWalkVersions: what beta wrote stays when v1.0 changes something else, and what
// v1.0 wrote when beta does.
func TestWalkVersions(t *testing.T) {
	w := newWalker(t, "beta", newGapBook(""))
	stable := &walker{tenant: w.tenant, version: "v1.0", schema: w.schema, found: w.found, group: w.group}
	seen := 0
	for _, pattern := range collections("v1.0") {
		collection, ok := w.fill(pattern)
		if !ok || !stable.patchable(pattern) || w.known(pattern).touch == nil {
			continue
		}
		w.eachKind(pattern, func(request string) {
			w.members(pattern, request, nil, func(at []string, kind string) {
				value, _ := w.values(pattern, strings.Join(at, "."), kind)
				body := w.minimal(pattern, nil)
				merge(body, w.nested(pattern, at, value))
				_, made, _ := w.send(post, collection, body)
				item := collection + "/" + text(made, "id")
				if text(made, "id") == "" {
					return // TestWalkMembers looks at refusals
				}
				defer w.discard(collection, text(made, "id"))
				seen++
				if status, _, raw := stable.send(patc, item, w.known(pattern).touch); status >= 300 {
					t.Errorf("PATCH v1.0 %s beside %v: %d %.200s", pattern, at, status, raw)
				}
				_, after, _ := w.send(get, item+"?$select="+at[0], nil)
				if got := lookAt(after, at); !comesBack(value, got) && lookAt(w.known(pattern).touch, at) == nil {
					t.Errorf("PATCH v1.0 %s loses %v: it is %v, beta wrote %v", pattern, at, got, value)
				}
			})
		})
	}
	if seen < 60 {
		t.Errorf("only %d members were written", seen)
	}
}

// TestWalkMessages: an error is text of the service's, not of a page of HTML.
func TestWalkMessages(t *testing.T) {
	tt := newTenant(t, Options{Devices: 5})
	body := maps.Clone(allowBody("none"))
	body["settings"] = []object{}
	if _, message := tt.errorOf(400, "POST", policiesPath, body); !strings.Contains(message, ">=1 and <=5000") {
		t.Errorf("the bounds are written as %s", message)
	}
}
