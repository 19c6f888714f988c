// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/plan"
)

// TestPopulationWidens: what hold has on record is compared with what the population is to be; groups of waves are no part of it.
func TestPopulationWidens(t *testing.T) {
	hold := v1alpha1.TenantObject{Role: v1alpha1.RoleHold, ID: "h", IncludeGroups: []string{"a", "b"}, ExcludeGroups: []string{"x", "wave"}}
	everyone := hold
	everyone.IncludeGroups = []string{plan.Everyone}
	allow := v1alpha1.TenantObject{Role: v1alpha1.RoleAllow, ID: "r", Revision: 1, IncludeGroups: []string{"wave"}}
	for name, c := range map[string]struct {
		objects          []v1alpha1.TenantObject
		all              bool
		include, exclude []string
		want             bool
	}{
		"nothing written":       {nil, false, []string{"a"}, nil, true},
		"the same":              {[]v1alpha1.TenantObject{allow, hold}, false, []string{"A", "b"}, []string{"x"}, false},
		"less":                  {[]v1alpha1.TenantObject{hold}, false, []string{"a"}, []string{"x", "y"}, false},
		"one more group":        {[]v1alpha1.TenantObject{allow, hold}, false, []string{"a", "b", "c"}, []string{"x"}, true},
		"one excluded no more":  {[]v1alpha1.TenantObject{hold}, false, []string{"a", "b"}, nil, true},
		"everyone":              {[]v1alpha1.TenantObject{hold}, true, nil, []string{"x"}, true},
		"everyone as before":    {[]v1alpha1.TenantObject{everyone}, true, nil, []string{"x"}, false},
		"no hold":               {[]v1alpha1.TenantObject{allow}, false, []string{"c"}, nil, false},
		"hold not assigned yet": {[]v1alpha1.TenantObject{{Role: v1alpha1.RoleHold}}, false, []string{"a"}, nil, true},
	} {
		p := &v1alpha1.PasskeyPolicy{}
		p.Status.Objects, p.Status.Waves = c.objects, []v1alpha1.WaveAdmission{{GroupID: "wave"}}
		own := Population{All: c.all, Groups: Groups{Include: c.include, Exclude: c.exclude}}
		if got := own.widens(p); got != c.want {
			t.Errorf("%s: widens %t", name, got)
		}
	}
}
