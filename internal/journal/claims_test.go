// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// lockedDesk is a desk with waves in Resolving and the lock of their policy.
func lockedDesk(t *testing.T, waves ...string) (*desk, *Claims, *v1alpha1.PasskeyPolicy) {
	t.Helper()
	d := newDesk(t, waves...)
	for _, name := range waves {
		d.change(name, func(w *v1alpha1.PilotWave) { w.Status.Phase = v1alpha1.PhaseResolving })
	}
	p := &v1alpha1.PasskeyPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pkp", UID: "uid-pkp"}}
	return d, &Claims{Client: d.kube, Reader: d.kube, Clock: d.clock}, p
}

func (d *desk) read(name string) *v1alpha1.PilotWave {
	d.t.Helper()
	w := &v1alpha1.PilotWave{}
	if err := d.kube.Get(d.t.Context(), client.ObjectKey{Namespace: "ns", Name: name}, w); err != nil {
		d.t.Fatal(err)
	}
	return w
}

func (d *desk) change(name string, change func(*v1alpha1.PilotWave)) {
	d.t.Helper()
	w := d.read(name)
	change(w)
	if err := d.kube.Update(d.t.Context(), w); err != nil {
		d.t.Fatal(err)
	}
}

// TestClaimsExclude: one wave has the lock at a time, taking it again changes nothing, and only its holder gives it back.
func TestClaimsExclude(t *testing.T) {
	d, c, p := lockedDesk(t, "a", "b")
	a, b := d.read("a"), d.read("b")
	expect := func(what string, w *v1alpha1.PilotWave, want string) {
		t.Helper()
		if holder, err := c.Acquire(t.Context(), p, w); err != nil || holder != want {
			t.Fatalf("%s: held by %q, want %q; %v", what, holder, want, err)
		}
	}
	expect("free", a, "")
	expect("its own", a, "")
	expect("of another", b, "a")
	if err := c.Release(t.Context(), p, b); err != nil {
		t.Fatal(err)
	}
	expect("given back by who does not have it", b, "a")
	if err := c.Release(t.Context(), p, a); err != nil {
		t.Fatal(err)
	}
	expect("given back", b, "")
	expect("now of the other", a, "b")
	if err := c.Release(t.Context(), p, b); err != nil {
		t.Fatal(err)
	}
	if err := c.Release(t.Context(), p, b); err != nil {
		t.Errorf("given back twice: %v", err)
	}
	other := p.DeepCopy()
	other.UID = "uid-other"
	expect("free again", a, "")
	if holder, err := c.Acquire(t.Context(), other, b); err != nil || holder != "" {
		t.Errorf("of another policy: %q, %v", holder, err)
	}
}

// TestClaimsAbandoned: who does not need the lock any more does not keep others waiting, and nobody else loses it.
func TestClaimsAbandoned(t *testing.T) {
	for name, tt := range map[string]struct {
		happens func(t *testing.T, d *desk)
		free    bool
	}{
		"nothing":         {func(*testing.T, *desk) {}, false},
		"almost too long": {func(_ *testing.T, d *desk) { d.clock.SetTime(start.Add(claimTime - time.Second)) }, false},
		"too long":        {func(_ *testing.T, d *desk) { d.clock.SetTime(start.Add(claimTime)) }, true},
		"the holder has moved on": {func(_ *testing.T, d *desk) {
			d.change("a", func(w *v1alpha1.PilotWave) { w.Status.Phase = v1alpha1.PhaseExposing })
		}, true},
		"the holder is gone":       {func(t *testing.T, d *desk) { d.remove(d.read("a")) }, true},
		"the holder is made again": {func(t *testing.T, d *desk) { d.remove(d.read("a")); d.again("a") }, true},
		"the holder is going": {func(_ *testing.T, d *desk) {
			d.change("a", func(w *v1alpha1.PilotWave) { w.Finalizers = []string{"tidegate.dev/test"} })
			d.remove(d.read("a"))
		}, true},
		"nobody knows since when": {func(t *testing.T, d *desk) {
			var list v1alpha1.WaveLedgerList
			if err := d.kube.List(t.Context(), &list); err != nil || len(list.Items) != 1 {
				t.Fatalf("%v %+v", err, list.Items)
			}
			list.Items[0].Spec.Data = []byte("noon")
			if err := d.kube.Update(t.Context(), &list.Items[0]); err != nil {
				t.Fatal(err)
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			d, c, p := lockedDesk(t, "a", "b")
			if _, err := c.Acquire(t.Context(), p, d.read("a")); err != nil {
				t.Fatal(err)
			}
			tt.happens(t, d)
			holder, err := c.Acquire(t.Context(), p, d.read("b"))
			if err != nil || (holder == "") != tt.free {
				t.Fatalf("held by %q, %v", holder, err)
			}
			again, err := c.Acquire(t.Context(), p, d.read("b"))
			if err != nil || again != holder {
				t.Errorf("asked again: %q, %v", again, err)
			}
		})
	}
}

func (d *desk) remove(w *v1alpha1.PilotWave) {
	d.t.Helper()
	if err := d.kube.Delete(d.t.Context(), w); err != nil {
		d.t.Fatal(err)
	}
}

// again makes a wave of the same name, and of another uid, that is Resolving.
func (d *desk) again(name string) {
	d.t.Helper()
	w := &v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: "uid-again"}, Status: v1alpha1.PilotWaveStatus{Phase: v1alpha1.PhaseResolving}}
	if err := d.kube.Create(d.t.Context(), w); err != nil {
		d.t.Fatal(err)
	}
}

// TestClaimsFail: an API server that is away gives nobody the lock, and says whose it is about.
func TestClaimsFail(t *testing.T) {
	d, c, p := lockedDesk(t, "a", "b")
	a, b := d.read("a"), d.read("b")
	d.left = 0
	if _, err := c.Acquire(t.Context(), p, a); err == nil || !strings.Contains(err.Error(), `PasskeyPolicy "pkp"`) {
		t.Errorf("a write that fails: %v", err)
	}
	d.left = -1
	if _, err := c.Acquire(t.Context(), p, a); err != nil {
		t.Fatal(err)
	}
	d.failReads = true
	if _, err := c.Acquire(t.Context(), p, b); err == nil {
		t.Error("a holder that cannot be read is not gone")
	}
	if err := c.Release(t.Context(), p, a); err == nil {
		t.Error("given back unread")
	}
	d.failReads, d.left = false, 0
	if err := c.Release(t.Context(), p, a); err == nil {
		t.Error("given back without a write")
	}
	d.left = -1
	if holder, err := c.Acquire(t.Context(), p, b); err != nil || holder != "a" {
		t.Errorf("%q, %v", holder, err)
	}
}

// TestClaimsAreNoLedgers: the lock is none of a wave's ledgers, and goes with its policy.
func TestClaimsAreNoLedgers(t *testing.T) {
	d, c, p := lockedDesk(t, "a")
	if _, err := c.Acquire(t.Context(), p, d.read("a")); err != nil {
		t.Fatal(err)
	}
	if all, err := d.LoadAll(t.Context(), d.read("a")); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	var list v1alpha1.WaveLedgerList
	if err := d.kube.List(t.Context(), &list); err != nil || len(list.Items) != 1 {
		t.Fatalf("%v %+v", err, list.Items)
	}
	if owner := metav1.GetControllerOf(&list.Items[0]); owner == nil || owner.UID != p.UID || len(list.Items[0].Labels) != 0 {
		t.Errorf("%+v", list.Items[0].ObjectMeta)
	}
}
