// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/credential"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
	"github.com/tidegate/tidegate/internal/testkit/simtest"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

const ns = "ns"

// lab runs the three reconcilers by hand, one after the other, on an API server in memory and a simulated tenant: the
// same test takes the same steps each time, and a fault can be put at any of them.
type lab struct {
	t     testing.TB
	kube  client.Client
	sim   *simtest.Tenant
	url   string
	ca    []byte
	clock *tenantsim.Clock

	tenants  *TenantReconciler
	policies *PasskeyPolicyReconciler
	waves    *PilotWaveReconciler

	registry *prometheus.Registry
	events   []string
	// writes counts what the operator wrote to the API server; failAt is the write that fails, before it takes effect.
	writes, failAt int
	// refuse is what the API server answers instead of taking a write; nil takes all.
	refuse func(client.Object) error
	// errs are what reconciles returned.
	errs []error
}

var errWrite = errors.New("the API server is away")

// calm is a tenant without noise: every device is fit, on line and in contact.
func calm(groups ...tenantsim.GroupSpec) tenantsim.Scenario {
	none := func() *float64 { return ptr.To(0.0) }
	return tenantsim.Scenario{
		Groups:       append(groups, tenantsim.GroupSpec{DisplayName: "Everyone", From: "everything", Percent: 100}),
		StalePercent: none(), NeverPercent: none(), UnenrolledPercent: none(),
		MissingPrerequisitePercent: none(), UnencryptedPercent: none(), OfficeHoursPercent: none(),
	}
}

func group(name string, n int) tenantsim.GroupSpec {
	return tenantsim.GroupSpec{DisplayName: name, Count: n}
}

func newLab(t testing.TB, sc tenantsim.Scenario) *lab {
	t.Helper()
	l := &lab{t: t, clock: tenantsim.NewClock(time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC), 0), registry: prometheus.NewRegistry()}
	l.sim = simtest.New(t, tenantsim.Options{Seed: 1, Devices: 80, Clock: l.clock, Catalog: tenantsim.CatalogMacOSPasskeys, Scenario: sc, JournalSize: 100_000,
		Ideal: "reconciles run by hand, one after the other at one instant, and each is looked at: what is late has tests of its own"})
	l.url, l.ca = l.sim.Start()
	l.kube = l.newKube(t)
	l.start(t)
	return l
}

// start makes reconcilers that know nothing yet, as a process that has just begun.
func (l *lab) start(t testing.TB) {
	t.Helper()
	metrics, err := NewMetrics(l.registry)
	if err != nil {
		t.Fatal(err)
	}
	kit := Kit{Client: l.kube, Reader: l.kube, Recorder: recorder{l}, Clock: l.clock, Metrics: metrics}
	store := fleet.NewStore()
	tune := func(c *graph.Config) {
		c.ExportPollInterval, c.RetryBase, c.RetryCap, c.MaxAttempts = time.Millisecond, time.Millisecond, 2*time.Millisecond, 2
		c.ThrottleBase, c.MaxRetryWait = time.Millisecond, 5*time.Millisecond
		c.Limits = graph.Unlimited()
	}
	l.tenants = &TenantReconciler{Kit: kit, Store: store, Tune: tune, Trust: credential.Trust{EndpointHosts: hosts.Allow(t, l.url)}}
	l.policies = NewPasskeyPolicyReconciler(kit, store, l.kube)
	l.waves = &PilotWaveReconciler{Kit: kit, Store: store}
	t.Cleanup(func() { store.Delete(types.NamespacedName{Namespace: ns, Name: "corp"}) })
}

// recorder keeps events as "kind reason".
type recorder struct{ l *lab }

func (r recorder) Eventf(regarding, _ runtime.Object, kind, reason, _, note string, args ...any) {
	obj, _ := regarding.(client.Object)
	r.l.events = append(r.l.events, fmt.Sprintf("%s %s %s: %s", obj.GetName(), kind, reason, fmt.Sprintf(note, args...)))
}

func (l *lab) newKube(t testing.TB) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	b := fake.NewClientBuilder().WithScheme(scheme).
		WithStatusSubresource(&v1alpha1.Tenant{}, &v1alpha1.PasskeyPolicy{}, &v1alpha1.PilotWave{}).
		WithObjects(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: metav1.NamespaceSystem, UID: "cluster"}},
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "credential", Labels: map[string]string{v1alpha1.LabelTenant: "corp"}},
				Data: map[string][]byte{"secret": []byte(l.sim.ClientSecret())}})
	if err := AddIndexes(t.Context(), indexer{b}); err != nil {
		t.Fatal(err)
	}
	return b.WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if err := l.wrote(o); err != nil {
				return err
			}
			return c.Create(ctx, o, opts...)
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			if err := l.wrote(o); err != nil {
				return err
			}
			return c.Update(ctx, o, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			if err := l.wrote(o); err != nil {
				return err
			}
			return c.Delete(ctx, o, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			if err := l.wrote(o); err != nil {
				return err
			}
			return c.Patch(ctx, o, p, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			if err := l.wrote(o); err != nil {
				return err
			}
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		},
	}).Build()
}

// wrote counts a write and makes the chosen one fail. A write that is refused changes nothing and is not counted.
func (l *lab) wrote(o client.Object) error {
	if l.refuse != nil {
		if err := l.refuse(o); err != nil {
			return err
		}
	}
	l.writes++
	if l.writes == l.failAt {
		return errWrite
	}
	return nil
}

// indexer gives the indexes of the manager's cache to the client in memory.
type indexer struct{ b *fake.ClientBuilder }

func (i indexer) IndexField(_ context.Context, obj client.Object, field string, f client.IndexerFunc) error {
	i.b.WithIndex(obj, field, f)
	return nil
}

// apply creates objects as the API server would: with uid, generation and defaults.
func (l *lab) apply(objs ...client.Object) {
	l.t.Helper()
	for _, o := range objs {
		o.SetNamespace(ns)
		o.SetUID(types.UID("uid-" + o.GetName()))
		o.SetGeneration(1)
		if err := l.kube.Create(l.t.Context(), o); err != nil {
			l.t.Fatal(err)
		}
	}
}

// edit changes an object as a person would.
func (l *lab) edit(o client.Object, change func()) {
	l.t.Helper()
	l.read(o)
	change()
	o.SetGeneration(o.GetGeneration() + 1)
	if err := l.kube.Update(l.t.Context(), o); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) read(o client.Object) {
	l.t.Helper()
	if err := l.kube.Get(l.t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
		l.t.Fatal(err)
	}
}

func named[T client.Object](name string, o T) T {
	o.SetNamespace(ns)
	o.SetName(name)
	return o
}

func (l *lab) policy() *v1alpha1.PasskeyPolicy {
	l.t.Helper()
	p := named("pkp", &v1alpha1.PasskeyPolicy{})
	l.read(p)
	return p
}

func (l *lab) wave(name string) *v1alpha1.PilotWave {
	l.t.Helper()
	w := named(name, &v1alpha1.PilotWave{})
	l.read(w)
	return w
}

func (l *lab) tenant() *v1alpha1.Tenant {
	l.t.Helper()
	o := named("corp", &v1alpha1.Tenant{})
	l.read(o)
	return o
}

func (l *lab) newTenant() *v1alpha1.Tenant {
	return named("corp", &v1alpha1.Tenant{Spec: v1alpha1.TenantSpec{
		TenantID: l.sim.TenantID(), Cloud: v1alpha1.CloudGlobal,
		Auth: v1alpha1.TenantAuth{ClientSecret: &v1alpha1.ClientSecretAuth{
			ClientID: l.sim.ClientID(), SecretRef: v1alpha1.SecretKeyRef{Name: "credential", Key: "secret"}}},
		Endpoint:  &v1alpha1.TenantEndpoint{GraphURL: l.url, AuthorityURL: l.url, CABundle: string(l.ca)},
		Inventory: v1alpha1.TenantInventory{RefreshInterval: hours(0.5)},
	}})
}

func hours(h float64) metav1.Duration {
	return metav1.Duration{Duration: time.Duration(h * float64(time.Hour))}
}

func newPolicy() *v1alpha1.PasskeyPolicy {
	return named("pkp", &v1alpha1.PasskeyPolicy{Spec: v1alpha1.PasskeyPolicySpec{
		TenantRef: v1alpha1.LocalRef{Name: "corp"}, Platforms: []v1alpha1.Platform{v1alpha1.PlatformWindows}, Scope: v1alpha1.ScopeDevice,
		Settings: v1alpha1.PasskeySettings{PasskeyCreation: v1alpha1.Enabled}, OnMissingSetting: v1alpha1.OnMissingBlock, Mode: v1alpha1.ModeGate,
		Population:    &v1alpha1.Population{Include: []v1alpha1.GroupRef{{DisplayName: "Everyone"}}},
		Prerequisites: v1alpha1.Prerequisites{Windows: "10.0.22621", MacOS: "13", Edge: "120", Encryption: v1alpha1.EncryptionRequire, MaxOffline: hours(168)},
		Drift:         v1alpha1.DriftCorrect, DeletionPolicy: v1alpha1.DeletionDelete, Interval: hours(0.5),
	}})
}

func newWave(name, group string, after ...string) *v1alpha1.PilotWave {
	w := named(name, &v1alpha1.PilotWave{Spec: v1alpha1.PilotWaveSpec{
		PolicyRef: v1alpha1.LocalRef{Name: "pkp"},
		Audience: v1alpha1.Audience{
			Groups: v1alpha1.GroupSelection{Include: []v1alpha1.GroupRef{{DisplayName: group}}}, MaxIneligiblePercent: ptr.To[int32](60),
		},
		Exposure: v1alpha1.Exposure{BatchSize: 15, Interval: hours(1)},
		Gate: v1alpha1.Gate{
			Bake: hours(8), Maturity: hours(8), Deadline: hours(336), MaxTelemetryAge: hours(26),
			Coverage: v1alpha1.Coverage{MinReports: 5, MinPercent: 70},
			Promote:  &v1alpha1.PromoteTest{FloorRate: "0.80", Confidence: "0.95", Looks: 1},
			Halt:     v1alpha1.HaltTest{ToleratedFailureRate: "0.05", Alpha: "0.05", MinFailures: 3},
		},
		OnFailure: v1alpha1.OnFailure{Action: v1alpha1.FailureHold, Rollback: v1alpha1.RollbackRule{VerifyPercent: 95, Deadline: hours(168)}},
	}})
	for _, dep := range after {
		w.Spec.DependsOn = append(w.Spec.DependsOn, v1alpha1.WaveDependency{Name: dep})
	}
	return w
}

// round reconciles every object once, in a fixed order. Whatever does not exist is passed over by the reconcilers.
func (l *lab) round() {
	l.t.Helper()
	req := func(name string) ctrl.Request {
		return ctrl.Request{NamespacedName: types.NamespacedName{Namespace: ns, Name: name}}
	}
	keep := func(_ ctrl.Result, err error) {
		if err != nil {
			l.errs = append(l.errs, err)
		}
	}
	keep(l.tenants.Reconcile(l.t.Context(), req("corp")))
	keep(l.policies.Reconcile(l.t.Context(), req("pkp")))
	if l.waves == nil { // the test moves them
		return
	}
	var list v1alpha1.PilotWaveList
	if err := l.kube.List(l.t.Context(), &list, client.InNamespace(ns)); err != nil {
		l.t.Fatal(err)
	}
	for i := range list.Items {
		keep(l.waves.Reconcile(l.t.Context(), req(list.Items[i].Name)))
	}
}

// rest reconciles until nothing is written any more.
func (l *lab) rest() {
	l.t.Helper()
	for range 60 {
		before, changes := l.writes, l.sim.Journal().Changes
		l.round()
		if l.writes == before && l.sim.Journal().Changes == changes {
			return
		}
	}
	l.t.Fatalf("no rest after 60 rounds; policy %+v", l.policy().Status.Conditions)
}

// until lets time pass in steps of an hour until ok holds.
func (l *lab) until(what string, limit int, ok func() bool) {
	l.t.Helper()
	for range limit {
		l.rest()
		if ok() {
			return
		}
		if err := l.sim.Advance(time.Hour); err != nil {
			l.t.Fatal(err)
		}
	}
	l.t.Fatalf("%s: not within %d hours; events %v; errors %v", what, limit, l.events, l.errs)
}

func (l *lab) inPhase(name string, p v1alpha1.WavePhase) func() bool {
	return func() bool { return l.wave(name).Status.Phase == p }
}

// changesBy counts the requests that changed the tenant since the journal was reset, by method and path ending.
func (l *lab) changed() []string {
	var out []string
	for _, r := range l.sim.Journal().Records {
		if r.Changed {
			out = append(out, r.Method+" "+r.Path)
		}
	}
	return out
}

func keyOf(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: ns, Name: name}
}

func requestOf(name string) ctrl.Request { return ctrl.Request{NamespacedName: keyOf(name)} }
