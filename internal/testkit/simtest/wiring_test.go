// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	module          = "github.com/tidegate/tidegate"
	simulatorPath   = module + "/internal/tenantsim"
	graphschemaPath = module + "/internal/testkit/graphschema"
	root            = "../../.."
)

// elsewhere are the places, by file and what is started there, that are past the
// check, and why their bodies are checked all the same, or need not be.
var elsewhere = map[string]string{
	"internal/testkit/simtest/simtest.go tenantsim.New":                "is the way in",
	"internal/testkit/simtest/simtest.go .StartBehind":                 "puts the check before the socket",
	"internal/testkit/graphschema/exchange_test.go httptest.NewServer": "tests the check itself",
	"internal/testkit/front.go httptest.NewUnstartedServer":            "hands everything on to a checked tenant",
	"internal/wire/lifecycle_test.go httptest.NewTLSServer":            "hands everything on to the checked tenant of a World",
	"internal/tenantsim/tenant_test.go .Handler":                       "checks what it hands to the tenant",
	"internal/tenantsim/auth_test.go .Handler":                         "sends token requests past the check, which are not Graph's",
	"internal/tenantsim/dateheader_test.go .Handler":                   "looks at the headers of answers, spoiled ones too",
	"test/integration/promise16_hostile_test.go httptest.NewTLSServer": "is no tenant but for its token endpoint: it trickles an answer that never ends",
	"internal/tenantsim/assertions_test.go .Handler":                   "signs in, which is not Graph's",
	"internal/tenantsim/walk_test.go .Handler":                         "sends what no caller would, and looks at the answers by itself",
	"internal/tenantsim/control_test.go .Start":                        "asks for the clock and the sign-in endpoints, which are not Graph's",
	"internal/tenantsim/faults_test.go .StartBehind":                   "puts the check before the socket",
	"internal/tenantsim/faults_test.go .Handler":                       "sends a read that is dropped",
	"internal/tenantsim/settingvalues_test.go .Handler":                "sends annotations, which fit no type and are ignored",
	"internal/graph/harness_test.go httptest.NewUnstartedServer":       "puts graphschema.Handler between, but for the one test of a tenant that is newer than the types",
	"internal/graph/auth_test.go httptest.NewTLSServer":                "puts graphschema.Handler between, but for answers that are nothing of Graph's",
	"internal/testkit/thief/thief.go httptest.NewUnstartedServer":      "is no Graph, and says what it likes",
	"internal/graph/credential_test.go httptest.NewServer":             "is a proxy that sees TLS only",
	"test/conformance/conformance_test.go tenantsim.New":               "checks each exchange in Runner, which knows from the row whether it is wrong on purpose",
	"test/conformance/client_test.go tenantsim.New":                    "puts graphschema.Handler before the tenant",
	"test/bench/devices_test.go httptest.NewServer":                    "measures: it checks its pages before",
	"test/bench/export_test.go httptest.NewServer":                     "measures: the one endpoint of Graph is checked, the file is none",
	"test/bench/server_test.go httptest.NewTLSServer":                  "is a token endpoint",
}

// TestEveryTestIsChecked looks through all tests for a simulated tenant, or a
// server that may stand for one, that is started past the check of bodies.
func TestEveryTestIsChecked(t *testing.T) {
	seen := map[string]bool{}
	for rel, file := range sources(t) {
		if !strings.HasSuffix(rel, "_test.go") && !strings.HasPrefix(rel, "internal/testkit/") {
			continue
		}
		for _, what := range starts(rel, file) {
			start, _, _ := strings.Cut(what, ":")
			at := rel + " " + path.Base(start)
			seen[at] = true
			if elsewhere[at] == "" {
				t.Errorf("%s: %s", rel, what)
			}
		}
	}
	for at := range elsewhere {
		if !seen[at] {
			t.Errorf("%s is not there: take it out of the list", at)
		}
	}
}

// starts lists what a file of tests starts past the check.
func starts(name string, file *ast.File) []string {
	imports := map[string]string{} // name in the file to path
	for _, i := range file.Imports {
		target := strings.Trim(i.Path.Value, `"`)
		imports[path.Base(target)] = target
		if i.Name != nil {
			delete(imports, path.Base(target))
			imports[i.Name.Name] = target
		}
	}
	inside := path.Dir(name) == "internal/tenantsim"
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if of, is := called(n.Type, imports); is && of == "net/http.Server" {
				found = append(found, "http.Server{…}: put graphschema.Handler before the handler")
			}
		case *ast.AssignStmt:
			for _, to := range n.Lhs {
				if field, is := to.(*ast.SelectorExpr); is && field.Sel.Name == "Handler" {
					found = append(found, ".Handler=: this takes the place of a handler that is checked")
				}
			}
		case *ast.CallExpr:
			if what := startedBy(n, imports, inside); what != "" {
				found = append(found, what)
			}
		}
		return true
	})
	slices.Sort(found)
	return slices.Compact(found)
}

// servers are functions that start one, or make one to be started.
var servers = []string{
	"net/http/httptest.NewServer", "net/http/httptest.NewTLSServer", "net/http/httptest.NewUnstartedServer",
	"net/http.Serve", "net/http.ServeTLS", "net/http.ListenAndServe", "net/http.ListenAndServeTLS",
}

// startedBy says what a call starts past the check; empty: nothing.
func startedBy(call *ast.CallExpr, imports map[string]string, inside bool) string {
	of, qualified := called(call.Fun, imports)
	method, _ := call.Fun.(*ast.SelectorExpr)
	switch {
	case of == simulatorPath+".New":
		return "tenantsim.New: take the tenant from simtest.New"
	case slices.Contains(servers, of):
		if !slices.ContainsFunc(call.Args, func(a ast.Expr) bool { return checked(a, imports) }) {
			return of + ": put graphschema.Handler before the handler"
		}
	case qualified || method == nil:
	case inside && slices.Contains([]string{"Handler", "Start", "StartBehind"}, method.Sel.Name):
		return "." + method.Sel.Name + ": send the request through a tenant of newTenant"
	case method.Sel.Name == "StartBehind", method.Sel.Name == "Handler" && isServerField(method.X):
		return "." + method.Sel.Name + ": this is the tenant without the check, use simtest.Tenant"
	}
	return ""
}

// called names a function or type of another package as path.name.
func called(e ast.Expr, imports map[string]string) (string, bool) {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	pkg, ok := sel.X.(*ast.Ident)
	if !ok || imports[pkg.Name] == "" {
		return "", false
	}
	return imports[pkg.Name] + "." + sel.Sel.Name, true
}

// checked tells a handler that is checked: by graphschema, or that of a tenant,
// which simtest made, as the search sees to.
func checked(handler ast.Expr, imports map[string]string) bool {
	call, ok := handler.(*ast.CallExpr)
	if !ok {
		return false
	}
	if of, qualified := called(call.Fun, imports); qualified {
		return of == graphschemaPath+".Handler"
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	return ok && method.Sel.Name == "Handler" && !isServerField(method.X)
}

// isServerField tells x.Server, the tenant inside of a simtest.Tenant.
func isServerField(e ast.Expr) bool {
	sel, ok := e.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Server"
}

// TestStarts: what the search sees, and what it leaves alone.
func TestStarts(t *testing.T) {
	const (
		sim    = `sim "` + simulatorPath + `"`
		schema = `"` + graphschemaPath + `"`
		htest  = `"net/http/httptest"`
	)
	for name, tc := range map[string]struct {
		file, imports, body, want string
	}{
		"a simulator":           {"a_test.go", sim, `sim.New(sim.Options{})`, "tenantsim.New"},
		"its options":           {"a_test.go", sim, `_ = sim.Options{}; sim.NewClock(x, 0)`, ""},
		"another New":           {"a_test.go", `"errors"`, `errors.New("x")`, ""},
		"a bare server":         {"a_test.go", htest, `httptest.NewTLSServer(h)`, "httptest.NewTLSServer"},
		"a checked server":      {"a_test.go", htest + ";" + schema, `httptest.NewServer(graphschema.Handler(t, h))`, ""},
		"another wrapper":       {"a_test.go", htest + ";" + schema, `httptest.NewServer(http.StripPrefix("x", h))`, "httptest.NewServer"},
		"a tenant's handler":    {"a_test.go", htest, `httptest.NewServer(tenant.Handler())`, ""},
		"the tenant inside":     {"a_test.go", htest, `tenant.Server.Handler().ServeHTTP(w, r)`, ".Handler"},
		"a server for it":       {"a_test.go", htest, `httptest.NewServer(tenant.Server.Handler())`, ".Handler;httptest.NewServer"},
		"a socket for it":       {"a_test.go", htest, `tenant.StartBehind("x", nil)`, ".StartBehind"},
		"a recorder":            {"a_test.go", htest, `httptest.NewRecorder()`, ""},
		"a server of net/http":  {"a_test.go", `"net/http"`, `_ = &http.Server{Handler: h}`, "http.Server{…}"},
		"another handler":       {"a_test.go", htest, `server.Config.Handler = h`, ".Handler="},
		"listening":             {"a_test.go", `"net/http"`, `http.ListenAndServe("x", h)`, "http.ListenAndServe"},
		"inside of the package": {"internal/tenantsim/a_test.go", htest, `s.Handler().ServeHTTP(w, r); s.Start("x")`, ".Handler;.Start"},
		"the same elsewhere":    {"internal/fleet/a_test.go", htest, `s.Handler().ServeHTTP(w, r); s.Start("x")`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nimport ("+tc.imports+")\nfunc f() {"+tc.body+"}", 0)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, what := range starts(tc.file, file) {
				start, _, _ := strings.Cut(what, ":")
				got = append(got, path.Base(start))
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, ";")); diff != "" {
				t.Errorf("(-want +got) %s", diff)
			}
		})
	}
}
