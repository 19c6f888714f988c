// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

var (
	holdKey = LevelKey(v1alpha1.PlatformWindows, 0)
	r1Key   = LevelKey(v1alpha1.PlatformWindows, 1)
	r2Key   = LevelKey(v1alpha1.PlatformWindows, 2)

	correct = Options{Drift: v1alpha1.DriftCorrect}
	report  = Options{Drift: v1alpha1.DriftReport}
)

func want(k Key, include, exclude []string) Desired {
	return Desired{Key: k, Name: k.Level(), Hash: "h1", Include: include, Exclude: exclude}
}

func wantHold(exclude ...string) Desired { return want(holdKey, []string{"all"}, exclude) }

func wantR1(include ...string) Desired { return want(r1Key, include, nil) }

// seen is a policy that is as it was written.
func seen(k Key, include, exclude []string) Observed {
	o := Observed{
		Key: k, ID: "id-" + k.Level(), Exists: true, SettingsMatch: true, NameMatch: true,
		Previous: Previous{Include: include, Exclude: exclude, Hash: "h1"},
	}
	for _, g := range include {
		o.Assignments = append(o.Assignments, Target{Kind: TargetInclude, GroupID: g})
	}
	for _, g := range exclude {
		o.Assignments = append(o.Assignments, Target{Kind: TargetExclude, GroupID: g})
	}
	return o
}

func seenHold(exclude ...string) Observed { return seen(holdKey, []string{"all"}, exclude) }

func seenR1(include ...string) Observed { return seen(r1Key, include, nil) }

func with(o Observed, change func(*Observed)) Observed {
	change(&o)
	return o
}

func kinds(actions []Action) string {
	out := make([]string, len(actions))
	for i, a := range actions {
		out[i] = string(a.Kind) + " " + a.Key.String() + " " + a.ID
	}
	return strings.Join(out, ", ")
}
