// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
)

var (
	start    = time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	errWrite = errors.New("the API server is away")
	allow    = plan.LevelKey(v1alpha1.PlatformWindows, 1)
	hold     = plan.LevelKey(v1alpha1.PlatformWindows, 0)
	macHold  = plan.LevelKey(v1alpha1.PlatformMacOS, 0)
)

// journal notes what was made stable, between the calls of a tenant.
type journal struct {
	tenant *tenant
	fail   bool
	wrote  []v1alpha1.PasskeyPolicyStatus
}

func (j *journal) Write(_ context.Context, s *v1alpha1.PasskeyPolicyStatus) error {
	j.tenant.calls = append(j.tenant.calls, "journal")
	j.wrote = append(j.wrote, *s.DeepCopy())
	if j.fail {
		return errWrite
	}
	return nil
}

// bench is a runner whose tenant answers with err, on records of allow and hold.
func bench(err error) (*Runner, *tenant, *journal) {
	f := &tenant{err: err}
	j := &journal{tenant: f}
	return &Runner{
		Tenant: f, Journal: j, Policy: "ns/pkp", Now: func() time.Time { return start },
		Request: func(context.Context, *v1alpha1.PendingApproval) (*plan.ApprovalRequest, error) { return nil, nil },
		Status: &v1alpha1.PasskeyPolicyStatus{Objects: []v1alpha1.TenantObject{
			{Role: allow.Role, Platform: allow.Platform, Revision: 1, ID: "a", Name: "old", Hash: "old", IncludeGroups: []string{"g1"}, ExcludeGroups: []string{"x1"}},
			{Role: hold.Role, Platform: hold.Platform, ID: "h"},
		}},
	}, f, j
}

func act(kind plan.ActionKind, key plan.Key) plan.Action {
	d := wanted()
	d.Key, d.Hash = key, "new"
	return plan.Action{
		Kind: kind, Key: key, ID: string(key.Role), Desired: d, Include: []string{"g2"}, Exclude: []string{"x2"},
		IntentInclude: []string{"g3"}, IntentExclude: []string{"x3"}, Reason: "a test",
	}
}

// TestPromise05_StableBeforeSent: what a crash after the send has to find is in the journal before anything is sent, and
// where the journal fails nothing is sent.
func TestPromise05_StableBeforeSent(t *testing.T) {
	for kind, want := range map[plan.ActionKind]*v1alpha1.TenantObject{
		plan.Create: {Role: allow.Role, Platform: allow.Platform, Revision: 1, Name: "n", CreateSentAt: stamp(start)},
		plan.Assign: {Role: allow.Role, Platform: allow.Platform, Revision: 1, ID: "a", Name: "old", Hash: "old",
			IncludeGroups: []string{"g1", "g2"}, ExcludeGroups: []string{"x1", "x2"}, AssignSentAt: stamp(start)},
		plan.Replace: nil, plan.Rename: nil, plan.Delete: nil, plan.RemoveCopy: nil, plan.LookUp: nil,
	} {
		r, f, j := bench(nil)
		if _, err := r.Attempt(t.Context(), []plan.Action{act(kind, allow)}); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			if slices.Contains(f.calls, "journal") {
				t.Errorf("%s: %v", kind, f.calls)
			}
			continue
		}
		if len(f.calls) != 2 || f.calls[0] != "journal" || !cmp.Equal(j.wrote[0].Objects[0], *want) {
			t.Errorf("%s: %v\n%s", kind, f.calls, cmp.Diff(*want, j.wrote[0].Objects[0]))
		}
		r, f, j = bench(nil)
		j.fail = true
		if _, err := r.Attempt(t.Context(), []plan.Action{act(kind, allow)}); !errors.Is(err, errWrite) || len(f.calls) != 1 {
			t.Errorf("%s without a journal: %v, %v", kind, f.calls, err)
		}
	}
}

// TestPromise05_AskedOnRecord: a request for approval is on record, with all that its send needs there, before it is opened.
func TestPromise05_AskedOnRecord(t *testing.T) {
	r, f, j := bench(&graph.Error{Kind: graph.KindApprovalRequired, ApprovalCode: "code", ApprovalDigest: "digest"})
	out, err := r.Attempt(t.Context(), []plan.Action{act(plan.Create, allow)})
	if err != nil || out.Result != Waiting || !strings.Contains(out.Err.Error(), "approve request code of") {
		t.Fatalf("%+v, %v", out, err)
	}
	if want := []string{"journal", "create n", "journal", "create n"}; !cmp.Equal(f.calls, want) {
		t.Fatal(f.calls)
	}
	if s := j.wrote[1]; len(s.Approvals) != 1 || s.Approvals[0].State != v1alpha1.ApprovalOpening || s.Objects[0].CreateSentAt == nil {
		t.Errorf("%+v", s)
	}
	if p := r.Status.Approvals; len(p) != 1 || p[0].Code != "code" || p[0].Digest != "digest" || p[0].State != v1alpha1.ApprovalWaiting || r.Status.Objects[0].ID != "a" {
		t.Errorf("%+v", r.Status)
	}
	f.calls = nil
	if out, err := r.Attempt(t.Context(), []plan.Action{act(plan.Create, allow)}); err != nil || out.Result != Waiting || len(f.calls) > 0 {
		t.Errorf("nobody has decided: %v, %+v, %v", f.calls, out, err)
	}
}

// TestOnRecordAfterwards: what a step leaves in the status, by what became of it.
func TestOnRecordAfterwards(t *testing.T) {
	now, sent := stamp(start), stamp(start.Add(-time.Hour))
	old := v1alpha1.TenantObject{Role: allow.Role, Platform: allow.Platform, Revision: 1, ID: "a", Name: "old", Hash: "old", IncludeGroups: []string{"g1"}, CreateSentAt: sent}
	open := old
	open.AssignSentAt = sent
	change := func(o v1alpha1.TenantObject, f func(*v1alpha1.TenantObject)) *v1alpha1.TenantObject { f(&o); return &o }
	both := func(o *v1alpha1.TenantObject) {
		o.IncludeGroups, o.ExcludeGroups, o.AssignSentAt = []string{"g1", "g2"}, []string{"x2"}, now
	}
	for name, tt := range map[string]struct {
		kind plan.ActionKind
		old  v1alpha1.TenantObject
		out  Outcome
		want *v1alpha1.TenantObject
	}{
		"created":        {plan.Create, old, Outcome{Result: Applied, ID: "new"}, &v1alpha1.TenantObject{Role: allow.Role, Platform: allow.Platform, Revision: 1, ID: "new", Name: "n", Hash: "new", AppliedAt: now}},
		"create refused": {plan.Create, old, Outcome{Result: Rejected}, &old}, "create put off": {plan.Create, old, Outcome{Result: Retry}, &old},
		"create lost":         {plan.Create, old, Outcome{Result: Unknown}, &v1alpha1.TenantObject{Role: allow.Role, Platform: allow.Platform, Revision: 1, Name: "n", CreateSentAt: now}},
		"looked up in vain":   {plan.LookUp, old, Outcome{Result: AlreadyTrue}, change(old, func(o *v1alpha1.TenantObject) { o.CreateSentAt = nil })},
		"looked up too early": {plan.LookUp, old, Outcome{Result: Retry}, &old},
		"replaced":            {plan.Replace, old, Outcome{Result: Applied}, change(old, func(o *v1alpha1.TenantObject) { o.Hash, o.Name, o.AppliedAt = "new", "n", now })},
		"replace lost":        {plan.Replace, old, Outcome{Result: Unknown}, &old},
		"renamed":             {plan.Rename, old, Outcome{Result: Applied}, change(old, func(o *v1alpha1.TenantObject) { o.Name, o.AppliedAt = "n", now })},
		"assigned": {plan.Assign, old, Outcome{Result: Applied}, change(old, func(o *v1alpha1.TenantObject) {
			o.IncludeGroups, o.ExcludeGroups, o.AssignedAt = []string{"g3"}, []string{"x3"}, now
		})},
		"assign refused": {plan.Assign, old, Outcome{Result: Rejected}, &old}, "assign lost": {plan.Assign, old, Outcome{Result: Unknown}, change(old, both)},
		"assign refused, an older one open": {plan.Assign, open, Outcome{Result: Retry}, change(open, both)},
		"deleted":                           {plan.Delete, old, Outcome{Result: Applied}, nil}, "gone": {plan.Delete, old, Outcome{Result: AlreadyTrue}, nil},
		"delete refused": {plan.Delete, old, Outcome{Result: Rejected}, &old}, "a copy removed": {plan.RemoveCopy, old, Outcome{Result: Applied}, &old},
	} {
		a := act(tt.kind, allow)
		s := newStep(&a, tt.old, now)
		got, known := s.settle(tt.old, tt.out, now)
		if known != (tt.want != nil) || known && !cmp.Equal(got, *tt.want) {
			t.Errorf("%s: known %t, %s", name, known, cmp.Diff(tt.want, &got))
		}
	}
}

// TestLookUpWaits: an open create is looked for until it has had its time, and then counts as not made.
func TestLookUpWaits(t *testing.T) {
	for age, want := range map[time.Duration]Result{0: Retry, plan.ReplicationLag - time.Second: Retry, plan.ReplicationLag: AlreadyTrue} {
		r, f, _ := bench(nil)
		sent := metav1.NewTime(start.Add(-age))
		r.Status.Objects[0] = v1alpha1.TenantObject{Role: allow.Role, Platform: allow.Platform, Revision: 1, Name: "n", CreateSentAt: &sent}
		out, err := r.Attempt(t.Context(), []plan.Action{act(plan.LookUp, allow)})
		if err != nil || out.Result != want || len(f.calls) > 0 || (r.Status.Objects[0].CreateSentAt == nil) != (want == AlreadyTrue) {
			t.Errorf("sent %s ago: %+v, %+v, %v", age, out, r.Status.Objects[0], err)
		}
	}
	r, _, _ := bench(nil)
	if _, err := r.Attempt(t.Context(), []plan.Action{act("Dance", allow)}); err == nil || !strings.Contains(err.Error(), "Dance") {
		t.Errorf("%v", err)
	}
}

// TestPromise09_Attempt: a refusal holds up its own platform alone; where the tenant is away nothing more is tried.
func TestPromise09_Attempt(t *testing.T) {
	assign := []plan.Action{act(plan.Assign, allow), act(plan.Assign, hold), act(plan.Assign, macHold)}
	copied := []plan.Action{act(plan.RemoveCopy, hold), act(plan.Delete, hold), act(plan.Delete, allow)}
	for name, tt := range map[string]struct {
		actions []plan.Action
		err     error
		want    int // how many are sent
		told    int // the one that is told of, -1 for none
		result  Result
	}{
		"applied":           {assign, nil, 1, 0, Applied},
		"refused":           {assign, &graph.Error{Kind: graph.KindForbidden}, 2, 0, Rejected},
		"away":              {assign, &graph.Error{Kind: graph.KindTransient}, 1, 0, Retry},
		"lost":              {assign, context.Canceled, 1, 0, Unknown},
		"a copy that stays": {copied, &graph.Error{Kind: graph.KindTransient}, 2, 2, Retry},
		"a copy refused":    {copied, &graph.Error{Kind: graph.KindForbidden}, 2, 2, Rejected},
		"only a copy":       {copied[:1], &graph.Error{Kind: graph.KindForbidden}, 1, 0, Rejected},
		"nothing to do":     {nil, nil, 0, -1, ""},
	} {
		r, f, _ := bench(tt.err)
		out, err := r.Attempt(t.Context(), tt.actions)
		sent := slices.DeleteFunc(f.calls, func(c string) bool { return c == "journal" })
		if err != nil || len(sent) != tt.want || out.Result != tt.result || tt.told < 0 && out.Action != nil || tt.told >= 0 && out.Action != &tt.actions[tt.told] {
			t.Errorf("%s: sent %v, told of %v: %s, %v", name, sent, out.Action, out.Result, err)
		}
	}
}
