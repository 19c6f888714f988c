// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
)

// shortTenant shows policies by their id that it does not list.
type shortTenant struct {
	*tenant
	unlisted map[string]bool
}

func (s shortTenant) ConfigurationPolicies(ctx context.Context, name string) ([]graph.ConfigurationPolicy, error) {
	all, err := s.tenant.ConfigurationPolicies(ctx, name)
	var out []graph.ConfigurationPolicy
	for _, p := range all {
		if !s.unlisted[p.ID] {
			out = append(out, p)
		}
	}
	return out, err
}

// TestPromise04_ShortListOfPolicies: a list that lacks a policy of ours which is there proves nothing: no absence that would
// make a twin, and no absence of other operators.
func TestPromise04_ShortListOfPolicies(t *testing.T) {
	long := &metav1.Time{Time: now.Add(-24 * time.Hour)}
	just := &metav1.Time{Time: now.Add(-time.Minute)}
	foreign := graph.ConfigurationPolicy{ID: "f1", Name: "another's", Description: Owner{Cluster: "elsewhere", UID: "x"}.Marker(hold)}
	for name, tt := range map[string]struct {
		applied  *metav1.Time
		id       string
		policies []graph.ConfigurationPolicy
		unlisted map[string]bool
		fail     map[string]error
		says     string // nothing: believed
	}{
		"whole":                       {long, "p1", []graph.ConfigurationPolicy{live(allow, "p1")}, nil, nil, ""},
		"empty":                       {long, "p1", []graph.ConfigurationPolicy{live(allow, "p1")}, map[string]bool{"p1": true}, nil, "the list of configuration policies has 0 and lacks"},
		"short":                       {long, "p1", []graph.ConfigurationPolicy{live(allow, "p1"), foreign}, map[string]bool{"p1": true}, nil, "has 1 and lacks"},
		"late":                        {just, "p1", []graph.ConfigurationPolicy{live(allow, "p1")}, map[string]bool{"p1": true}, nil, ""},
		"never dated":                 {nil, "p1", []graph.ConfigurationPolicy{live(allow, "p1")}, map[string]bool{"p1": true}, nil, "has 0 and lacks"},
		"deleted":                     {long, "p1", []graph.ConfigurationPolicy{foreign}, nil, nil, ""},
		"deleted, and nothing else":   {long, "p1", nil, nil, nil, ""},
		"not made yet":                {nil, "", nil, nil, nil, ""},
		"empty, and no word on it":    {long, "p1", nil, nil, map[string]error{"ConfigurationPolicy": errAway}, errAway.Error()},
		"not empty, no word on it":    {long, "p1", []graph.ConfigurationPolicy{foreign}, nil, map[string]error{"ConfigurationPolicy": errAway}, ""},
		"whole, and no word on it":    {long, "p1", []graph.ConfigurationPolicy{live(allow, "p1")}, nil, map[string]error{"ConfigurationPolicy": errAway}, ""},
		"the list itself is not read": {long, "p1", []graph.ConfigurationPolicy{live(allow, "p1")}, nil, map[string]error{"ConfigurationPolicies": errAway}, errAway.Error()},
	} {
		src := shortTenant{&tenant{policies: tt.policies, fail: tt.fail}, tt.unlisted}
		records := []v1alpha1.TenantObject{{Role: allow.Role, Platform: allow.Platform, ID: tt.id, AppliedAt: tt.applied}}
		_, err := tenantPolicies(t.Context(), src, records, now)
		switch {
		case tt.says == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%s: want %q, got %v", name, tt.says, err)
		case strings.Contains(tt.says, "lacks") && (graph.KindOf(err) != graph.KindTransient || !strings.Contains(err.Error(), `"Tidegate `+allow.String()+`" (p1)`)):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPromise04_CatalogThatFindsNothing: a catalog that finds none of our settings and not even what every catalog has was not
// searched. It is asked again each time, and one without our settings is believed.
func TestPromise04_CatalogThatFindsNothing(t *testing.T) {
	c, key := NewCatalogs(), types.NamespacedName{Name: "corp"}
	mute := &tenant{}
	for range 2 {
		mute.calls = nil
		defs, err := c.Definitions(t.Context(), key, mute, now)
		if defs != nil || graph.KindOf(err) != graph.KindTransient || !strings.Contains(err.Error(), "Whether the settings exist is not known") {
			t.Errorf("%v, %v", defs, err)
		}
		if len(mute.calls) == 0 {
			t.Error("what was not believed was kept")
		}
	}
	if defs, err := c.Definitions(t.Context(), key, &tenant{fail: map[string]error{"SettingDefinitions": errAway}}, now); defs != nil || !errors.Is(err, errAway) {
		t.Errorf("%v, %v", defs, err)
	}
	without := &tenant{defs: []graph.SettingDefinition{{ID: "device_vendor_msft_policy_config_microsoft_edge~policy~microsoft_edge~passwordmanager_passwordmanagerenabled"}}}
	if defs, err := c.Definitions(t.Context(), key, without, now); err != nil || len(defs) != 0 {
		t.Errorf("a catalog without the settings: %v, %v", defs, err)
	}
}
