// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/controllers"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/simtest"
)

// Namespace is where every object of a world lives.
const Namespace = "team"

// Start is the virtual time at which every world begins: a Monday morning.
var Start = time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC)

// Options of a World.
type Options struct {
	// Seed decides everything that chance decides: in the tenant, in the cache, and in the service's faults.
	Seed uint64
	// Devices in the tenant.
	Devices int
	// Catalog of the tenant, see tenantsim.Options.
	Catalog string
	// Scenario of the tenant. An ordinary lag applies unless it names one. Leave churn and throttling out of it: see Faults.
	Scenario tenantsim.Scenario
	// Trace keeps a line of every step and write, for Story.
	Trace bool
}

// Faults are the shares, 0 to 1, of an operator's requests to the tenant that go wrong.
type Faults struct {
	// Busy, Down and Broken are refused with 429, 503 and 500; Unsent do not get there.
	Busy, Down, Broken, Unsent float64
	// Lost are writes that are done, and whose answer is lost.
	Lost float64
	// Groups are the writes to groups that are done, and whose answer is lost.
	Groups float64
	// Reports is the share of the calls to export jobs that are refused with 500.
	Reports float64
}

// Key names an object that has a reconciler.
type Key struct{ Kind, Name string }

// String is kind and name.
func (k Key) String() string { return k.Kind + " " + k.Name }

// World is a cluster, a tenant and an operator on one clock that stands still unless it is moved. Nothing runs beside the
// caller: an operator acts when Step lets it. It is for one goroutine.
type World struct {
	Cluster *Cluster
	// Kube is the client of a person.
	Kube *View
	Sim  *simtest.Tenant
	// Clock is what everybody goes by.
	Clock *tenantsim.Clock
	// Oracle judges what reaches the devices.
	Oracle *Oracle
	// Faults in force.
	Faults Faults
	// CacheLag is the share of looks at which the operator's cache of a kind has not caught up.
	CacheLag float64
	// Skew is by how much the operator's clock is ahead of the true time.
	Skew time.Duration
	// Frail lets every operator die at its n-th write, in turns before and after it; 0 does not.
	Frail int
	// Slow lets the operator come back late, which is no fault and makes long stretches of time cost less: after hours where
	// it asked for ten minutes or more, and after ten minutes where it asked for half a minute or more.
	Slow bool
	// Steps counts reconciles.
	Steps int

	options   Options
	catalog   http.Handler // the tenant, with its catalog remembered
	operator  *Operator
	operators int
	rand      *rand.Rand
	due       map[Key]time.Time
	fails     map[Key]int
	signs     map[Key]string
	current   Key // under reconcile
	portal    string

	mu     sync.Mutex
	story  []string
	writes []Write
	asked  map[string]int // requests of this step, by what they are
}

// New starts a world with a Tenant's Secret in it and an operator that has seen nothing yet.
func New(t testing.TB, o Options) *World {
	t.Helper()
	w := &World{Clock: tenantsim.NewClock(Start, 0), options: o, rand: rand.New(rand.NewPCG(o.Seed, 1)),
		due: map[Key]time.Time{}, fails: map[Key]int{}, signs: map[Key]string{}, asked: map[string]int{}}
	if o.Scenario.Throttle == nil {
		o.Scenario.Throttle = &tenantsim.Throttle{} // Faults draw refusals by what is asked, so that a story can be told again
	}
	w.Sim = simtest.New(t, tenantsim.Options{Seed: o.Seed, Devices: o.Devices, Clock: w.Clock, Catalog: o.Catalog, Scenario: o.Scenario, JournalSize: 1})
	var err error
	if w.Cluster, err = NewCluster(w.Clock); err != nil {
		t.Fatal(err)
	}
	w.Cluster.bodies = o.Trace
	if err := controllers.AddIndexes(t.Context(), w.Cluster); err != nil {
		t.Fatal(err)
	}
	w.Kube = w.Cluster.Client()
	system := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: metav1.NamespaceSystem}}
	for _, obj := range []client.Object{system, w.Secret()} {
		if err := w.Kube.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
	w.Oracle = newOracle(w)
	w.catalog = remembered{w.Sim}
	w.operator = w.newOperator()
	return w
}

// Apply creates objects as a person does.
func (w *World) Apply(ctx context.Context, objs ...client.Object) error {
	for _, o := range objs {
		o.SetNamespace(Namespace)
		if err := w.Kube.Create(ctx, o); err != nil {
			return fmt.Errorf("create %T %s: %w", o, o.GetName(), err)
		}
	}
	return nil
}

// Keys are the objects that have a reconciler, in a fixed order.
func (w *World) Keys() []Key {
	var out []Key
	for gvk, k := range w.Cluster.kinds {
		if w.operator.kinds[gvk.Kind] == nil {
			continue
		}
		for key := range k.objects {
			if k.now(key) != nil {
				out = append(out, Key{gvk.Kind, key.Name})
			}
		}
	}
	slices.SortFunc(out, func(a, b Key) int { return compareText(a.String(), b.String()) })
	return out
}

// Object is an object as it is now, nil when it is gone.
func (w *World) Object(key Key) client.Object {
	for gvk, k := range w.Cluster.kinds {
		if gvk.Kind == key.Kind {
			return k.now(client.ObjectKey{Namespace: Namespace, Name: key.Name})
		}
	}
	return nil
}

// Waves are all waves as they are now, by name. They must not be changed.
func (w *World) Waves() []*v1alpha1.PilotWave { return objects[*v1alpha1.PilotWave](w, KindWave) }

// Policies are all policies as they are now, by name. They must not be changed.
func (w *World) Policies() []*v1alpha1.PasskeyPolicy {
	return objects[*v1alpha1.PasskeyPolicy](w, KindPolicy)
}

func objects[T client.Object](w *World, kind string) []T {
	var out []T
	for _, key := range w.Keys() {
		if key.Kind == kind {
			if o, ok := w.Object(key).(T); ok {
				out = append(out, o)
			}
		}
	}
	return out
}

// Advance lets time pass. The oracle looks whenever something that the tenant was told arrives where it counts.
func (w *World) Advance(d time.Duration) {
	until := w.Clock.Now().Add(d)
	for {
		now := w.Clock.Now()
		next := until
		if at, some := w.Sim.NextArrival(); some && at.Before(until) {
			next = at.Add(time.Second).Truncate(time.Second) // the tenant counts in seconds
			if next.After(until) {
				next = until
			}
		}
		if err := w.Sim.Advance(next.Sub(now)); err != nil {
			panic(fmt.Sprintf("fastworld: %v", err)) // it only fails for a clock that cannot be moved
		}
		w.Oracle.look()
		if !next.Before(until) {
			return
		}
	}
}

// Next is the object that asked to be looked at first, and when; false when there is no object.
func (w *World) Next() (Key, time.Time, bool) {
	var first Key
	var at time.Time
	for _, key := range w.Keys() {
		due, known := w.due[key]
		if !known {
			due = w.Clock.Now()
			w.due[key] = due
		}
		if at.IsZero() || due.Before(at) {
			first, at = key, due
		}
	}
	return first, at, !at.IsZero()
}

// Step lets the operator look at one object. A dead operator is replaced.
func (w *World) Step(ctx context.Context, key Key) error {
	w.Steps++
	w.current = key
	w.operator.lag(func(string) bool { return w.rand.Float64() < w.CacheLag })
	clear(w.asked)
	mark := len(w.writes)
	asked := w.unheard(key)
	res, err := w.operator.Reconcile(ctx, key)
	now := w.Clock.Now()
	switch {
	case err != nil:
		w.fails[key]++
		w.due[key] = now.Add(min(time.Second<<min(w.fails[key], 10), 5*time.Minute))
	case res.RequeueAfter > 0:
		w.fails[key] = 0
		w.due[key] = now.Add(w.late(res.RequeueAfter))
	default:
		w.fails[key] = 0
		w.due[key] = now.Add(10 * time.Hour) // a resync
	}
	if w.options.Trace {
		w.tell("%s looks at %s: %v, again after %s", w.operator.Name, key, err, res.RequeueAfter)
	}
	w.wake(key)
	w.Oracle.after(w.writes[mark:])
	switch {
	case w.operator.Dead():
		w.Replace(nil)
	case err == nil:
		w.Oracle.looked(key)
		fallthrough
	case !apierrors.IsConflict(err):
		w.Oracle.heard(key, asked, err)
	}
	return nil
}

// late is when the operator comes back after a wait that it asked for. Jitter, which is drawn anew in each telling, is
// rounded away.
func (w *World) late(wait time.Duration) time.Duration {
	switch {
	case wait > time.Second && wait < time.Hour && wait%time.Second != 0:
		return (wait/(15*time.Second) + 1) * 15 * time.Second
	case w.Slow && wait >= 10*time.Minute:
		return max(wait, 6*time.Hour)
	case w.Slow && wait >= 30*time.Second:
		return max(wait, 10*time.Minute)
	}
	return wait
}

// Replace lets another operator take over, which reads everything anew. behind is by how many writes its cache of each kind
// is late; nil is a cache that is up to date.
func (w *World) Replace(behind func(kind string) int64) {
	o := w.newOperator()
	w.operator = o
	if behind != nil {
		o.behind(behind)
	}
	for _, key := range w.Keys() {
		w.due[key] = w.Clock.Now()
	}
	w.tell("%s takes over", o.Name)
}

// Operator is the process that leads.
func (w *World) Operator() *Operator { return w.operator }

// Wake lets an object be looked at at once.
func (w *World) Wake(key Key) { w.due[key] = w.Clock.Now() }

// wake is what watches do: an object that has changed in a way that others wait for brings them to be looked at. It stands
// for the predicates of the controllers, and wakes rather too often than too seldom.
func (w *World) wake(self Key) {
	now := w.Clock.Now()
	for _, key := range w.Keys() {
		sign := signOf(w.Object(key))
		if w.signs[key] == sign {
			continue
		}
		w.signs[key] = sign
		for _, other := range w.Keys() {
			if other != self && w.due[other].After(now) && (other.Kind != KindTenant || key.Kind == KindPolicy) {
				w.due[other] = now
			}
		}
	}
}

// signOf is what others look at in an object.
func signOf(o client.Object) string {
	head := fmt.Sprint(o.GetGeneration(), o.GetDeletionTimestamp())
	switch o := o.(type) {
	case *v1alpha1.PilotWave:
		return head + waveSign(o)
	case *v1alpha1.PasskeyPolicy:
		s := o.Status.DeepCopy()
		s.Conditions = nil
		text, err := json.Marshal(s) // not by fmt, which shows where a pointer points
		if err != nil {
			return head + err.Error()
		}
		return head + string(text)
	case *v1alpha1.Tenant:
		return head + o.Status.Reason + fmt.Sprint(o.Status.Inventory)
	}
	return head
}

// Settle lets the operator look at everything until a whole round writes nothing, at one instant. It says how many rounds
// that took, and false when limit rounds were not enough.
func (w *World) Settle(ctx context.Context, limit int) (rounds int, ok bool, err error) {
	for rounds = 1; rounds <= limit; rounds++ {
		mark := len(w.writes)
		for _, key := range w.Keys() {
			if err := w.Step(ctx, key); err != nil {
				return rounds, false, err
			}
		}
		if len(w.writes) == mark {
			return rounds, true, nil
		}
	}
	return limit, false, nil
}

// busy is how many reconciles within a minute are no work any more, but a loop.
const busy = 1000

// Run lets time pass and the operator act as it asked to, until done or until limit has passed. It says whether it was done.
func (w *World) Run(ctx context.Context, limit time.Duration, done func() bool) (bool, error) {
	end := w.Clock.Now().Add(limit)
	minute, mark := w.Clock.Now(), w.Steps
	for {
		switch {
		case w.Clock.Since(minute) > time.Minute:
			minute, mark = w.Clock.Now(), w.Steps
		case w.Steps-mark > busy:
			w.Oracle.Broke("P12", "the operator does not come to rest: %d reconciles within a minute, now of %s", busy, w.current)
			return false, nil
		}
		if done != nil && done() {
			return true, nil
		}
		key, at, some := w.Next()
		if !some || at.After(end) {
			w.Advance(max(0, end.Sub(w.Clock.Now())))
			return done != nil && done(), nil
		}
		if wait := at.Sub(w.Clock.Now()); wait > 0 {
			w.Advance(wait)
		}
		if err := w.Step(ctx, key); err != nil {
			return false, err
		}
	}
}

// Writes are all writes of all operators so far.
func (w *World) Writes() []Write { return w.writes }

func (w *World) wrote(o *Operator, write Write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, write)
	if w.options.Trace {
		w.told("  %s writes %s %s", o.Name, write, clip(write.Body))
	}
}

func (w *World) event(name, kind, reason, note string) {
	if w.options.Trace {
		w.tell("  event %s %s %s: %s", name, kind, reason, note)
	}
}

// Tell adds a line to the story.
func (w *World) Tell(format string, args ...any) { w.tell(format, args...) }

func (w *World) tell(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told(format, args...)
}

func (w *World) told(format string, args ...any) {
	if w.options.Trace {
		w.story = append(w.story, fmt.Sprintf("%9s #%d ", w.Clock.Now().Sub(Start).Round(time.Second), w.Steps)+fmt.Sprintf(format, args...))
	}
}

// Story is what happened so far, with Options.Trace.
func (w *World) Story() []string { return w.story }

func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 700 {
		s = s[:700] + "…"
	}
	return s
}

// trouble draws what becomes of a request, by what it is and how often it came in this step: the order of requests that run
// side by side does not matter.
func (w *World) trouble(r *http.Request, write *Write) Trouble {
	f := w.Faults
	if f == (Faults{}) || strings.HasSuffix(r.URL.Path, "/token") {
		return None
	}
	w.mu.Lock()
	what := r.Method + r.URL.RequestURI()
	w.asked[what]++
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, w.options.Seed, w.Steps, what, w.asked[what]) // a hash takes everything
	w.mu.Unlock()
	draw := rand.New(rand.NewPCG(h.Sum64(), 2)).Float64()
	kinds := []struct {
		share float64
		is    Trouble
	}{{f.Busy, Busy}, {f.Down, Down}, {f.Broken, Broken}, {f.Unsent, Unsent}}
	if write != nil {
		kinds = append(kinds, struct {
			share float64
			is    Trouble
		}{f.Lost, Lost})
	}
	if write != nil && strings.Contains(r.URL.Path, "/groups") {
		kinds = append(kinds, struct {
			share float64
			is    Trouble
		}{f.Groups, Lost})
	}
	if strings.Contains(r.URL.Path, "/reports/") {
		kinds = append(kinds, struct {
			share float64
			is    Trouble
		}{f.Reports, Broken})
	}
	for _, k := range kinds {
		if draw < k.share {
			w.tell("  %s %s: trouble %d", r.Method, r.URL.Path, k.is)
			return k.is
		}
		draw -= k.share
	}
	return None
}

var _ clock.PassiveClock = (*tenantsim.Clock)(nil)

func compareText(a, b string) int { return strings.Compare(a, b) }
