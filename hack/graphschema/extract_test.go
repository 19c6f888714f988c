// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// modelFile is a type as the SDK's generator writes it, cut down to what is read.
const modelFile = `package models

import s "github.com/microsoft/kiota-abstractions-go/serialization"
import m2 "example.com/sdk/models/security"

type Wave struct {
    Entity
}
func NewWave()(*Wave) {
    m := &Wave{
        Entity: *NewEntity(),
    }
    odataTypeValue := "#microsoft.graph.waVe"
    m.SetOdataType(&odataTypeValue)
    return m
}
func (m *Wave) GetFieldDeserializers()(map[string]func(s.ParseNode)(error)) {
    res := m.Entity.GetFieldDeserializers()
    res["@odata.type"] = func (n s.ParseNode) error { _, err := n.GetStringValue(); return err }
    res["count"] = func (n s.ParseNode) error {
        val, err := n.GetInt32Value()
        if err != nil {
            return err
        }
        if val != nil {
            m.SetCount(val)
        }
        return nil
    }
    res["tags"] = func (n s.ParseNode) error { val, err := n.GetCollectionOfPrimitiveValues("string"); _ = val; return err }
    res["phase"] = func (n s.ParseNode) error { _, err := n.GetEnumValue(ParsePhase); return err }
    res["parts"] = func (n s.ParseNode) error { _, err := n.GetCollectionOfObjectValues(CreatePartFromDiscriminatorValue); return err }
    res["next"] = func (n s.ParseNode) error { _, err := n.GetObjectValue(CreateWaveFromDiscriminatorValue); return err }
    res["alert"] = func (n s.ParseNode) error { _, err := n.GetObjectValue(m2.CreateAlertFromDiscriminatorValue); return err }
    return res
}
type Entity struct {
    backingStore any
}
func (m *Entity) GetFieldDeserializers()(map[string]func(s.ParseNode)(error)) {
    res := make(map[string]func(s.ParseNode)(error))
    res["id"] = func (n s.ParseNode) error { _, err := n.GetStringValue(); return err }
    return res
}
type Part struct { backingStore any }
func (m *Part) GetFieldDeserializers()(map[string]func(s.ParseNode)(error)) {
    res := make(map[string]func(s.ParseNode)(error))
    res["at"] = func (n s.ParseNode) error { _, err := n.GetTimeValue(); return err }
    return res
}
type BigPart struct { Part }
func (m *BigPart) GetFieldDeserializers()(map[string]func(s.ParseNode)(error)) {
    return m.Part.GetFieldDeserializers()
}
func ParsePhase(v string) (any, error) {
    values := strings.Split(v, ",")
    for _, str := range values {
        switch str {
            case "open":
            case "shut":
            default:
                return nil, nil
        }
    }
    return nil, nil
}
type WaveRequestBuilder struct { Entity }
`

func TestExtract(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "wave.go"), modelFile)
	all, err := parsePackage(dir, "example.com/sdk")
	if err != nil {
		t.Fatal(err)
	}
	sel := selection{all: all, out: version{API: "beta", Source: "example"}}
	if err := sel.add("waVe"); err != nil {
		t.Fatal(err)
	}
	raw, err := document{About: about, Versions: []version{sel.finish()}}.render()
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(raw) {
		t.Fatalf("no JSON:\n%s", raw)
	}
	for _, want := range []string{
		`"waVe": {"base":"entity","entity":true,"properties":{"alert":"nav:graph.security.Alert","count":"Edm.Int32","next":"nav:graph.waVe","parts":"[]graph.part","phase":"graph.phase","tags":"[]Edm.String"}}`,
		`"entity": {"abstract":true,"entity":true,"properties":{"id":"Edm.String"}}`,
		`"part": {"properties":{"at":"Edm.DateTimeOffset"}}`,
		`"bigPart": {"base":"part","properties":{}}`,
		`"phase": {"flags":true,"members":["open","shut"]}`,
	} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("lacks %s\n%s", want, raw)
		}
	}
	if strings.Contains(string(raw), "RequestBuilder") || strings.Contains(string(raw), `"@odata.type"`) {
		t.Errorf("holds what is no type of Graph:\n%s", raw)
	}
}

// TestUnreadable changes what the generator writes: the extractor says so instead
// of leaving a member out.
func TestUnreadable(t *testing.T) {
	for name, change := range map[string][2]string{
		"a reader that is new":    {"n.GetInt32Value()", "n.GetInt128Value()"},
		"a primitive that is new": {`GetCollectionOfPrimitiveValues("string")`, `GetCollectionOfPrimitiveValues("int128")`},
		"no reader":               {"n.GetTimeValue()", "other.GetTimeValue()"},
		"no Go":                   {"package models", "package"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "wave.go"), strings.Replace(modelFile, change[0], change[1], 1))
			if _, err := parsePackage(dir, "example.com/sdk"); err == nil {
				t.Error("no error")
			}
		})
	}
	if _, err := parsePackage(t.TempDir(), "example.com/sdk"); err == nil {
		t.Error("an empty directory is no error")
	}
	var empty selection
	if err := empty.add("nothing"); err == nil {
		t.Error("an unknown seed is no error")
	}
}

func TestSnake(t *testing.T) {
	for in, want := range map[string]string{"DeltaGetResponse": "delta_get_response", "ItemAssignPostRequestBody": "item_assign_post_request_body"} {
		if got := snake(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
