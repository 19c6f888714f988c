// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestNextApproval is the table of what is done about a write that needs approval.
func TestNextApproval(t *testing.T) {
	start := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	soon, late := start.Add(ApprovalLag-time.Second), start.Add(ApprovalLag)
	pending := func(state v1alpha1.ApprovalState, code string) *v1alpha1.PendingApproval {
		return &v1alpha1.PendingApproval{State: state, Code: code, RequestedAt: metav1.NewTime(start), Retry: "1"}
	}
	said := func(status string, at time.Time) *ApprovalRequest {
		return &ApprovalRequest{Status: status, ChangedAt: at}
	}
	opening, waiting, refused := pending(v1alpha1.ApprovalOpening, ""), pending(v1alpha1.ApprovalWaiting, "c"), pending(v1alpha1.ApprovalCancelled, "c")
	for name, tt := range map[string]struct {
		p       *v1alpha1.PendingApproval
		retry   string
		request *ApprovalRequest
		now     time.Time
		want    ApprovalStep
	}{
		"nothing asked":                   {nil, "1", nil, soon, SendPlain},
		"code lost, not listed yet":       {opening, "1", nil, soon, FindRequest},
		"code lost, never listed":         {opening, "1", nil, late, SendPlain},
		"code lost, found":                {opening, "1", said("needsApproval", start), soon, AwaitPeople},
		"not listed yet":                  {waiting, "1", nil, soon, AwaitPeople},
		"not shown by the tenant":         {waiting, "1", nil, late, AwaitPeople},
		"not shown, and retry annotated":  {waiting, "2", nil, late, SendPlain},
		"late, and retry annotated":       {waiting, "2", nil, soon, AwaitPeople},
		"undecided":                       {waiting, "1", said("needsApproval", start), late, AwaitPeople},
		"a new word":                      {waiting, "1", said("escalated", start), late, AwaitPeople},
		"undecided, and retry annotated":  {waiting, "2", said("needsApproval", start), late, TryPlain},
		"rejected, and retry annotated":   {waiting, "2", said("rejected", start), late, StopRefused},
		"approved":                        {waiting, "1", said("approved", start), late, SendApproved},
		"rejected":                        {waiting, "1", said("rejected", start), late, StopRefused},
		"cancelled":                       {waiting, "1", said("cancelled", start), late, StopRefused},
		"expired":                         {waiting, "1", said("expired", start), late, StopRefused},
		"done a moment ago":               {waiting, "1", said("completed", late.Add(-time.Second)), late, AwaitEffect},
		"done, and undone":                {waiting, "1", said("completed", start), late, SendPlain},
		"done, the tenant says not when":  {waiting, "1", said("completed", time.Time{}), soon, AwaitEffect},
		"done long ago, not said when":    {waiting, "1", said("completed", time.Time{}), late, SendPlain},
		"refused before":                  {refused, "1", nil, late, StopRefused},
		"refused before, retry annotated": {refused, "2", nil, late, SendPlain},
		"refused before, retry taken off": {refused, "", nil, late, StopRefused},
	} {
		if got := NextApproval(tt.p, tt.retry, tt.request, tt.now); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		if tt.want != StopRefused {
			continue
		}
		want := v1alpha1.ApprovalCancelled
		if tt.p != refused {
			want = v1alpha1.ApprovalState(strings.ToUpper(tt.request.Status[:1]) + tt.request.Status[1:])
		}
		if got := Refusal(tt.p, tt.request); got != want {
			t.Errorf("%s: recorded as %s, want %s", name, got, want)
		}
	}
}

// TestKeepApprovals: an approval stays as long as its write is planned, or its policy is being looked for.
func TestKeepApprovals(t *testing.T) {
	fp := func(a *Action) string { return a.Fingerprint() }
	create, hold := newAction(Create, r1Key, "", ""), newAction(Assign, holdKey, "h", "")
	create.Desired = &Desired{Key: r1Key, Name: "allow"}
	pending := []v1alpha1.PendingApproval{
		{Fingerprint: fp(&create), Role: r1Key.Role, Platform: r1Key.Platform, Revision: 1}, {Fingerprint: fp(&hold), Role: holdKey.Role, Platform: holdKey.Platform},
	}
	for name, tt := range map[string]struct {
		actions []Action
		want    int
	}{
		"both planned": {[]Action{hold, create}, 2}, "one planned": {[]Action{hold}, 1}, "none": {nil, 0},
		"looked for": {[]Action{newAction(LookUp, r1Key, "", "")}, 1}, "another revision looked for": {[]Action{newAction(LookUp, r2Key, "", "")}, 0}, "something else": {[]Action{newAction(Delete, r1Key, "a", "")}, 0},
	} {
		if got := KeepApprovals(pending, tt.actions); len(got) != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if len(pending) != 2 || pending[0].Role != r1Key.Role {
		t.Error("the caller's list was changed")
	}
}

// TestJustification: the text says what for, keeps to the limit of the header in characters, and ends with the reference.
func TestJustification(t *testing.T) {
	p := &v1alpha1.PendingApproval{Fingerprint: "0123456789abcdef", Action: "Create Allow/Windows: no policy yet", RequestedAt: metav1.Unix(1_800_000_000, 0)}
	if got := Justification("ns/edge", p); got != "Tidegate for PasskeyPolicy ns/edge: Create Allow/Windows: no policy yet [ref 0123456789abcdef-1800000000]" {
		t.Error(got)
	}
	for n := 900; n < 1100; n++ {
		p.Action = strings.Repeat("ü", n)
		got := Justification("ns/edge", p)
		if c := utf8.RuneCountInString(got); c > 1024 || n > 1000 && c != 1024 || !utf8.ValidString(got) || !strings.HasSuffix(got, " [ref 0123456789abcdef-1800000000]") {
			t.Fatalf("%d characters: %d in all", n, c)
		}
	}
}
