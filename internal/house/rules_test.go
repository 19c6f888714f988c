// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package house

import (
	"fmt"
	"slices"
	"strings"
)

const module = "github.com/tidegate/tidegate"

// purePackages are the packages that decide, from the bottom up: each may
// import those before it and none after it.
var purePackages = []string{
	module + "/internal/naming",
	module + "/internal/settings",
	module + "/internal/guard",
	module + "/internal/audience",
	module + "/internal/diagnosis",
	module + "/internal/population",
	module + "/internal/gate",
	module + "/internal/revision",
	module + "/internal/rollout",
	module + "/internal/plan",
	module + "/internal/status",
}

// pureImports is what a pure package may import directly, beside the api and
// the pure packages below it. A new line here needs the answer to one question:
// can the package read a clock, chance, a file, a process or the network when
// we call it? Only if it cannot, it belongs here.
//
// The list is about direct imports. Behind the api types the packages of
// apimachinery reach net/http, a logger and a clock (apis/meta/v1 imports watch,
// which imports util/net), so that a ban on those over the whole closure would
// never hold; bannedBelowPure is the ban that does.
var pureImports = anyOf(
	exactly(
		"bytes", "cmp", "container/heap", "container/list", "embed", "errors", "fmt", "hash", "html", "io", "iter",
		"maps", "math", "math/big", "math/bits", "net/netip", "net/url", "path", "reflect", "regexp", "slices",
		"sort", "strconv", "strings", "sync", "text/tabwriter", "text/template", "time", "unicode",
		"crypto/sha256", "crypto/sha512", "unicode/utf8", "unicode/utf16", "hash/crc32", "hash/fnv",
		"encoding", "encoding/base32", "encoding/base64", "encoding/binary", "encoding/csv", "encoding/hex",
		"encoding/json", "encoding/xml",

		"github.com/cespare/xxhash/v2",
		"k8s.io/api/core/v1",
		"k8s.io/apimachinery/pkg/api/equality",
		"k8s.io/apimachinery/pkg/api/meta",
		"k8s.io/apimachinery/pkg/api/resource",
		"k8s.io/apimachinery/pkg/apis/meta/v1",
		"k8s.io/apimachinery/pkg/labels",
		"k8s.io/apimachinery/pkg/types",
		"k8s.io/apimachinery/pkg/util/intstr",
		"k8s.io/apimachinery/pkg/util/sets",
		"k8s.io/apimachinery/pkg/util/validation",
		"k8s.io/apimachinery/pkg/util/validation/field",
		"k8s.io/utils/ptr",
		"sigs.k8s.io/yaml",
	),
	within("gonum.org/v1/gonum", "github.com/google/cel-go", "cel.dev/expr", module+"/api"),
)

// graphSDK is everything that speaks to Microsoft Graph or signs in to Entra.
var graphSDK = hasPrefix("github.com/microsoftgraph/", "github.com/microsoft/kiota-", "github.com/Azure/", "github.com/AzureAD/")

// kubernetesClients are the packages that reach an API server or run a manager.
// The api types register themselves through controller-runtime's scheme builder,
// which reaches nothing.
var kubernetesClients = allOf(
	within("k8s.io/client-go", "k8s.io/apiserver", "k8s.io/component-base", "sigs.k8s.io/controller-runtime"),
	not(exactly("sigs.k8s.io/controller-runtime/pkg/scheme")),
)

// testOnly are the packages of this module that exist for tests and the demo.
var testOnly = within(module+"/internal/tenantsim", module+"/internal/testkit")

// rule says what a set of packages must not import.
type rule struct {
	name   string
	remedy string
	// applies selects the packages of this module that the rule binds.
	applies func(path string) bool
	// forbidden says whether from may not reach path.
	forbidden func(from, path string) bool
	// direct rules look at a package's own imports, others at all that it reaches.
	direct bool
	// tests extends the rule to the imports of the package's own test files.
	tests bool
}

// rules are the import rules of the house.
var rules = []rule{
	{
		name:    "a pure package imports the api, pure packages below it and small libraries",
		remedy:  "take what you need as an argument, or add a library that reaches nothing to pureImports",
		applies: pure,
		forbidden: func(from, path string) bool {
			return !pureImports(path) && !belowPure(from, path)
		},
		direct: true,
	},
	{
		name:      "nothing below a pure package reaches a client, Graph or an impure package",
		remedy:    "turn the dependency around: the impure package imports the pure one",
		applies:   pure,
		forbidden: func(_, path string) bool { return bannedBelowPure(path) },
	},
	{
		name:    "the api types reach no client and nothing of this module",
		remedy:  "move behaviour that needs more than the types out of api",
		applies: within(module + "/api"),
		forbidden: func(_, path string) bool {
			return kubernetesClients(path) || graphSDK(path) || within(module)(path) && !within(module+"/api")(path)
		},
	},
	{
		name:      "only internal/graph speaks to Microsoft Graph",
		remedy:    "add a method to internal/graph that returns the fact you need",
		applies:   not(within(module+"/internal/graph", module+"/hack", module+"/test")),
		forbidden: func(_, path string) bool { return graphSDK(path) },
		direct:    true,
	},
	{
		name:      "the Graph client does not know the simulator",
		remedy:    "a test that needs both belongs in test/",
		applies:   within(module + "/internal/graph"),
		forbidden: func(_, path string) bool { return within(module + "/internal/tenantsim")(path) },
		tests:     true,
	},
	{
		name:    "the simulator does not know the Graph client",
		remedy:  "a test that needs both belongs in test/",
		applies: within(module + "/internal/tenantsim"),
		forbidden: func(_, path string) bool {
			return within(module+"/internal/graph")(path) || graphSDK(path)
		},
		tests: true,
	},
	{
		name:   "a part of the simulator knows no tenant",
		remedy: "take what you need as an argument, or keep it in tenantsim beside the state it needs",
		applies: func(path string) bool {
			return within(module+"/internal/tenantsim")(path) && !exactly(module+"/internal/tenantsim")(path)
		},
		forbidden: func(_, path string) bool { return exactly(module + "/internal/tenantsim")(path) },
		tests:     true,
	},
	{
		name:   "the simulator and test support never reach the product",
		remedy: "import it from a test, hack/ or test/ only",
		applies: not(anyOf(testOnly,
			within(module+"/cmd/tenantsim", module+"/hack", module+"/test"))),
		forbidden: func(_, path string) bool { return testOnly(path) || within("testing")(path) },
	},
}

// check returns one line for each violation of rules in g, sorted.
func check(g importGraph, rules []rule) []string {
	var violations []string
	for _, from := range g.modulePackages() {
		for _, r := range rules {
			if !r.applies(from) {
				continue
			}
			forbidden := func(path string) bool { return r.forbidden(from, path) }
			for _, chain := range g.chains(from, r.tests, forbidden) {
				if r.direct && len(chain) > 2 {
					continue
				}
				violations = append(violations, fmt.Sprintf("%s\n  broken: %s\n  remedy: %s", strings.Join(chain, " -> "), r.name, r.remedy))
			}
		}
	}
	return violations
}

// pure tells whether path is a pure package or inside one.
func pure(path string) bool { return within(purePackages...)(path) }

// belowPure tells whether path is a pure package that from, a pure package, may
// import: one earlier in purePackages, or its own parent or child.
func belowPure(from, path string) bool {
	rank := func(p string) int {
		return slices.IndexFunc(purePackages, func(pkg string) bool { return within(pkg)(p) })
	}
	return rank(path) >= 0 && rank(path) <= rank(from)
}

// bannedBelowPure is what no pure package reaches, directly or not.
func bannedBelowPure(path string) bool {
	impure := within(module)(path) && !within(module+"/api")(path) && !pure(path)
	return impure || kubernetesClients(path) || graphSDK(path)
}

type predicate = func(path string) bool

func exactly(paths ...string) predicate {
	return func(path string) bool { return slices.Contains(paths, path) }
}

// within matches the packages themselves and those in their directories.
func within(roots ...string) predicate {
	return func(path string) bool {
		return slices.ContainsFunc(roots, func(root string) bool {
			return path == root || strings.HasPrefix(path, root+"/")
		})
	}
}

func hasPrefix(prefixes ...string) predicate {
	return func(path string) bool {
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
	}
}

func anyOf(all ...predicate) predicate {
	return func(path string) bool {
		return slices.ContainsFunc(all, func(p predicate) bool { return p(path) })
	}
}

func allOf(all ...predicate) predicate {
	return func(path string) bool {
		return !slices.ContainsFunc(all, func(p predicate) bool { return !p(path) })
	}
}

func not(p predicate) predicate { return func(path string) bool { return !p(path) } }
