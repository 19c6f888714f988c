// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
)

// TestMapFunctions: who is woken by whom.
func TestMapFunctions(t *testing.T) {
	l := newLab(t, calm())
	l.apply(l.newTenant(), newPolicy(), newWave("a", "Everyone"), newWave("b", "Everyone"))
	ten, p, w := l.tenant(), l.policy(), l.wave("a")
	ctx := t.Context()
	for name, tt := range map[string]struct{ got, want string }{
		"policy of a wave":     {fmt.Sprint(policyOfWave(ctx, w)), "[ns/pkp]"},
		"tenant of a policy":   {fmt.Sprint(tenantOfPolicy(ctx, p)), "[ns/corp]"},
		"policies of a tenant": {fmt.Sprint(l.policies.policiesOfTenant(ctx, ten)), "[ns/pkp]"},
		"waves of a tenant":    {fmt.Sprint(l.waves.wavesOfTenant(ctx, ten)), "[ns/a ns/b]"},
		"waves of a policy":    {fmt.Sprint(l.waves.wavesOfPolicy(ctx, p)), "[ns/a ns/b]"},
		"siblings of a wave":   {fmt.Sprint(l.waves.dependents(ctx, w)), "[ns/b]"},
		"another kind":         {fmt.Sprint(policyOfWave(ctx, p), tenantOfPolicy(ctx, w), l.policies.policiesOfTenant(ctx, w), l.waves.wavesOfTenant(ctx, w), l.waves.dependents(ctx, p)), "[] [] [] [] []"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", name, tt.got, tt.want)
		}
	}
}

// TestReasonOf: each kind of error of the tenant is a reason that the API names, with a message to act on.
func TestReasonOf(t *testing.T) {
	for kind, want := range map[graph.Kind]string{
		graph.KindNotFound: v1alpha1.ReasonNotFound, graph.KindConflict: v1alpha1.ReasonConflict, graph.KindForbidden: v1alpha1.ReasonForbidden,
		graph.KindUnauthorized: v1alpha1.ReasonUnauthorized, graph.KindCredential: v1alpha1.ReasonCredentialRefused,
		graph.KindThrottled: v1alpha1.ReasonThrottled, graph.KindTransient: v1alpha1.ReasonTransient, graph.KindInvalid: v1alpha1.ReasonInvalid,
		graph.KindGone: v1alpha1.ReasonGone, graph.KindApprovalRequired: v1alpha1.ReasonApprovalRequired, "": v1alpha1.ReasonTransient,
	} {
		if got := reasonOf(fmt.Errorf("wrapped: %w", &graph.Error{Kind: kind})); got != want {
			t.Errorf("%q: %s, want %s", kind, got, want)
		}
	}
	if got := reasonOf(&graph.Error{Kind: graph.KindCredential, Code: "AADSTS90002"}); got != v1alpha1.ReasonTenantNotFound {
		t.Errorf("no such tenant: %s", got)
	}
	if got := reasonOf(errWrite); got != v1alpha1.ReasonTransient {
		t.Errorf("%s", got)
	}
	e := &graph.Error{Kind: graph.KindForbidden, Message: "not allowed", MissingPermissions: []string{"A.Read", "A.Write"}}
	if got := readable(e); got != "not allowed; grant one of: A.Read, A.Write" {
		t.Errorf("%q", got)
	}
	if got := readable(errWrite); got != errWrite.Error() {
		t.Errorf("%q", got)
	}
	now := time.Unix(1_800_000_000, 0)
	for _, tt := range []struct {
		at   time.Time
		want time.Duration
	}{{now.Add(5 * time.Minute), 5 * time.Minute}, {now, 30 * time.Second}, {now.Add(-time.Minute), 30 * time.Second}} {
		if got := retryDelay(&graph.Error{RetryAt: tt.at}, now); got != tt.want {
			t.Errorf("%s: %s", tt.at.Sub(now), got)
		}
	}
}
