// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// What is judged after each reconcile, not only in the end.

// patience is how long status may say what devices do not feel: Intune hears of a membership two hours late, of an assignment
// half an hour late, and a policy compares every two hours.
const patience = 6 * time.Hour

// lag is how late Intune hears of what an operator or somebody else has written.
const lag = 150 * time.Minute

// sums is P17: the numbers of the population add up to its members.
func (o *Oracle) sums() {
	for _, p := range o.w.Policies() {
		n := p.Status.Population
		if n == nil {
			continue
		}
		sum := n.OnHold
		for _, r := range n.Revisions {
			sum += r.Count
		}
		for _, r := range n.OutOfReach {
			sum += r.Count
		}
		if sum != n.Members || n.InNoWave > n.OnHold {
			o.Broke("P17", "the numbers of the population do not add up: %s: %+v", p.Name, *n)
		}
	}
}

// looked is P14 and the causes, for an object that its reconciler has just looked at without an error.
func (o *Oracle) looked(key Key) {
	switch obj := o.w.Object(key).(type) {
	case *v1alpha1.PasskeyPolicy:
		o.causes(key, obj.Status.Conditions)
		o.policyFeels(obj)
	case *v1alpha1.PilotWave:
		o.causes(key, obj.Status.Conditions)
	}
}

// causes: nothing is Reconciling, Stalled or not Ready without a cause that a person can look up.
func (o *Oracle) causes(key Key, conditions []metav1.Condition) {
	for _, c := range conditions {
		bad := c.Status == metav1.ConditionTrue && (c.Type == v1alpha1.ConditionReconciling || c.Type == v1alpha1.ConditionStalled) ||
			c.Status != metav1.ConditionTrue && c.Type == v1alpha1.ConditionReady
		if bad && (c.Reason == "" || len(c.Message) < 10) {
			o.Broke("P14", "a condition has no cause: %s: %s=%s %s %q", key, c.Type, c.Status, c.Reason, c.Message)
		}
	}
}

// policyFeels: a policy does not go on to say Ready while a device of its population has nothing of ours, or has another
// policy's payload as well, whoever did that.
func (o *Oracle) policyFeels(p *v1alpha1.PasskeyPolicy) {
	ready := p.DeletionTimestamp == nil && p.Status.ObservedGeneration == p.Generation && meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionReady)
	inside := map[string]bool{}
	for _, device := range o.populationOf(p) {
		inside[device] = true
	}
	for _, device := range slices.Sorted(maps.Keys(o.systems)) {
		if since, long := o.lasts("bare "+p.Name+" "+device, inside[device] && len(o.now[device]) == 0); long && ready {
			o.Broke("P14", "a policy is Ready while a device has nothing: %s, %s since %s (waves %s)", p.Name, o.who(device), since.Sub(Start), o.wavesOf(device))
		}
		if since, long := o.lasts("both "+p.Name+" "+device, o.younger(p, device)); long && ready {
			o.Broke("P14", "a policy is Ready while a device has an older policy's payload as well: %s, %s has [%s] since %s",
				p.Name, o.who(device), names(o.now[device]), since.Sub(Start))
		}
	}
}

// lasts says since when something is wrong, and whether status has to know of it by now.
func (o *Oracle) lasts(what string, wrong bool) (since time.Time, long bool) {
	since, known := o.wrong[what]
	if !wrong {
		delete(o.wrong, what)
		return since, false
	}
	now := o.w.Clock.Now()
	if !known {
		o.wrong[what] = now
		return now, false
	}
	return since, now.Sub(since) > patience && now.Sub(o.written) > lag
}

// younger says that a device has payloads of a policy and of one that came before it.
func (o *Oracle) younger(p *v1alpha1.PasskeyPolicy, device string) bool {
	if !o.has(device, func(q *payload) bool { return q.policy == p.Name }) {
		return false
	}
	return o.has(device, func(q *payload) bool {
		if q.policy == p.Name {
			return false
		}
		other := o.policy(q.policy)
		return other != nil && other.CreationTimestamp.Before(&p.CreationTimestamp)
	})
}

// verb is a request of a person that an operator sees and has not acted on.
type verb struct{ name, asked string }

// unheard are the requests to abort or roll back that an operator sees in a wave before it looks at it, when its cache is up
// to date.
func (w *World) unheard(key Key) []verb {
	wave, ok := w.Object(key).(*v1alpha1.PilotWave)
	if !ok || !w.operator.current() {
		return nil
	}
	var out []verb
	for _, v := range verbsOf(wave) {
		if v.asked != "" && v.asked != v.handled {
			out = append(out, verb{v.name, v.asked})
		}
	}
	return out
}

type handledVerb struct{ name, asked, handled string }

func verbsOf(w *v1alpha1.PilotWave) []handledVerb {
	return []handledVerb{
		{"abort", w.Annotations[v1alpha1.AnnotationAbort], w.Status.HandledRequests.Abort},
		{"rollback", w.Annotations[v1alpha1.AnnotationRollback], w.Status.HandledRequests.Rollback},
	}
}

// heard is P9: what a person asked for was acted on by the reconcile that saw it. A reconcile makes one decision: of two requests
// the other one is left to the next, which comes at once.
func (o *Oracle) heard(key Key, asked []verb, err error) {
	wave, ok := o.w.Object(key).(*v1alpha1.PilotWave)
	if !ok || len(asked) == 0 || wave.DeletionTimestamp != nil { // a deletion takes back by itself, and comes first
		return
	}
	for _, was := range asked {
		for _, v := range verbsOf(wave) {
			if v.name == was.name && (v.asked != was.asked || v.handled == v.asked) {
				return
			}
		}
	}
	o.Broke("P9", "a safety verb is not acted on at once: %s of wave %s in %s (%v)", asked[0].name, wave.Name, wave.Status.Phase, err)
}

// Tampered tells that somebody deleted or changed the ledger of an attempt of a wave.
func (o *Oracle) Tampered(wave *v1alpha1.PilotWave, attempt int32) {
	uid := string(wave.UID)
	if o.tampered[uid] == nil {
		o.tampered[uid] = map[int32]bool{}
	}
	o.tampered[uid][attempt] = true
}

// unfounded says that a wave is in an attempt whose ledger somebody changed.
func (o *Oracle) unfounded(uid string) bool {
	w := o.wave(uid)
	return w != nil && o.tampered[uid][w.Status.Attempt]
}
