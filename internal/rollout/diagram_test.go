// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit/golden"
)

// TestDiagram: the diagram in the package documentation is the one of the table.
func TestDiagram(t *testing.T) {
	const file, marker, end = "doc.go", "go test -run TestDiagram -update.\n", "package rollout\n"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(data), marker)
	if !found || !strings.HasSuffix(rest, end) {
		t.Fatalf("%s has no place for the diagram: it goes between %q and %q", file, marker, end)
	}
	golden.Match(t, file, before+marker+diagram()+end)
}

// diagram renders the rows that move something or stop the clocks, as a comment: from, condition, to, and what is done.
func diagram() string {
	var b strings.Builder
	b.WriteString("//\n")
	for _, r := range table {
		if r.next == stay && r.effect == EffectNone && !r.freeze {
			continue
		}
		to := string(r.next)
		switch {
		case r.next == stay && len(r.in) == 1:
			to = string(r.in[0])
		case r.next == stay:
			to = "the same"
		}
		if r.freeze {
			to += "  (clocks stand still)"
		}
		if r.effect != EffectNone {
			to += "  +" + string(r.effect)
		}
		fmt.Fprintf(&b, "//\t%s\n//\t  --[ %s ]--> %s\n", origin(r.in), r.when.text, to)
	}
	return b.String()
}

// origin names a set of phases as briefly as it can be named.
func origin(in []v1alpha1.WavePhase) string {
	known := slices.DeleteFunc(slices.Clone(in), func(p v1alpha1.WavePhase) bool { return p == unknown })
	var missing []string
	for _, p := range everyPhase {
		if !slices.Contains(known, p) {
			missing = append(missing, string(p))
		}
	}
	switch {
	case len(missing) == 0:
		return "any phase"
	case len(missing) < len(known):
		return "any but " + strings.Join(missing, ", ")
	}
	names := make([]string, len(known))
	for i, p := range known {
		names[i] = string(p)
	}
	return strings.Join(names, ", ")
}
