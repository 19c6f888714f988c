// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/settings"
)

// tenant takes writes and answers with err.
type tenant struct {
	err     error
	created bool // the answer of an upsert
	refused []graph.MemberRefusal
	calls   []string
	policy  graph.ConfigurationPolicy
	sent    []graph.Assignment
}

func (f *tenant) call(format string, args ...any) error {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return f.err
}

func (f *tenant) CreateConfigurationPolicy(_ context.Context, p graph.ConfigurationPolicy) (graph.ConfigurationPolicy, error) {
	f.policy = p
	if err := f.call("create %s", p.Name); err != nil {
		return graph.ConfigurationPolicy{}, err
	}
	p.ID = "new"
	return p, nil
}

func (f *tenant) ReplaceConfigurationPolicy(_ context.Context, id string, p graph.ConfigurationPolicy) error {
	f.policy = p
	return f.call("replace %s", id)
}

func (f *tenant) RenameConfigurationPolicy(_ context.Context, id, name, description string) error {
	return f.call("rename %s to %s, %s", id, name, description)
}

func (f *tenant) DeleteConfigurationPolicy(_ context.Context, id string) error {
	return f.call("delete %s", id)
}

func (f *tenant) Assign(_ context.Context, id string, list []graph.Assignment) ([]graph.Assignment, error) {
	f.sent = list
	return list, f.call("assign %s", id)
}

func (f *tenant) UpsertGroup(_ context.Context, name string, spec graph.GroupSpec) (graph.Group, bool, error) {
	if err := f.call("upsert %s %s", name, spec.DisplayName); err != nil {
		return graph.Group{}, false, err
	}
	return graph.Group{ID: "group"}, f.created, nil
}

func (f *tenant) DeleteGroup(_ context.Context, id string) error {
	return f.call("delete group %s", id)
}

func (f *tenant) AddMembers(_ context.Context, id string, ids []string) ([]graph.MemberRefusal, error) {
	return f.refused, f.call("add to %s: %s", id, strings.Join(ids, " "))
}

func (f *tenant) RemoveMembers(_ context.Context, id string, ids []string) error {
	return f.call("remove from %s: %s", id, strings.Join(ids, " "))
}

func wanted() *plan.Desired {
	return &plan.Desired{
		Key: plan.LevelKey(v1alpha1.PlatformWindows, 1), Name: "n", Description: "[mark]", Platforms: "windows10", Technologies: "mdm",
		Settings: []settings.Instance{
			{DefinitionID: "choice", Kind: settings.InstanceChoice, Value: "choice_1", Children: []settings.Instance{
				{DefinitionID: "text", Kind: settings.InstanceString, Value: "x"}, {DefinitionID: "number", Kind: settings.InstanceInteger, Value: "-7"},
			}},
		},
	}
}

var devices = []audience.ID{{15: 1}, {15: 2}}

// actions are all writes, each once.
var actions = map[string]func(context.Context, *tenant) Outcome{
	"Create":  func(ctx context.Context, t *tenant) Outcome { return Create(ctx, t, wanted()) },
	"Replace": func(ctx context.Context, t *tenant) Outcome { return Replace(ctx, t, "p1", wanted()) },
	"Rename":  func(ctx context.Context, t *tenant) Outcome { return Rename(ctx, t, "p1", wanted()) },
	"Delete":  func(ctx context.Context, t *tenant) Outcome { return Delete(ctx, t, "p1") },
	"Assign":  func(ctx context.Context, t *tenant) Outcome { return Assign(ctx, t, &plan.Action{ID: "p1"}) },
	"EnsureGroup": func(ctx context.Context, t *tenant) Outcome {
		return EnsureGroup(ctx, t, "tidegate-1", graph.GroupSpec{DisplayName: "d"})
	},
	"RemoveGroup": func(ctx context.Context, t *tenant) Outcome { return RemoveGroup(ctx, t, "g") },
	"Expose":      func(ctx context.Context, t *tenant) Outcome { return Expose(ctx, t, "g", devices) },
	"Withdraw":    func(ctx context.Context, t *tenant) Outcome { return Withdraw(ctx, t, "g", devices) },
}

// TestOutcomes: each kind of error has one meaning for every write: asked again, given up, or looked at first.
func TestOutcomes(t *testing.T) {
	absent := map[string]bool{"Delete": true, "RemoveGroup": true}
	for name, act := range actions {
		for _, tt := range []struct {
			err  error
			want Result
		}{
			{nil, Applied},
			{&graph.Error{Kind: graph.KindThrottled}, Retry}, {&graph.Error{Kind: graph.KindTransient}, Retry}, {&graph.Error{Kind: graph.KindConflict}, Retry},
			{&graph.Error{Kind: graph.KindForbidden}, Rejected}, {&graph.Error{Kind: graph.KindUnauthorized}, Rejected},
			{&graph.Error{Kind: graph.KindInvalid}, Rejected}, {&graph.Error{Kind: graph.KindApprovalRequired}, Rejected},
			{&graph.Error{Kind: graph.KindCredential}, Rejected},
			{&graph.Error{Kind: graph.KindTransient, OutcomeUnknown: true}, Unknown}, {&graph.Error{Kind: graph.KindInvalid, OutcomeUnknown: true}, Unknown},
			{fmt.Errorf("wrapped: %w", &graph.Error{Kind: graph.KindForbidden}), Rejected},
			{context.Canceled, Unknown}, {errors.New("something else"), Unknown},
			{&graph.Error{Kind: graph.KindNotFound}, map[bool]Result{true: AlreadyTrue, false: Rejected}[absent[name]]},
			{&graph.Error{Kind: graph.KindGone}, map[bool]Result{true: AlreadyTrue, false: Rejected}[absent[name]]},
		} {
			f := &tenant{err: tt.err, created: true}
			got := act(t.Context(), f)
			if got.Result != tt.want || len(f.calls) != 1 {
				t.Errorf("%s on %v: %s after %v, want %s", name, tt.err, got.Result, f.calls, tt.want)
			}
			if known := tt.want == Applied || tt.want == AlreadyTrue; known != (got.Err == nil) || !known && !errors.Is(got.Err, tt.err) {
				t.Errorf("%s on %v: error %v", name, tt.err, got.Err)
			}
			if tt.err != nil && got.ID != "" {
				t.Errorf("%s on %v: id %q", name, tt.err, got.ID)
			}
		}
	}
}

// TestCalls: what each action sends.
func TestCalls(t *testing.T) {
	const one, two = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
	for name, want := range map[string]string{
		"Create": "create n", "Replace": "replace p1", "Rename": "rename p1 to n, [mark]", "Delete": "delete p1", "Assign": "assign p1",
		"EnsureGroup": "upsert tidegate-1 d", "RemoveGroup": "delete group g", "Expose": "add to g: " + one + " " + two, "Withdraw": "remove from g: " + one + " " + two,
	} {
		f := &tenant{}
		o := actions[name](t.Context(), f)
		if len(f.calls) != 1 || f.calls[0] != want {
			t.Errorf("%s: %v", name, f.calls)
		}
		if id := map[string]string{"Create": "new", "EnsureGroup": "group"}[name]; o.ID != id {
			t.Errorf("%s: id %q, want %q", name, o.ID, id)
		}
	}
	if o := EnsureGroup(t.Context(), &tenant{created: false}, "u", graph.GroupSpec{}); o.Result != AlreadyTrue || o.ID != "group" {
		t.Errorf("a group that was there: %+v", o)
	}
	f := &tenant{err: errors.New("not to be called")}
	for _, o := range []Outcome{Expose(t.Context(), f, "g", nil), Withdraw(t.Context(), f, "g", nil)} {
		if o.Result != AlreadyTrue || len(f.calls) > 0 {
			t.Errorf("nobody to move: %+v %v", o, f.calls)
		}
	}
}

// TestExposeSaysWhoWasRefused: refusals of single devices come back beside the result, be it an error or none.
func TestExposeSaysWhoWasRefused(t *testing.T) {
	gone := &graph.Error{Kind: graph.KindNotFound}
	for _, err := range []error{nil, &graph.Error{Kind: graph.KindThrottled}} {
		f := &tenant{err: err, refused: []graph.MemberRefusal{{ID: devices[1].String(), Reason: graph.RefusedGone, Err: gone}}}
		o := Expose(t.Context(), f, "g", devices)
		if want := []Refusal{{Member: devices[1], Reason: graph.RefusedGone, Err: gone}}; !cmp.Equal(want, o.Refused, cmp.Comparer(func(a, b error) bool { return a == b })) || (err == nil) != (o.Result == Applied) {
			t.Errorf("%v: %+v", err, o)
		}
	}
	f := &tenant{refused: []graph.MemberRefusal{{ID: "a name"}}}
	if o := Expose(t.Context(), f, "g", devices); o.Result != Unknown || o.Err == nil {
		t.Errorf("%+v", o)
	}
}

// TestWirePolicy: what is wanted arrives as it is, children and all.
func TestWirePolicy(t *testing.T) {
	f := &tenant{}
	Replace(t.Context(), f, "p1", wanted())
	want := graph.ConfigurationPolicy{
		Name: "n", Description: "[mark]", Platforms: "windows10", Technologies: "mdm", RoleScopeTagIDs: []string{"0"},
		Settings: []graph.Setting{{Instance: graph.ChoiceSetting("choice", "choice_1", graph.StringSetting("text", "x"), graph.IntegerSetting("number", -7))}},
	}
	if diff := cmp.Diff(want, f.policy); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestUnwritable: a value that cannot be sent is rejected before anything is, with the setting named.
func TestUnwritable(t *testing.T) {
	for _, bad := range []settings.Instance{
		{DefinitionID: "bad", Kind: settings.InstanceInteger, Value: "seven"},
		{DefinitionID: "bad", Kind: "Collection"},
		{DefinitionID: "parent", Kind: settings.InstanceChoice, Value: "v", Children: []settings.Instance{{DefinitionID: "bad", Kind: settings.InstanceInteger, Value: ""}}},
	} {
		d := wanted()
		d.Settings = []settings.Instance{bad}
		f := &tenant{}
		for _, o := range []Outcome{Create(t.Context(), f, d), Replace(t.Context(), f, "p1", d)} {
			if o.Result != Rejected || o.Err == nil || !strings.Contains(o.Err.Error(), "setting bad") || len(f.calls) > 0 {
				t.Errorf("%+v: %+v %v", bad, o, f.calls)
			}
		}
	}
}

// TestPromise06_ForeignVerbatim: an assignment of somebody else goes back as it was read, filter, raw target and all.
func TestPromise06_ForeignVerbatim(t *testing.T) {
	a := &plan.Action{
		ID: "p1", Include: []string{"g1", "g2"}, Exclude: []string{"x"},
		KeepForeign: []plan.Target{
			{Kind: plan.TargetOther, Wire: plan.WireTarget{Kind: string(graph.TargetOther), Raw: `{"@odata.type":"#x"}`}},
			{Kind: plan.TargetOther, GroupID: "theirs", FilterID: "f", Wire: plan.WireTarget{Kind: string(graph.TargetGroup), FilterType: "include"}},
			{Kind: plan.TargetAllDevices, Wire: plan.WireTarget{Kind: string(graph.TargetAllDevices)}},
		},
	}
	f := &tenant{}
	if o := Assign(t.Context(), f, a); o.Result != Applied {
		t.Fatalf("%+v", o)
	}
	want := []graph.Assignment{
		{Kind: graph.TargetGroup, GroupID: "g1"}, {Kind: graph.TargetGroup, GroupID: "g2"}, {Kind: graph.TargetExclusionGroup, GroupID: "x"},
		{Kind: graph.TargetOther, Raw: []byte(`{"@odata.type":"#x"}`)}, {Kind: graph.TargetGroup, GroupID: "theirs", FilterID: "f", FilterType: "include"}, {Kind: graph.TargetAllDevices},
	}
	if diff := cmp.Diff(want, f.sent); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	f = &tenant{}
	a.KeepForeign = []plan.Target{{Kind: plan.TargetInclude, GroupID: "theirs"}}
	if o := Assign(t.Context(), f, a); o.Result != Rejected || len(f.calls) > 0 || !strings.Contains(o.Err.Error(), "policy p1") {
		t.Errorf("a target that was not read: %+v %v", o, f.calls)
	}
}
