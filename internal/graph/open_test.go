// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestOpenModels: equal values give equal bytes, a changed member wins over what was read, and an empty object stays one.
func TestOpenModels(t *testing.T) {
	for _, tt := range []struct{ read, want string }{
		{`{}`, `{}`},
		{`{"z":1,"a":null,"id":"g1","@odata.context":"x"}`, `{"id":"g1","a":null,"z":1}`},
		{`{"displayName":"","securityEnabled":false,"ID":"other"}`, `{"ID":"other","displayName":"","securityEnabled":false}`},
		{`{"big":12345678901234567890,"text":"<&>"}`, `{"big":12345678901234567890,"text":"<&>"}`},
	} {
		var g Group
		if err := json.Unmarshal([]byte(tt.read), &g); err != nil {
			t.Fatal(err)
		}
		if out, err := marshal(g); err != nil || string(out) != tt.want {
			t.Errorf("%s became %s, want %s (%v)", tt.read, out, tt.want, err)
		}
	}
	var g Group
	if err := json.Unmarshal([]byte(`{"description":null,"x":1}`), &g); err != nil {
		t.Fatal(err)
	}
	g.Description = "new"
	if out, err := marshal(g); err != nil || string(out) != `{"description":"new","x":1}` {
		t.Errorf("%s, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`{"displayName":7}`), &g); err == nil || !strings.Contains(err.Error(), "displayName") {
		t.Errorf("a member of another type: %v", err)
	}
	if g.Extra.time("x") != g.Extra.time("absent") || !g.Extra.time("x").IsZero() {
		t.Error("what is no time is the zero time")
	}
}

// TestUnknownSimpleValue: a value of a kind that nobody knows is carried once, whatever its type.
func TestUnknownSimpleValue(t *testing.T) {
	for _, text := range []string{`{"@odata.type":"#microsoft.graph.deviceManagementConfigurationBooleanSettingValue","value":true}`,
		`{"@odata.type":"#microsoft.graph.deviceManagementConfigurationNovelSettingValue","value":"x","more":1}`,
		`{"@odata.type":"#microsoft.graph.deviceManagementConfigurationNovelSettingValue","value":{"a":[1]}}`} {
		var v SimpleValue
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if out, err := marshal(v); err != nil || string(out) != text {
			t.Errorf("%s became %s (%v)", text, out, err)
		}
	}
	var v SimpleValue
	if err := json.Unmarshal([]byte(`{"@odata.type":"#microsoft.graph.deviceManagementConfigurationStringSettingValue","value":7}`), &v); err == nil {
		t.Error("a number was taken for a string")
	}
}

// FuzzOpenModel checks that no body breaks a model that keeps what it does not know, and that what it rendered once it
// renders again: nothing is lost on the way from one operator to the next.
func FuzzOpenModel(f *testing.F) {
	for _, body := range []string{newerAccessJSON, fido2JSON(",novelType", `"novelMember":{"x":1},`), `{}`, `null`, `{"id":null,"conditions":null,"x":[1,2]}`, `{"ID":"a","id":"b"}`, `{"grantControls":{"operator":"AND","authenticationStrength":{"combinationConfigurations":[{}]}}}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fixpoint[ConditionalAccessPolicy](t, body)
		fixpoint[Fido2Configuration](t, body)
		fixpoint[ConfigurationPolicy](t, body)
		fixpoint[Remediation](t, body)
	})
}

// fixpoint decodes, renders, and does both again.
func fixpoint[T any](t *testing.T, body []byte) {
	var first, second T
	if json.Unmarshal(body, &first) != nil {
		return
	}
	once, err := marshal(first)
	if err != nil {
		t.Fatalf("%T does not render: %v", first, err)
	}
	if err := json.Unmarshal(once, &second); err != nil {
		t.Fatalf("%T rendered %s: %v", first, once, err)
	}
	twice, err := marshal(second)
	if err != nil || string(twice) != string(once) {
		t.Fatalf("%T rendered %s and then %s (%v)", first, once, twice, err)
	}
}

// FuzzDecodePage checks that no page breaks the decoder, and that what it accepts is JSON with a list.
func FuzzDecodePage(f *testing.F) {
	for _, body := range []string{`{"value":[{"id":"a"}],"@odata.nextLink":"https://x/y"}`, `{"@odata.nextLink":null,"value":[]}`, `{"value":null}`, `{"value":[]} x`, `{"value":[`, `[]`, `{"value":[],"value":[{"id":1}]}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		items, _, err := decodeLinks[wireMember](newPageReader(strings.NewReader(string(body)), defaultCaps), nil)
		if err != nil {
			return
		}
		var page struct {
			Value *[]json.RawMessage `json:"value"`
		}
		if json.Unmarshal(body, &page) != nil || page.Value == nil {
			t.Fatalf("accepted %q", body)
		}
		if len(items) < len(*page.Value) {
			t.Fatalf("%d items of %d", len(items), len(*page.Value))
		}
	})
}
