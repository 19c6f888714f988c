// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

var start = time.Date(2026, 10, 2, 8, 0, 0, 0, time.UTC)

var errAway = errors.New("the API server is away")

// desk is a store on an API server in memory. What a wave's status binds is kept in an annotation of the wave, so that it
// is read and written with the wave.
type desk struct {
	*Store
	t     testing.TB
	kube  client.Client
	clock *clocktesting.FakePassiveClock
	// writes counts writes of ledgers; the one that comes after left more fails, before it takes effect; -1 never.
	writes, left int
	failReads    bool
}

func newDesk(t testing.TB, waves ...string) *desk {
	t.Helper()
	scheme := kruntime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, clock: clocktesting.NewFakePassiveClock(start), left: -1}
	wrote := func(o client.Object) error {
		if _, ok := o.(*v1alpha1.WaveLedger); !ok {
			return nil
		}
		if d.left == 0 {
			return errAway
		}
		d.left, d.writes = d.left-1, d.writes+1
		return nil
	}
	read := func() error {
		if d.failReads {
			return errAway
		}
		return nil
	}
	d.kube = fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if err := wrote(o); err != nil {
				return err
			}
			return c.Create(ctx, o, opts...)
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			if err := wrote(o); err != nil {
				return err
			}
			return c.Update(ctx, o, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			if err := wrote(o); err != nil {
				return err
			}
			return c.Delete(ctx, o, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
			if err := read(); err != nil {
				return err
			}
			return c.List(ctx, l, opts...)
		},
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if err := read(); err != nil {
				return err
			}
			return c.Get(ctx, key, o, opts...)
		},
	}).Build()
	d.Store = &Store{Client: d.kube, Reader: d.kube, Clock: d.clock, Bound: boundIn}
	for _, name := range waves {
		w := &v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID("uid-" + name)}}
		if err := d.kube.Create(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func boundIn(w *v1alpha1.PilotWave, attempt int32) *v1alpha1.LedgerBinding {
	text, ok := w.Annotations[fmt.Sprint("bound-", attempt)]
	if !ok {
		return nil
	}
	b := &v1alpha1.LedgerBinding{}
	if err := json.Unmarshal([]byte(text), b); err != nil {
		panic(err)
	}
	return b
}

func (d *desk) wave(name string) *v1alpha1.PilotWave {
	d.t.Helper()
	w := &v1alpha1.PilotWave{}
	if err := d.kube.Get(d.t.Context(), client.ObjectKey{Namespace: "ns", Name: name}, w); err != nil {
		d.t.Fatal(err)
	}
	return w
}

// bind makes the wave's status bind b.
func (d *desk) bind(name string, attempt int32, b v1alpha1.LedgerBinding) {
	d.t.Helper()
	w := d.wave(name)
	text, err := json.Marshal(b)
	if err != nil {
		d.t.Fatal(err)
	}
	metav1.SetMetaDataAnnotation(&w.ObjectMeta, fmt.Sprint("bound-", attempt), string(text))
	if err := d.kube.Update(d.t.Context(), w); err != nil {
		d.t.Fatal(err)
	}
}

// save stores a ledger of a wave and binds it.
func (d *desk) save(name string, l audience.Ledger) v1alpha1.LedgerBinding {
	d.t.Helper()
	b, err := d.Save(d.t.Context(), d.wave(name), &l)
	if err != nil {
		d.t.Fatal(err)
	}
	d.bind(name, l.Attempt, b)
	return b
}

func (d *desk) load(name string, attempt int32) Reading {
	d.t.Helper()
	r, err := d.Load(d.t.Context(), d.wave(name), attempt)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func (d *desk) objects() []v1alpha1.WaveLedger {
	d.t.Helper()
	var list v1alpha1.WaveLedgerList
	if err := d.kube.List(d.t.Context(), &list); err != nil {
		d.t.Fatal(err)
	}
	slices.SortFunc(list.Items, func(a, b v1alpha1.WaveLedger) int { return strings.Compare(a.Name, b.Name) })
	return list.Items
}

func ids(from, n int) []audience.ID {
	out := make([]audience.ID, n)
	for i := range out {
		binary.BigEndian.PutUint64(out[i][8:], uint64(from+i)+1)
	}
	return out
}

func newLedger(wave string, attempt int32, n int, growing bool) audience.Ledger {
	return audience.NewLedger(audience.Header{
		Wave: audience.WaveKeyOf("uid-" + wave), Attempt: attempt, Revision: 4, Unit: v1alpha1.UnitDevice, Growing: growing, PayloadHash: "sha256:p",
	}, ids(0, n))
}

const per = audience.EntriesPerChunk

// TestRoundTrip: a ledger of several chunks comes back, an exposure writes the one chunk that changed, and what did not
// change is not written.
func TestRoundTrip(t *testing.T) {
	d := newDesk(t, "a", "b")
	if r := d.load("a", 1); r.State != audience.LedgerNone {
		t.Errorf("none: %+v", r)
	}
	l := newLedger("a", 1, 2*per+5, false)
	first := d.save("a", l)
	objects := d.objects()
	if o := objects[2]; len(objects) != 3 || o.Name != "uid-a-1-2" || !metav1.IsControlledBy(&o, d.wave("a")) ||
		o.Spec.Wave.Name != "a" || o.Spec.Chunk != 2 || o.Spec.Chunks != 3 || o.Spec.Revision != 4 || o.Spec.Generation != 1 {
		t.Fatalf("%d objects, the last is %+v", len(objects), o.ObjectMeta)
	}
	d.clock.SetTime(start.Add(time.Hour))
	next, _ := l.Expose(10, d.clock.Now())
	d.writes = 0
	second := d.save("a", next)
	if d.writes != 1 {
		t.Errorf("%d writes", d.writes)
	}
	r := d.load("a", 1)
	if r.State != audience.LedgerOK || r.Ahead || !cmp.Equal(next, *r.Ledger) {
		t.Errorf("%s: %s", r.State, r.Message)
	}
	want := v1alpha1.LedgerBinding{Digest: next.Digest(), Generation: first.Generation + 1, Entries: int32(2*per + 5), Asked: 10, WrittenAt: metav1.NewTime(d.clock.Now())}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Error(diff)
	}
	d.writes = 0
	d.clock.SetTime(start.Add(2 * time.Hour))
	if again := d.save("a", next); d.writes != 0 || !cmp.Equal(second, again) {
		t.Errorf("saved again: %d writes, %+v", d.writes, again)
	}
	if r := d.load("b", 1); r.State != audience.LedgerNone || r.Ledger != nil {
		t.Errorf("another wave's: %+v", r)
	}
}

// TestAttemptsAreApart: each attempt has objects of its own, and deleting one leaves the others.
func TestAttemptsAreApart(t *testing.T) {
	d := newDesk(t, "a")
	d.save("a", newLedger("a", 1, 5, false))
	d.save("a", newLedger("a", 2, per+1, false))
	all, err := d.LoadAll(t.Context(), d.wave("a"))
	if err != nil || len(all) != 2 || all[1].State != audience.LedgerOK || len(all[2].Ledger.Entries) != per+1 {
		t.Fatalf("%d ledgers, %v", len(all), err)
	}
	if err := d.Delete(t.Context(), d.wave("a"), 2); err != nil || len(d.objects()) != 1 {
		t.Errorf("%d objects, %v", len(d.objects()), err)
	}
	if r := d.load("a", 2); r.State != audience.LedgerLost {
		t.Errorf("deleted while it is bound: %s", r.State)
	}
	if err := d.Delete(t.Context(), d.wave("a"), 2); err != nil {
		t.Errorf("again: %v", err)
	}
}

// TestDamage: what is done to the objects of a bound ledger is a fact that is told, never an error, and a ledger that is
// lost or altered is not written over.
func TestDamage(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(d *desk, o []v1alpha1.WaveLedger)
		want audience.ReadingState
	}{
		"all deleted": {func(d *desk, o []v1alpha1.WaveLedger) {
			for i := range o {
				d.must(d.kube.Delete(d.t.Context(), &o[i]))
			}
		}, audience.LedgerLost},
		"one deleted": {func(d *desk, o []v1alpha1.WaveLedger) { d.must(d.kube.Delete(d.t.Context(), &o[1])) }, audience.LedgerLost},
		"truncated": {func(d *desk, o []v1alpha1.WaveLedger) {
			o[1].Spec.Data = o[1].Spec.Data[:100]
			d.must(d.kube.Update(d.t.Context(), &o[1]))
		}, audience.LedgerLost},
		"emptied": {func(d *desk, o []v1alpha1.WaveLedger) {
			o[0].Spec.Data = nil
			d.must(d.kube.Update(d.t.Context(), &o[0]))
		}, audience.LedgerLost},
		"a byte flipped": {func(d *desk, o []v1alpha1.WaveLedger) {
			o[1].Spec.Data[100] ^= 1
			d.must(d.kube.Update(d.t.Context(), &o[1]))
		}, audience.LedgerAltered},
		"swapped": {func(d *desk, o []v1alpha1.WaveLedger) {
			o[0].Spec.Data, o[1].Spec.Data = o[1].Spec.Data, o[0].Spec.Data
			d.must(d.kube.Update(d.t.Context(), &o[0]))
			d.must(d.kube.Update(d.t.Context(), &o[1]))
		}, audience.LedgerOK}, // each chunk says itself which one it is
		"a chunk twice": {func(d *desk, o []v1alpha1.WaveLedger) {
			d.must(d.kube.Create(d.t.Context(), &v1alpha1.WaveLedger{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "copy", Labels: o[1].Labels}, Spec: o[1].Spec}))
		}, audience.LedgerAltered},
		"copied from another wave": {func(d *desk, o []v1alpha1.WaveLedger) {
			d.save("b", newLedger("b", 1, per+5, false))
			for i, other := range d.objects()[2:] {
				o[i].Spec.Data = other.Spec.Data
				d.must(d.kube.Update(d.t.Context(), &o[i]))
			}
		}, audience.LedgerAltered},
		"labels removed": {func(d *desk, o []v1alpha1.WaveLedger) {
			for i := range o {
				o[i].Labels = nil
				d.must(d.kube.Update(d.t.Context(), &o[i]))
			}
		}, audience.LedgerOK},
		"owner removed": {func(d *desk, o []v1alpha1.WaveLedger) {
			o[0].OwnerReferences = nil
			d.must(d.kube.Update(d.t.Context(), &o[0]))
		}, audience.LedgerOK},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, "a", "b")
			l := newLedger("a", 1, per+5, false)
			d.save("a", l)
			c.harm(d, d.objects())
			r := d.load("a", 1)
			if r.State != c.want || r.Message == "" {
				t.Fatalf("%s: %s", r.State, r.Message)
			}
			next, _ := l.Expose(1, start)
			_, err := d.Save(t.Context(), d.wave("a"), &next)
			if c.want != audience.LedgerOK {
				if err == nil || !strings.Contains(err.Error(), `of wave "a"`) || !strings.Contains(err.Error(), "request a retry") {
					t.Errorf("written over: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, o := range d.objects() {
				if o.Labels[v1alpha1.LabelWaveUID] != "uid-a" || len(o.OwnerReferences) != 1 || int(o.Spec.Chunk) != i {
					t.Errorf("not mended: %+v", o.ObjectMeta)
				}
			}
		})
	}
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// TestSaveRefuses what would write over a record or could not be told from a forged one later.
func TestSaveRefuses(t *testing.T) {
	d := newDesk(t, "a", "b")
	stale := d.wave("a")
	l := newLedger("a", 1, 5, false)
	l, _ = l.Expose(2, start)
	d.save("a", l)
	forgets := newLedger("a", 1, 5, false)
	foreign := newLedger("b", 1, 5, false)
	next, _ := l.Expose(1, start)
	remade := d.wave("a")
	remade.UID = "uid-a2"
	unknown := d.wave("a")
	unknown.Name = "c"
	for name, c := range map[string]struct {
		wave   *v1alpha1.PilotWave
		ledger audience.Ledger
		says   string
	}{
		"a wave as it was":         {stale, next, ErrStale.Error()},
		"a wave that was remade":   {remade, next, ErrStale.Error()},
		"a wave that is gone":      {unknown, next, ErrStale.Error()},
		"an exposure is forgotten": {d.wave("a"), forgets, "does not follow"},
		"of another wave":          {d.wave("a"), foreign, "of another wave"},
	} {
		d.writes = 0
		if _, err := d.Save(t.Context(), c.wave, &c.ledger); err == nil || !strings.Contains(err.Error(), c.says) || d.writes != 0 {
			t.Errorf("%s: %v, %d writes", name, err, d.writes)
		}
	}
	invalid := newLedger("a", 3, 0, false)
	invalid.Unit = ""
	if _, err := d.Save(t.Context(), d.wave("a"), &invalid); err == nil || !strings.Contains(err.Error(), "attempt 3 of wave") {
		t.Errorf("%v", err)
	}
	d.failReads = true
	_, loading := d.Load(t.Context(), stale, 1)
	_, all := d.LoadAll(t.Context(), stale)
	_, saving := d.Save(t.Context(), stale, &next)
	for name, err := range map[string]error{"load": loading, "load all": all, "save": saving, "delete": d.Delete(t.Context(), stale, 1)} {
		if !errors.Is(err, errAway) || !strings.Contains(err.Error(), `wave "a"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFirstWriteIsBegunAgain: nothing was exposed before a status binds the ledger, so what a crash left of the first
// write is none, and is replaced by whatever is resolved then, smaller or larger.
func TestFirstWriteIsBegunAgain(t *testing.T) {
	for _, sizes := range [][2]int{{3*per + 1, 2}, {2, 3*per + 1}, {2 * per, 2 * per}} {
		for writes := range 4 {
			d := newDesk(t, "a")
			l := newLedger("a", 1, sizes[0], false)
			d.left = writes
			_, _ = d.Save(t.Context(), d.wave("a"), &l) // it is cut off
			d.left = -1
			if r := d.load("a", 1); r.State != audience.LedgerNone {
				t.Fatalf("%v, %d writes: %s", sizes, writes, r.State)
			}
			again := newLedger("a", 1, sizes[1], false)
			again.PayloadHash = "sha256:q"
			d.save("a", again)
			if r := d.load("a", 1); r.State != audience.LedgerOK || !cmp.Equal(again, *r.Ledger) {
				t.Errorf("%v, %d writes: %s: %s", sizes, writes, r.State, r.Message)
			}
		}
	}
}

// TestUnlabelledFirstWrite: an object of a first write that lost its labels is in the way by its name only.
func TestUnlabelledFirstWrite(t *testing.T) {
	d := newDesk(t, "a")
	l := newLedger("a", 1, 5, false)
	d.must(d.kube.Create(t.Context(), &v1alpha1.WaveLedger{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "uid-a-1-0"}}))
	d.save("a", l)
	if r := d.load("a", 1); r.State != audience.LedgerOK {
		t.Errorf("%s: %s", r.State, r.Message)
	}
}

// step is the next ledger of a random life of an attempt.
func step(r *rand.Rand, l audience.Ledger, now time.Time, joiners *int) audience.Ledger {
	some := make([]audience.ID, 20)
	for i := range some {
		some[i] = l.Entries[r.Intn(len(l.Entries))].ID
	}
	switch r.Intn(6) {
	case 0:
		l, _ = l.Expose(1+r.Intn(2*per), now)
	case 1:
		l, _ = l.Confirm(l.IDs(), now)
	case 2:
		l, _ = l.Refuse(some, audience.RefusedGone)
	case 3:
		l, _ = l.Exclude(some, now)
	case 4:
		n := r.Intn(per + 2)
		l, _ = l.Join(ids(1_000_000+*joiners, n), now)
		*joiners += n
	case 5:
		var heard []audience.Heard
		for i, e := range l.Entries {
			if slices.Contains(some, e.ID) {
				word := audience.Word{Kind: audience.WordFailed, At: audience.StampOf(now)}
				failures := audience.Fold(i, l.FailuresOf(i), audience.EnrolmentOf(e.ID, e.ID, now), word)
				heard = append(heard, audience.Heard{Entry: i, Last: word, Failures: failures})
			}
		}
		l, _ = l.Hear(heard)
	}
	return l
}

// TestPromise10_AnyCrashLeavesAUsableLedger: an attempt lives at random, and each save ends after any number of its writes,
// before or after the status binds it. What is read then is usable, nothing that was stored before is lost, and the next
// save mends it.
func TestPromise10_AnyCrashLeavesAUsableLedger(t *testing.T) {
	crashes, mixes := 0, 0
	for seed := range int64(16) {
		r := rand.New(rand.NewSource(seed))
		d, joiners := newDesk(t, "a"), 0
		l := newLedger("a", 1, 1+r.Intn(2*per), seed%2 == 0)
		d.save("a", l)
		for range 12 {
			d.clock.SetTime(d.clock.Now().Add(time.Duration(r.Intn(3600)) * time.Second))
			next := step(r, l, d.clock.Now(), &joiners)
			d.left = r.Intn(5) - 1
			b, err := d.Save(t.Context(), d.wave("a"), &next)
			d.left = -1
			if err != nil && !errors.Is(err, errAway) {
				t.Fatalf("seed %d: %v", seed, err)
			}
			bound := err == nil && r.Intn(2) == 0
			if bound {
				d.bind("a", 1, b)
			}
			got := d.load("a", 1)
			if got.State != audience.LedgerOK {
				t.Fatalf("seed %d: %s: %s", seed, got.State, got.Message)
			}
			if err := errors.Join(got.Ledger.Follows(&l, time.Time{}), next.Follows(got.Ledger, time.Time{})); err != nil {
				t.Fatalf("seed %d: not between what was stored and what was to be: %v", seed, err)
			}
			switch digest := got.Ledger.Digest(); {
			case err == nil && digest != next.Digest():
				t.Fatalf("seed %d: a save that succeeded is not what is read", seed)
			case err != nil && digest != l.Digest():
				mixes++
			}
			if err != nil {
				crashes++
			}
			l = *got.Ledger
		}
		d.save("a", l)
		if got := d.load("a", 1); got.State != audience.LedgerOK || got.Ahead || got.Ledger.Digest() != l.Digest() {
			t.Fatalf("seed %d: not mended: %s, ahead %t: %s", seed, got.State, got.Ahead, got.Message)
		}
	}
	if crashes < 30 || mixes < 5 {
		t.Errorf("%d crashes, %d of them between two chunks: this proves little", crashes, mixes)
	}
}

// TestStoredDataIsBelowTheLimit of an object in Kubernetes, at the size for which ledgers are made.
func TestStoredDataIsBelowTheLimit(t *testing.T) {
	l := newLedger("a", 1, 1_000_000, false)
	parts, err := audience.Stored{}.Encode(&l, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range parts {
		text, err := json.Marshal(v1alpha1.WaveLedgerSpec{Data: p.Data})
		if err != nil || len(text) > 1<<20 {
			t.Fatalf("chunk %d of %d: %d bytes, %v", i, len(parts), len(text), err)
		}
	}
}

// BenchmarkInformerMemory is what an informer would hold for a ledger of a million entries; see [Store].
func BenchmarkInformerMemory(b *testing.B) {
	l := newLedger("a", 1, 1_000_000, false)
	parts, err := audience.Stored{}.Encode(&l, 1)
	if err != nil {
		b.Fatal(err)
	}
	texts := make([][]byte, len(parts))
	for i, p := range parts {
		if texts[i], err = json.Marshal(v1alpha1.WaveLedger{Spec: v1alpha1.WaveLedgerSpec{Data: p.Data}}); err != nil {
			b.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		objects := make([]v1alpha1.WaveLedger, len(texts))
		for i := range texts {
			if err := json.Unmarshal(texts[i], &objects[i]); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB/1M-entries")
		runtime.KeepAlive(objects)
	}
}
