// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	uberzap "go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// flag names are an interface: manifests hold them.
var flagTable = []struct {
	name, def, value string
	get              func(*Options) any
	want             any
}{
	{"metrics-bind-address", ":8443", ":9443", func(o *Options) any { return o.MetricsAddress }, ":9443"},
	{"metrics-secure", "true", "false", func(o *Options) any { return o.MetricsSecure }, false},
	{"metrics-cert-dir", "", "/certificates", func(o *Options) any { return o.MetricsCertDir }, "/certificates"},
	{"health-probe-bind-address", ":8081", "0", func(o *Options) any { return o.ProbeAddress }, "0"},
	{"leader-elect", "false", "true", func(o *Options) any { return o.LeaderElect }, true},
	{"namespace", "", "edge", func(o *Options) any { return o.Namespace }, "edge"},
	{"leader-election-namespace", "", "leases", func(o *Options) any { return o.LeaderElectionNamespace }, "leases"},
	{"max-concurrent-reconciles", "8", "3", func(o *Options) any { return o.MaxConcurrentReconciles }, 3},
	{"graph-budget", "50", "20", func(o *Options) any { return o.GraphBudget }, 20},
	{"workload-identity-namespaces", "[]", "edge,passkeys", func(o *Options) any { return strings.Join(o.IdentityNamespaces, " ") }, "edge passkeys"},
	{"allow-endpoint-hosts", "[]", "sim.example,127.0.0.1:8443", func(o *Options) any { return strings.Join(o.EndpointHosts, " ") }, "sim.example 127.0.0.1:8443"},
	{"reconcile-timeout", "30m0s", "5m", func(o *Options) any { return o.ReconcileTimeout }, 5 * time.Minute},
	{"spool-size", "939524096", "2147483648", func(o *Options) any { return o.SpoolSize }, int64(2 << 30)},
	{"graceful-shutdown-timeout", "20s", "0s", func(o *Options) any { return o.GracefulShutdown }, time.Duration(0)},
}

func TestFlags(t *testing.T) {
	o := Default()
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	o.Bind(f)
	var args, known, got []string
	for _, test := range flagTable {
		known = append(known, test.name)
		args = append(args, "--"+test.name+"="+test.value)
		if fl := f.Lookup(test.name); fl == nil || fl.DefValue != test.def || fl.Usage == "" {
			t.Errorf("flag %s is %+v, want default %q and a usage", test.name, fl, test.def)
		}
	}
	f.SortFlags = false
	f.VisitAll(func(fl *pflag.Flag) { got = append(got, fl.Name) })
	if diff := cmp.Diff(known, got); diff != "" {
		t.Errorf("flags (-known +there):\n%s", diff)
	}
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	for _, test := range flagTable {
		if got := test.get(&o); got != test.want {
			t.Errorf("--%s=%s gives %v, want %v", test.name, test.value, got, test.want)
		}
	}
	if err := o.Validate(); err != nil {
		t.Errorf("all flags set: %v", err)
	}
}

func TestValidate(t *testing.T) {
	if o := Default(); o.Validate() != nil {
		t.Fatalf("the defaults: %v", o.Validate())
	}
	// Deployment and default have to fit: the lease is handed over before the pod is killed.
	if grace := Default().GracefulShutdown; grace >= 30*time.Second {
		t.Errorf("the default shutdown of %s does not fit into a pod's 30s", grace)
	}
	for _, test := range []struct {
		name   string
		change func(*Options)
		words  []string // none: accepted
	}{
		{"identity for a pattern", func(o *Options) { o.IdentityNamespaces = []string{"edge", "*"} }, []string{"--workload-identity-namespaces", `"*"`}},
		{"identity for nobody", func(o *Options) { o.IdentityNamespaces = []string{""} }, []string{"--workload-identity-namespaces", "empty entry"}},
		{"a URL for a host", func(o *Options) { o.EndpointHosts = []string{"https://sim.example"} }, []string{"--allow-endpoint-hosts", `"https://sim.example"`, "host or host:port"}},
		{"every host", func(o *Options) { o.EndpointHosts = []string{"*"} }, []string{"--allow-endpoint-hosts", "no wildcard"}},
		{"Microsoft's host", func(o *Options) { o.EndpointHosts = []string{"Graph.Microsoft.com"} }, []string{"--allow-endpoint-hosts", "Microsoft's own"}},
		{"lists", func(o *Options) {
			o.EndpointHosts, o.IdentityNamespaces = []string{"::1", "sim:8443"}, []string{"edge"}
		}, nil},
		{"no worker", func(o *Options) { o.MaxConcurrentReconciles = 0 }, []string{"--max-concurrent-reconciles is 0", "at least 1"}},
		{"no budget", func(o *Options) { o.GraphBudget = 0 }, []string{"--graph-budget is 0", "1 to 100"}},
		{"more than is published", func(o *Options) { o.GraphBudget = 101 }, []string{"--graph-budget is 101", "1 to 100"}},
		{"no time", func(o *Options) { o.ReconcileTimeout = 0 }, []string{"--reconcile-timeout is 0s", "30m"}},
		{"no disk", func(o *Options) { o.SpoolSize = 1 << 20 }, []string{"--spool-size is 1048576", "at least 536870912"}},
		{"negative shutdown", func(o *Options) { o.GracefulShutdown = -time.Second }, []string{"--graceful-shutdown-timeout is -1s", "0 or more"}},
		{"no shutdown", func(o *Options) { o.GracefulShutdown = 0 }, nil},
		{"no metrics address", func(o *Options) { o.MetricsAddress = "" }, []string{`--metrics-bind-address is ""`, "or 0 to switch it off"}},
		{"metrics port only", func(o *Options) { o.MetricsAddress = "8443" }, []string{`--metrics-bind-address is "8443"`, ":port"}},
		{"probe port only", func(o *Options) { o.ProbeAddress = "8081" }, []string{`--health-probe-bind-address is "8081"`, ":port"}},
		{"both off", func(o *Options) { o.MetricsAddress, o.ProbeAddress = "0", "0" }, nil},
		{"IPv6", func(o *Options) { o.MetricsAddress = "[::1]:8443" }, nil},
		{"namespace", func(o *Options) { o.Namespace = "Edge_1" }, []string{`--namespace is "Edge_1"`, "cannot be a namespace"}},
		{"lease namespace", func(o *Options) { o.LeaderElectionNamespace = "a/b" }, []string{`--leader-election-namespace is "a/b"`}},
		{"two mistakes", func(o *Options) { o.Namespace, o.MetricsAddress = "A", "x" }, []string{"--namespace", "--metrics-bind-address"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Default()
			test.change(&o)
			err := o.Validate()
			if (err == nil) != (test.words == nil) {
				t.Fatalf("got error %v, want one: %v", err, test.words != nil)
			}
			for _, word := range test.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q lacks %q", err, word)
				}
			}
		})
	}
}

// TestBodiesStayOutOfTheLog logs at every level through a logger that would write them all (P8).
func TestBodiesStayOutOfTheLog(t *testing.T) {
	var b bytes.Buffer
	level := uberzap.NewAtomicLevelAt(zapcore.Level(-100))
	l := quiet(zap.New(zap.WriteTo(&b), zap.Level(level)))
	if again := quiet(l); again.GetSink() != l.GetSink() {
		t.Error("a quiet logger is wrapped again")
	}
	l = l.WithName("client").WithValues("key", "value").WithCallDepth(1)
	for v := range 12 {
		l.V(v).Info("level", "v", v)
	}
	l.Error(nil, "level", "v", "error")
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != maxLevel+2 || strings.Contains(b.String(), `"v":8`) || strings.Contains(b.String(), `"v":7`) {
		t.Errorf("%d lines, want levels 0 to %d and an error:\n%s", len(lines), maxLevel, b.String())
	}
	for _, line := range lines {
		if !strings.Contains(line, `"logger":"client"`) || !strings.Contains(line, `"key":"value"`) {
			t.Errorf("name and values are lost: %s", line)
		}
	}
}
