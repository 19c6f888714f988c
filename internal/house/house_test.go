// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package house

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestImportsOfTheModule holds the rules against the module as it is.
func TestImportsOfTheModule(t *testing.T) {
	g := loadGraph(t)
	if _, ok := g[module+"/internal/house"]; !ok {
		t.Fatalf("go list printed %d packages and this one is not among them", len(g))
	}
	for _, violation := range check(g, rules) {
		t.Error(violation)
	}
}

// TestRulesCanFail breaks each rule in a small graph, in the ways that matter,
// and holds that what is allowed next to it stays allowed.
func TestRulesCanFail(t *testing.T) {
	const (
		gate      = module + "/internal/gate"
		rollout   = module + "/internal/rollout"
		fleet     = module + "/internal/fleet"
		graph     = module + "/internal/graph"
		tenantsim = module + "/internal/tenantsim"
		testkit   = module + "/internal/testkit"
		api       = module + "/api/v1alpha1"
		meta      = "k8s.io/apimachinery/pkg/apis/meta/v1"
		client    = "sigs.k8s.io/controller-runtime/pkg/client"
		sdk       = "github.com/microsoftgraph/msgraph-sdk-go/models"
	)
	tests := []struct {
		name  string
		graph []listedPackage
		want  []string // chains that break a rule
	}{
		{
			name: "a decent house",
			graph: []listedPackage{
				{ImportPath: gate, Imports: []string{"math", "gonum.org/v1/gonum/mathext", api}, TestImports: []string{"testing", "os"}},
				{ImportPath: rollout, Imports: []string{gate, "time"}},
				{ImportPath: api, Imports: []string{meta, "sigs.k8s.io/controller-runtime/pkg/scheme"}},
				{ImportPath: meta, Imports: []string{"net/http"}},
				{ImportPath: graph, Imports: []string{sdk, "net/http"}},
				{ImportPath: tenantsim, Imports: []string{"net/http"}},
				{ImportPath: module, Imports: []string{graph, client, rollout}},
				{ImportPath: module + "/cmd/tenantsim", Imports: []string{tenantsim}},
				{ImportPath: module + "/hack/demo", Imports: []string{tenantsim, graph}},
				{ImportPath: module + "/test/integration", Imports: []string{tenantsim, testkit, sdk}},
				{ImportPath: module + "/controllers", XTestImports: []string{testkit, tenantsim}},
			},
		},
		{
			name:  "pure package reads the network",
			graph: []listedPackage{{ImportPath: gate, Imports: []string{"net/http"}}},
			want:  []string{gate + " -> net/http"},
		},
		{
			name:  "pure package takes a context, a file and chance",
			graph: []listedPackage{{ImportPath: gate, Imports: []string{"context", "os", "math/rand/v2"}}},
			want:  []string{gate + " -> context", gate + " -> math/rand/v2", gate + " -> os"},
		},
		{
			name:  "subpackage of a pure package is pure",
			graph: []listedPackage{{ImportPath: gate + "/bound", Imports: []string{"os"}}},
			want:  []string{gate + "/bound -> os"},
		},
		{
			name:  "pure package imports upwards",
			graph: []listedPackage{{ImportPath: gate, Imports: []string{rollout}}},
			want:  []string{gate + " -> " + rollout},
		},
		{
			name: "pure package reaches a client through the api",
			graph: []listedPackage{
				{ImportPath: gate, Imports: []string{api}},
				{ImportPath: api, Imports: []string{client}},
			},
			want: []string{api + " -> " + client, gate + " -> " + api + " -> " + client},
		},
		{
			name: "pure package reaches an impure one through a library",
			graph: []listedPackage{
				{ImportPath: gate, Imports: []string{"gonum.org/v1/gonum/stat"}},
				{ImportPath: "gonum.org/v1/gonum/stat", Imports: []string{fleet}},
			},
			want: []string{gate + " -> gonum.org/v1/gonum/stat -> " + fleet},
		},
		{
			name:  "api imports the module",
			graph: []listedPackage{{ImportPath: api, Imports: []string{gate}}},
			want:  []string{api + " -> " + gate},
		},
		{
			name: "somebody else speaks to Graph",
			graph: []listedPackage{
				{ImportPath: module + "/internal/execute", Imports: []string{sdk}},
				{ImportPath: module + "/controllers", Imports: []string{"github.com/Azure/azure-sdk-for-go/sdk/azidentity"}},
			},
			want: []string{
				module + "/controllers -> github.com/Azure/azure-sdk-for-go/sdk/azidentity",
				module + "/internal/execute -> " + sdk,
			},
		},
		{
			name:  "client knows the simulator in a test",
			graph: []listedPackage{{ImportPath: graph, TestImports: []string{tenantsim}}},
			want:  []string{graph + " -> " + tenantsim},
		},
		{
			name: "simulator reaches the client and the SDK",
			graph: []listedPackage{
				{ImportPath: tenantsim, Imports: []string{fleet}},
				{ImportPath: fleet, Imports: []string{graph}},
				{ImportPath: tenantsim + "/catalog", XTestImports: []string{graph}},
			},
			want: []string{
				tenantsim + " -> " + fleet + " -> " + graph,
				tenantsim + "/catalog -> " + graph,
			},
		},
		{
			name: "test support reaches the product",
			graph: []listedPackage{
				{ImportPath: module, Imports: []string{module + "/internal/wire"}},
				{ImportPath: module + "/internal/wire", Imports: []string{testkit}},
				{ImportPath: module + "/cmd/kubectl-tidegate", Imports: []string{tenantsim}},
			},
			want: []string{
				module + " -> " + module + "/internal/wire -> " + testkit,
				module + "/cmd/kubectl-tidegate -> " + tenantsim,
				module + "/internal/wire -> " + testkit,
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := importGraph{}
			for _, p := range tt.graph {
				g[p.ImportPath] = p
			}
			seen := map[string]bool{}
			var got []string
			for _, violation := range check(g, rules) {
				chain, _, _ := strings.Cut(violation, "\n")
				if !seen[chain] { // one import may break two rules
					seen[chain] = true
					got = append(got, chain)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEachRuleIsNeeded checks each rule alone on a graph of one package that
// breaks it: a rule that only another one covers for would be decoration. A rule
// without such a graph fails the test, so that a new rule brings its own.
func TestEachRuleIsNeeded(t *testing.T) {
	broken := map[string]listedPackage{
		"a pure package imports the api, pure packages below it and small libraries": {ImportPath: module + "/internal/plan", Imports: []string{"os"}},
		"nothing below a pure package reaches a client, Graph or an impure package":  {ImportPath: module + "/internal/plan", Imports: []string{"k8s.io/client-go/rest"}},
		"the api types reach no client and nothing of this module":                   {ImportPath: module + "/api/v1alpha1", Imports: []string{"k8s.io/client-go/rest"}},
		"only internal/graph speaks to Microsoft Graph":                              {ImportPath: module + "/internal/observe", Imports: []string{"github.com/microsoft/kiota-http-go"}},
		"the Graph client does not know the simulator":                               {ImportPath: module + "/internal/graph", XTestImports: []string{module + "/internal/tenantsim"}},
		"the simulator does not know the Graph client":                               {ImportPath: module + "/internal/tenantsim", Imports: []string{module + "/internal/graph/wire"}},
		"a part of the simulator knows no tenant":                                    {ImportPath: module + "/internal/tenantsim/entity", TestImports: []string{module + "/internal/tenantsim"}},
		"the simulator and test support never reach the product":                     {ImportPath: module + "/internal/observe", Imports: []string{"testing"}},
	}
	for _, r := range rules {
		p, ok := broken[r.name]
		if !ok {
			t.Errorf("rule %q: no graph here breaks it, add one", r.name)
			continue
		}
		if got := check(importGraph{p.ImportPath: p}, []rule{r}); len(got) != 1 || !strings.Contains(got[0], r.remedy) {
			t.Errorf("rule %q on %+v: %d violations %v, want one with its remedy", r.name, p, len(got), got)
		}
	}
}

// TestDecodeGraphRejectsGarbage holds that a listing which cannot be read is an
// error and not an empty graph, on which every rule would hold.
func TestDecodeGraphRejectsGarbage(t *testing.T) {
	for _, in := range []string{`{"ImportPath":"a"`, `[]`, `{"Imports":1}`, `go: error`} {
		if g, err := decodeGraph(strings.NewReader(in)); err == nil {
			t.Errorf("decodeGraph(%q) = %v, want an error", in, g)
		}
	}
}

// TestLicenseHeaders holds that every Go file says under which license it is.
func TestLicenseHeaders(t *testing.T) {
	const header = "// Copyright 2026 The Tidegate Authors.\n// SPDX-License-Identifier: Apache-2.0\n"
	for _, file := range goFiles(t) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// A build constraint may stand first: controller-gen writes it there.
		if head := content[:min(len(content), 400)]; !bytes.Contains(head, []byte(header)) {
			t.Errorf("%s: the license header is missing, start the file with:\n%s", file, header)
		}
	}
}
