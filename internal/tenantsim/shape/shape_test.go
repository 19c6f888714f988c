// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package shape_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shape"
)

var (
	office  = &shape.Shape{TypeName: "microsoft.graph.office", Members: map[string]shape.Member{"floor": {Kind: shape.Int, Required: true}}}
	remote  = &shape.Shape{TypeName: "microsoft.graph.remote", Members: map[string]shape.Member{"days": {Kind: shape.Strings, Values: []string{"mon", "tue"}}}}
	desk    = &shape.Shape{TypeName: "microsoft.graph.desk", Variants: []*shape.Shape{office, remote}}
	subject = shape.Shape{TypeName: "microsoft.graph.person", Members: map[string]shape.Member{
		"name": {Kind: shape.String, Required: true, Max: 5}, "id": {Kind: shape.String, ReadOnly: true}, "desk": desk.Member(),
		"since": {Kind: shape.Date}, "role": {Kind: shape.Enum, Values: []string{"a", "b"}}, "tags": {Kind: shape.Strings, Beta: true},
	}}
)

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCheck(t *testing.T) {
	for body, part := range map[string]string{
		`{"name":"anna"}`:                 "",
		`{"name":"anna","id":7}`:          "", // computed by the service, ignored
		`{}`:                              "required for property 'name'",
		`{"name":"johanna"}`:              "7 characters long",
		`{"name":"anna","age":3}`:         "'age' does not exist",
		`{"name":"anna","tags":["x"]}`:    "'tags' does not exist",
		`{"name":"anna","since":"today"}`: "Edm.DateTimeOffset",
		`{"name":"anna","role":"c"}`:      "one of a, b",
		`{"name":"anna","desk":{}}`:       "names no type",
		`{"name":"anna","desk":{"@odata.type":"#microsoft.graph.office"}}`:                   "required for property 'floor'",
		`{"name":"anna","desk":{"@odata.type":"#microsoft.graph.office","floor":2}}`:         "",
		`{"name":"anna","desk":{"@odata.type":"#microsoft.graph.remote","days":["sunday"]}}`: "one of mon; tue",
	} {
		err := subject.Check(&odata.Request{Version: "v1.0"}, decode(t, body), true)
		if (err == nil) != (part == "") || err != nil && !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v, want %q", body, err, part)
		}
	}
}

// TestDocument: what beta wrote stays when v1.0 writes, and only beta shows it.
func TestDocument(t *testing.T) {
	doc := subject.Merged(nil, decode(t, `{"name":"anna","tags":["x"],"desk":{"@odata.type":"#microsoft.graph.office","floor":2}}`))
	doc = subject.Merged(doc, decode(t, `{"name":"bob","desk":{"@odata.type":"#microsoft.graph.remote"}}`))
	shown := subject.Shown(doc, false)
	want := map[string]any{"name": "bob", "id": nil, "since": nil, "role": nil, "desk": map[string]any{"@odata.type": "#microsoft.graph.remote", "days": []any{}}}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{"x"}, subject.Shown(doc, true)["tags"]); diff != "" {
		t.Error(diff)
	}
}
