// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// small is a world with two waves on a calm tenant.
func small(t *testing.T, seed uint64) *World {
	t.Helper()
	ctrl.SetLogger(logr.Discard())
	none := ptr.To(0.0)
	w := New(t, Options{Seed: seed, Devices: 40, Catalog: tenantsim.CatalogMacOSPasskeys, Trace: true, Scenario: tenantsim.Scenario{
		Groups: []tenantsim.GroupSpec{
			{DisplayName: "A", Count: 8, From: "windows"}, {DisplayName: "B", Count: 8, From: "windows"}, {DisplayName: Everyone, From: "everything", Percent: 100},
		},
		StalePercent: none, NeverPercent: none, UnenrolledPercent: none, MissingPrerequisitePercent: none, UnencryptedPercent: none, OfficeHoursPercent: none,
		Churn: tenantsim.NoChurn(), Throttle: &tenantsim.Throttle{},
	}})
	if err := w.Apply(t.Context(), w.Tenant(), w.Policy(), w.Wave("a", "A"), w.Wave("b", "B", "a")); err != nil {
		t.Fatal(err)
	}
	return w
}

// complete runs until both waves have succeeded, and cuts the operator off at every n-th write; 0 never.
func complete(t *testing.T, w *World, n int) {
	t.Helper()
	done, err := w.Run(t.Context(), 20*24*time.Hour, func() bool {
		if n > 0 && w.Operator().cutAt == 0 {
			w.Operator().CutAt(n, w.operators%2 == 0)
		}
		return !slices.ContainsFunc(w.Waves(), func(p *v1alpha1.PilotWave) bool { return p.Status.Phase != v1alpha1.PhaseSucceeded })
	})
	if err != nil || !done || len(w.Oracle.Violations) > 0 {
		t.Fatalf("complete %t, %v, %v, %d operators", done, err, w.Oracle.Violations, w.operators)
	}
}

// TestSameSeedSameStory: a seed can be told again, faults, late caches and crashes included. Jitter and the order of reads that
// run side by side are not told again; that of Busy shows in messages, and is left out.
func TestSameSeedSameStory(t *testing.T) {
	tell := func() []string {
		w := small(t, 8)
		w.Faults, w.CacheLag = Faults{Down: 0.02, Lost: 0.05, Unsent: 0.02}, 0.3
		complete(t, w, 9)
		return slices.DeleteFunc(w.Story(), func(line string) bool {
			return strings.Contains(line, "again after") || strings.Contains(line, "resourceVersion") || strings.Contains(line, ": trouble ")
		})
	}
	first, second := tell(), tell()
	for i := range min(len(first), len(second)) {
		if first[i] != second[i] {
			t.Fatalf("line %d (-first +second) %s", i, cmp.Diff(first[i], second[i]))
		}
	}
	if len(first) != len(second) || len(first) < 50 {
		t.Errorf("%d lines, then %d", len(first), len(second))
	}
}

// TestPromise15_LateRegression: devices of a promoted wave fail by what comes later. It is Stalled, the wave that depends on it stops
// where it is, through a new operator as well; with a healthy payload a retry proves it anew, and the rollout completes.
func TestPromise15_LateRegression(t *testing.T) {
	w := small(t, 3)
	first := func() *v1alpha1.PilotWave { return w.Waves()[0] }
	second := func() *v1alpha1.PilotWave { return w.Waves()[1] }
	run := func(limit time.Duration, what string, done func() bool) {
		t.Helper()
		if ok, err := w.Run(t.Context(), limit, done); err != nil || !ok || len(w.Oracle.Violations) > 0 {
			t.Fatalf("%s: %t, %v, %v\n%s %+v\n%s %+v", what, ok, err, w.Oracle.Violations, first().Name, first().Status, second().Name, second().Status)
		}
	}
	asked := func() int { return len(w.Oracle.Asked(string(second().UID))) }
	run(5*24*time.Hour, "the second wave begins", func() bool { return first().Status.Phase == v1alpha1.PhaseSucceeded && asked() > 0 })
	calm := w.Sim.Scenario()
	broken := calm
	broken.Rules = []tenantsim.Rule{{Name: "update", DevicesPercent: 100, Definition: "passkeysenabled", Value: "_1", Outcome: tenantsim.OutcomeError}}
	if err := w.Sim.SetScenario(broken); err != nil {
		t.Fatal(err)
	}
	run(3*24*time.Hour, "it regresses", func() bool { return first().Status.Clocks.RegressedAt != nil })
	if c := meta.FindStatusCondition(first().Status.Conditions, v1alpha1.ConditionStalled); c == nil || c.Reason != v1alpha1.ReasonLateRegression {
		t.Errorf("%+v", first().Status.Conditions)
	}
	if first().Status.Phase != v1alpha1.PhaseSucceeded {
		t.Errorf("the promotion was undone: %s", first().Status.Phase)
	}
	before := asked()
	w.Replace(nil)
	if _, err := w.Run(t.Context(), 3*24*time.Hour, func() bool { return false }); err != nil {
		t.Fatal(err)
	}
	if asked() != before || second().Status.Phase == v1alpha1.PhaseSucceeded {
		t.Errorf("the second wave went on, from %d to %d devices: %+v", before, asked(), second().Status)
	}
	for _, p := range w.Policies() {
		if meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionRolloutComplete) || p.Status.Revisions[len(p.Status.Revisions)-1].State == v1alpha1.RevisionStable {
			t.Errorf("%+v", p.Status)
		}
	}
	if err := w.Sim.SetScenario(calm); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		wave, ok := w.Object(Key{KindWave, name}).(*v1alpha1.PilotWave)
		if !ok {
			t.Fatal(name)
		}
		c := wave.DeepCopy()
		c.Annotations = map[string]string{v1alpha1.AnnotationRetry: "1"}
		if err := w.Kube.Update(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		w.Wake(Key{KindWave, name})
	}
	complete(t, w, 0)
	if h := first().Status.History; len(h) != 1 || h[0].Outcome != "Regressed" || h[0].RegressedAt == nil {
		t.Errorf("%+v", h)
	}
}

// TestOracleSees: what somebody else does to devices shows, unless it is excused.
func TestOracleSees(t *testing.T) {
	w := small(t, 1)
	complete(t, w, 0)
	device := w.Oracle.Members("A")[0]
	removed := slices.ContainsFunc(w.Oracle.Groups(), func(group string) bool {
		return w.Portal("DELETE", "/v1.0/groups/"+group+"/members/"+device+"/$ref", "", nil) == nil
	})
	if !removed {
		t.Fatal("the device is in no managed group")
	}
	w.Advance(3 * time.Hour)
	if v := w.Oracle.Violations; len(v) != 1 || v[0].Promise != "P13" {
		t.Errorf("violations %v, want P13: a device was taken out of its group", v)
	}
}

// TestOracleJudges: what an operator says, or leaves undone, shows as well. Nobody looks at the objects in between.
func TestOracleJudges(t *testing.T) {
	w := small(t, 2)
	complete(t, w, 0)
	if _, ok, err := w.Settle(t.Context(), 25); err != nil || !ok {
		t.Fatal(ok, err)
	}
	wave, policy := Key{KindWave, "a"}, Key{KindPolicy, PolicyName}
	want := func(promise, words string) {
		t.Helper()
		if v := w.Oracle.Violations; len(v) != 1 || v[0].Promise != promise || !strings.HasPrefix(v[0].What, words) {
			t.Errorf("violations %v, want %s %s", v, promise, words)
		}
		w.Oracle.Violations = nil
	}
	says := func(change func(*v1alpha1.PasskeyPolicyStatus)) {
		t.Helper()
		p := w.Policies()[0].DeepCopy()
		change(&p.Status)
		if err := w.Kube.Status().Update(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	w.Oracle.looked(policy)
	w.Oracle.Claims()
	if v := w.Oracle.Violations; len(v) != 0 {
		t.Fatalf("violations %v in a complete rollout", v)
	}

	says(func(s *v1alpha1.PasskeyPolicyStatus) { s.Population.OnHold++ })
	w.Oracle.sums()
	want("P17", "the numbers of the population do not add up")
	says(func(s *v1alpha1.PasskeyPolicyStatus) { s.Population.OnHold -= 2; s.Population.Revisions[0].Count++ })
	w.Oracle.Claims()
	want("P17", "the numbers of the population are not what devices have")
	says(func(s *v1alpha1.PasskeyPolicyStatus) { s.Population.OnHold++; s.Population.Revisions[0].Count-- })

	w.Oracle.causes(policy, []metav1.Condition{{Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonApplying}})
	want("P14", "a condition has no cause")

	abort := w.Waves()[0].DeepCopy()
	abort.Annotations = map[string]string{v1alpha1.AnnotationAbort: "now"}
	if err := w.Kube.Update(t.Context(), abort); err != nil {
		t.Fatal(err)
	}
	w.operator.lag(func(string) bool { return false })
	w.Oracle.heard(wave, w.unheard(wave), nil)
	want("P9", "a safety verb is not acted on at once")

	w.Oracle.Tampered(abort, abort.Status.Attempt)
	w.Oracle.added(addition{abort.Status.Attempts[0].GroupID, w.Oracle.Members("A")[0]})
	want("P10", "a wave whose ledger somebody changed exposes a device")
	clear(w.Oracle.tampered)

	excludes := w.Policies()[0].DeepCopy()
	excludes.Spec.Population.Exclude = []v1alpha1.GroupRef{{DisplayName: "A"}}
	if err := w.Kube.Update(t.Context(), excludes); err != nil {
		t.Fatal(err)
	}
	w.Oracle.exclusions(w.Policies()[0])
	want("P2", "an excluded device keeps a revision")
	excludes.Spec.Population.Exclude = nil
	if err := w.Kube.Update(t.Context(), excludes); err != nil {
		t.Fatal(err)
	}

	if err := w.Portal("POST", "/beta/deviceManagement/configurationPolicies/"+w.Oracle.Payloads()[0]+"/assign", `{"assignments":[]}`, nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.Advance(7 * time.Hour)
		says(func(s *v1alpha1.PasskeyPolicyStatus) { s.ObservedGeneration = w.Policies()[0].Generation })
		w.Oracle.looked(policy)
	}
	want("P14", "a policy is Ready while a device has nothing")
}

// TestClusterIsAnAPIServer: what reconcilers rely on.
func TestClusterIsAnAPIServer(t *testing.T) {
	w := small(t, 1)
	p, stale := &v1alpha1.PasskeyPolicy{}, &v1alpha1.PasskeyPolicy{}
	key := client.ObjectKey{Namespace: Namespace, Name: PolicyName}
	for _, o := range []*v1alpha1.PasskeyPolicy{p, stale} {
		if err := w.Kube.Get(t.Context(), key, o); err != nil {
			t.Fatal(err)
		}
	}
	if p.Generation != 1 || p.Spec.Mode != v1alpha1.ModeGate {
		t.Errorf("a new object has generation %d and mode %q, want 1 and the default", p.Generation, p.Spec.Mode)
	}
	p.Spec.Paused, p.Status.Reason, p.Finalizers = true, "Ignored", []string{"test/hold"}
	if err := w.Kube.Update(t.Context(), p); err != nil || p.Generation != 2 || p.Status.Reason != "" {
		t.Errorf("an update of the spec: %v, generation %d, status %q", err, p.Generation, p.Status.Reason)
	}
	if err := w.Kube.Update(t.Context(), stale); !apierrors.IsConflict(err) {
		t.Errorf("an update of what has changed: %v", err)
	}
	before := p.DeepCopy()
	p.Status.Reason, p.Spec.Paused = "Noted", false
	if err := w.Kube.Status().Patch(t.Context(), p, client.MergeFrom(before)); err != nil || p.Generation != 2 || p.Status.Reason != "Noted" || !p.Spec.Paused {
		t.Errorf("a patch of the status: %v, generation %d, status %q, paused %t", err, p.Generation, p.Status.Reason, p.Spec.Paused)
	}
	p.Spec.Mode = v1alpha1.ModeEnforceOnly
	if err := w.Kube.Update(t.Context(), p); !apierrors.IsInvalid(err) {
		t.Errorf("an update that the rules forbid: %v", err)
	}
	if err := w.Kube.Delete(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	if err := w.Kube.Get(t.Context(), key, p); err != nil || p.DeletionTimestamp == nil {
		t.Errorf("deleted with a finalizer: %v, %v", err, p.DeletionTimestamp)
	}
	p.Finalizers = nil
	if err := w.Kube.Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := w.Kube.Get(t.Context(), key, p); !apierrors.IsNotFound(err) {
		t.Errorf("without finalizers: %v", err)
	}
}

// TestPromise01_AudienceReachesIntoAnotherPopulation: a wave selects a group that the policy of another has on hold. Those of
// it whom its own population lacks are not exposed, and the wave says how many and why.
func TestPromise01_AudienceReachesIntoAnotherPopulation(t *testing.T) {
	w := small(t, 1)
	ref := func(names ...string) (refs []v1alpha1.GroupRef) {
		for _, n := range names {
			refs = append(refs, v1alpha1.GroupRef{DisplayName: n})
		}
		return refs
	}
	first := w.Policies()[0]
	first.Spec.Population.Include = ref("A")
	second := w.Policy()
	second.Name, second.Spec.Population.Include = "second", ref("B")
	wide := w.Wave("wide", "B")
	wide.Spec.PolicyRef.Name, wide.Spec.Audience.Groups.Include = second.Name, ref("A", "B")
	wide.Spec.Audience.MaxIneligiblePercent = ptr.To(int32(60))
	if err := errors.Join(w.Kube.Delete(t.Context(), w.Waves()[1]), w.Kube.Update(t.Context(), first), w.Apply(t.Context(), second, wide)); err != nil {
		t.Fatal(err)
	}
	complete(t, w, 0)
	if len(w.Oracle.Members("A")) != 8 || slices.ContainsFunc(w.Oracle.Members("A"), func(id string) bool { return slices.Contains(w.Oracle.Members("B"), id) }) {
		t.Fatal("the groups are not apart")
	}
	for _, p := range w.Waves() {
		if p.Name == wide.Name && (p.Status.Audience == nil || p.Status.Audience.Eligible != 8 || p.Status.Audience.Targeted != 16) {
			t.Errorf("%+v", p.Status.Audience)
		}
	}
}
