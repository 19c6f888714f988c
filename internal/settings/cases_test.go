// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit/golden"
)

// caseIn is one testdata/*.in.yaml: what a spec asks for, and what the tenant's catalog has.
type caseIn struct {
	About        string                        `json:"about"`
	Settings     v1alpha1.PasskeySettings      `json:"settings"`
	Platforms    []v1alpha1.Platform           `json:"platforms,omitempty"`
	Scope        v1alpha1.PolicyScope          `json:"scope,omitempty"`
	Mode         v1alpha1.PolicyMode           `json:"mode,omitempty"`
	OnMissing    v1alpha1.MissingSettingAction `json:"onMissingSetting,omitempty"`
	Prerequisite string                        `json:"edge,omitempty"`
	Catalog      []definitionIn                `json:"catalog,omitempty"`
	// Recorded is what the policy was asked for before: its baseline, and its revisions in the states given.
	Recorded *recordedIn `json:"recorded,omitempty"`
}

// definitionIn is a toggle of one browser, by its policy name, with what is odd about it.
type definitionIn struct {
	Windows string `json:"windows,omitempty"`
	MacOS   string `json:"macOS,omitempty"`
	Chrome  string `json:"chrome,omitempty"`
	// Scope and Module of a Windows definition, Prefix of one of macOS.
	Scope  string `json:"scope,omitempty"`
	Module string `json:"module,omitempty"`
	Prefix string `json:"prefix,omitempty"`
	// ID in place of the usual one; Root of a child setting.
	ID    string `json:"id,omitempty"`
	Root  string `json:"root,omitempty"`
	Upper bool   `json:"upper,omitempty"`
	// Unnamed has no name of its own.
	Unnamed      bool         `json:"unnamed,omitempty"`
	Platforms    []string     `json:"platforms,omitempty"`
	Technologies []string     `json:"technologies,omitempty"`
	Kind         string       `json:"kind,omitempty"`
	ValueKind    InstanceKind `json:"valueKind,omitempty"`
	// Options in place of off and on, each an end of the item id and what the portal shows, and what it stands for.
	Options *[][]string `json:"options,omitempty"`
}

type recordedIn struct {
	Settings  v1alpha1.PasskeySettings `json:"settings"`
	Platforms []v1alpha1.Platform      `json:"platforms"`
	Catalog   []definitionIn           `json:"catalog"`
	Revisions []v1alpha1.RevisionState `json:"revisions,omitempty"`
}

func (d definitionIn) definition(t *testing.T) Definition {
	var out Definition
	switch {
	case d.Windows != "":
		scope := "device"
		if d.Scope != "" {
			scope = d.Scope
		}
		out = windows(scope, d.Module, d.Windows)
	case d.MacOS != "":
		out = macOS(d.Prefix, d.MacOS)
	case d.Chrome != "":
		out = chrome(d.Chrome)
	default:
		t.Fatalf("a definition of no browser: %+v", d)
	}
	if d.ID != "" {
		out.ID, out.RootDefinitionID = d.ID, d.ID
	}
	if d.Upper {
		out.ID, out.RootDefinitionID = strings.ToUpper(out.ID), strings.ToUpper(out.ID)
	}
	if d.Unnamed {
		out.Name = ""
	}
	if d.Root != "" {
		out.RootDefinitionID = d.Root
	}
	if d.Platforms != nil {
		out.Platforms = d.Platforms
	}
	if d.Technologies != nil {
		out.Technologies = d.Technologies
	}
	if d.Kind != "" {
		out.Kind, out.ValueKind = d.Kind, d.ValueKind
	}
	if d.Options != nil {
		out.Options = nil
		for _, o := range *d.Options {
			o = append(o, "", "")
			out.Options = append(out.Options, Option{ItemID: out.ID + o[0], DisplayName: o[1], Value: o[2]})
		}
	}
	return out
}

func definitions(t *testing.T, in []definitionIn) []Definition {
	var out []Definition
	for _, d := range in {
		out = append(out, d.definition(t))
	}
	return out
}

// revisions are what a policy in mode Gate has on record: the baseline, and r1, r2 and so on with what was asked for.
func (r *recordedIn) revisions(t *testing.T) []v1alpha1.RevisionStatus {
	if r == nil {
		return nil
	}
	first := Resolve(Request{Settings: r.Settings, Platforms: r.Platforms, Mode: v1alpha1.ModeGate, Catalog: definitions(t, r.Catalog)})
	if first.Blocked {
		t.Fatalf("what is recorded could never be asked for: %s", first.BlockMessage)
	}
	out := []v1alpha1.RevisionStatus{{State: v1alpha1.RevisionBaseline, Payloads: first.Baseline}}
	for i, state := range r.Revisions {
		out = append(out, v1alpha1.RevisionStatus{Number: int32(i) + 1, State: state, Payloads: first.Pinned})
	}
	return out
}

// caseOut is one testdata/*.out.yaml.
type caseOut struct {
	Verdicts []string `json:"verdicts,omitempty"`
	// Payloads are what is written, Hold is what holds back, each by platform.
	Payloads map[string][]string `json:"payloads,omitempty"`
	Hold     map[string][]string `json:"hold,omitempty"`
	Edge     string              `json:"edge,omitempty"`
	Blocked  string              `json:"blocked,omitempty"`
	Why      string              `json:"why,omitempty"`
	Gone     []string            `json:"gone,omitempty"`
}

func writtenFor(p v1alpha1.PinnedPayload) (platform string, lines []string) {
	for _, s := range p.Settings {
		lines = append(lines, fmt.Sprintf("%s = %s %s", s.DefinitionID, s.Kind, s.Value))
	}
	return fmt.Sprintf("%s (%s by %s)", p.Platform, p.GraphPlatforms, p.Technologies), lines
}

// TestResolveCases: what becomes of what a spec asks for is as testdata/*.out.yaml says.
func TestResolveCases(t *testing.T) { golden.Pairs(t, "testdata", resolveCase) }

func resolveCase(t *testing.T, text string) string {
	var c caseIn
	if err := yaml.UnmarshalStrict([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if c.About == "" {
		t.Error("about says what the case shows")
	}
	in := Request{
		Settings: c.Settings, Platforms: c.Platforms, Scope: c.Scope, Mode: c.Mode, OnMissing: c.OnMissing, PrerequisiteEdge: c.Prerequisite,
		Catalog: definitions(t, c.Catalog), Revisions: c.Recorded.revisions(t),
	}
	got := Resolve(in)
	whole(t, got)
	out := caseOut{Edge: got.MinEdge, Blocked: got.BlockReason, Why: got.BlockMessage, Payloads: map[string][]string{}, Hold: map[string][]string{}}
	for _, v := range got.Verdicts {
		words := append([]string{string(v.Verdict)}, v.DefinitionIDs...)
		out.Verdicts = append(out.Verdicts, fmt.Sprintf("%s on %s: %s (%s)", v.Setting, v.Platform, strings.Join(words, " "), v.Why))
	}
	for _, p := range got.Pinned {
		platform, lines := writtenFor(p)
		out.Payloads[platform] = lines
	}
	for _, p := range got.Baseline {
		platform, lines := writtenFor(p)
		out.Hold[platform] = lines
	}
	for _, g := range got.Gone {
		out.Gone = append(out.Gone, g.String())
	}
	data, err := yaml.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// whole holds of every answer, whatever it says: a blocked one has nothing to write, and everything has a reason.
func whole(t *testing.T, got Resolution) {
	t.Helper()
	if got.Blocked != (len(got.Pinned) == 0) || got.Blocked != (got.Hash == "") || got.Blocked != (got.BlockMessage != "") || got.Blocked != (got.BlockReason != "") {
		t.Errorf("blocked %v %s with %d payloads, hash %q and message %q", got.Blocked, got.BlockReason, len(got.Pinned), got.Hash, got.BlockMessage)
	}
	if got.Blocked && got.Baseline != nil {
		t.Errorf("blocked with %d payloads of hold", len(got.Baseline))
	}
	for _, v := range got.Verdicts {
		if v.Why == "" || (v.Verdict == v1alpha1.SettingResolved) && len(v.DefinitionIDs) != 1 {
			t.Errorf("%+v", v)
		}
	}
}
