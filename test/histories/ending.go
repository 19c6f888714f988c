// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package histories

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/fastworld"
)

const (
	day = 24 * time.Hour
	// patience is how long a contented world may take to come to what is claimed: a person looks twice a day, and up to
	// four waves follow one another, each with a rollback to prove before its next attempt.
	patience = 40 * day
	// rest is how long nothing may change after that.
	rest = 3 * day
)

func assignBody(list []map[string]any) string {
	for _, a := range list {
		for key := range a {
			if key != "target" && key != "id" {
				delete(a, key)
			}
		}
	}
	if list == nil {
		list = []map[string]any{}
	}
	raw, err := json.Marshal(map[string]any{"assignments": list})
	if err != nil {
		panic(broken{err})
	}
	return string(raw)
}

// end makes everything content and judges where the world comes to.
func (s *story) end() {
	s.round = 1000
	s.content()
	switch s.ending {
	case healthy:
		s.completes()
	case bad, badNext:
		s.fallsBack()
	case silent:
		s.holds()
	}
	if s.over() {
		return
	}
	s.world.Oracle.Claims()
	s.sound()
	s.quiet()
	if !s.over() {
		s.leave()
	}
}

// content ends the faults and mends what only a person can mend.
func (s *story) content() {
	s.world.Tell("--- contentment")
	s.world.Faults, s.world.CacheLag, s.world.Slow = fastworld.Faults{}, 0, true
	s.world.Skew, s.world.Frail = 0, 0
	s.world.Operator().CutAt(0, false)
	s.must(s.world.Sim.SetScenario(s.scenario))
	s.credential()
	s.restore(s.world.Oracle.GroupID(fastworld.Everyone))
	for id, text := range s.world.Oracle.Texts() { // the marker is what tells ours
		s.try(s.world.Portal("PATCH", configurationPolicies+"/"+id, fmt.Sprintf(`{"description":%q}`, text), nil))
	}
	for _, id := range s.world.Oracle.Payloads() {
		s.unassign(id)
	}
	s.world.Advance(time.Minute) // nor does the operator see it at once
	s.apart()
	s.suspendTenant(func(bool) bool { return false })
	s.whole()
	s.policiesBack()
	s.wavesBack()
}

// restore gives a deleted group back, as long as it takes: the bin does not show at once what was put into it.
func (s *story) restore(id string) {
	gone := func() bool {
		groups := s.world.Sim.Snapshot(false).Groups
		return slices.ContainsFunc(groups, func(g tenantsim.GroupSnapshot) bool { return g.ID == id && g.Deleted })
	}
	for gone() && !s.over() {
		if err := s.world.Portal("POST", "/v1.0/directory/deletedItems/"+id+"/restore", "", nil); err != nil {
			s.try(err)
			s.world.Advance(time.Minute)
		}
	}
}

// policiesBack lets every policy go on, for the population that it began with. Who is excluded stays so.
func (s *story) policiesBack() {
	began := map[string]*v1alpha1.PasskeyPolicy{}
	for _, p := range s.policies() {
		began[p.Name] = p
	}
	s.editPolicy(func(p *v1alpha1.PasskeyPolicy) {
		q := began[p.Name].Spec.Population
		p.Spec.Population.All, p.Spec.Population.Include = q.All, q.Include
		p.Spec.Paused, p.Spec.Suspend, p.Spec.Drift = false, false, v1alpha1.DriftCorrect
	})
}

// wavesBack lets every wave go on, with the audience and the gate that it began with, after those that there still are. The
// important people stay out.
func (s *story) wavesBack() {
	for _, w := range s.world.Waves() {
		if w.DeletionTimestamp != nil {
			continue
		}
		c, audience := w.DeepCopy(), s.audiences[w.Name]
		s.edit(c, func() {
			exclude := slices.DeleteFunc(c.Spec.Audience.Groups.Exclude, func(g v1alpha1.GroupRef) bool { return g.DisplayName != vip })
			c.Spec.Paused, c.Spec.Audience, c.Spec.Gate = false, *audience.DeepCopy(), s.gate(c.Name)
			c.Spec.Audience.Groups.Exclude = exclude
			c.Spec.DependsOn = slices.DeleteFunc(c.Spec.DependsOn, func(d v1alpha1.WaveDependency) bool {
				gone := s.world.Object(fastworld.Key{Kind: fastworld.KindWave, Name: d.Name})
				return gone == nil || gone.GetDeletionTimestamp() != nil
			})
		})
	}
}

// unassign takes the rings from the assignments of an object of ours: they are never ours. It looks whether that was done, as
// long as it takes: what the portal shows is late, and every write of the list is one of the whole list.
func (s *story) unassign(id string) {
	for range 10 {
		s.world.Advance(time.Minute)
		var list struct {
			Value []map[string]any `json:"value"`
		}
		if err := s.world.Portal("GET", configurationPolicies+"/"+id+"/assignments", "", &list); err != nil {
			s.try(err) // deleted by somebody
			return
		}
		kept := slices.DeleteFunc(slices.Clone(list.Value), func(a map[string]any) bool {
			target, _ := a["target"].(map[string]any)
			return slices.ContainsFunc(rings, func(ring string) bool { return target["groupId"] == s.world.Oracle.GroupID(ring) })
		})
		if len(kept) == len(list.Value) {
			return
		}
		s.try(s.world.Portal("POST", configurationPolicies+"/"+id+"/assign", assignBody(kept), nil))
	}
	s.must(fmt.Errorf("the assignments of %s cannot be mended", id))
}

// whole waits for a policy that is being deleted, and makes it again.
func (s *story) whole() {
	deleting := func() bool {
		return slices.ContainsFunc(s.world.Policies(), func(p *v1alpha1.PasskeyPolicy) bool { return p.DeletionTimestamp != nil })
	}
	if deleting() { // its waves keep groups in the tenant, for which it waits
		for _, w := range s.world.Waves() {
			if w.DeletionTimestamp == nil {
				s.must(s.world.Kube.Delete(s.ctx, w.DeepCopy()))
			}
		}
	}
	gone, err := s.world.Run(s.ctx, 7*day, func() bool { return !deleting() || s.over() })
	s.must(err)
	if !gone {
		s.world.Oracle.Broke("P7", "a deleted policy does not go within a week: %s", s.stand())
		return
	}
	s.renewPolicies()
	if len(s.world.Waves()) == 0 {
		s.waves = 0
		s.addWave(s.random("again"))
		s.addWave(s.random("again"))
	}
}

// days lets time pass, and lets a person look twice a day, until done or patience ends.
func (s *story) days(limit time.Duration, look func(), done func() bool) bool {
	for passed := time.Duration(0); passed < limit; passed += day / 2 {
		if look != nil {
			look()
		}
		if ok, err := s.world.Run(s.ctx, day/2, func() bool { return s.over() || done != nil && done() }); err != nil || ok {
			s.must(err)
			return true
		}
	}
	return false
}

// retries asks for the next attempt of every wave that has stopped, and gives up what is lost where a wave says that a retry does.
func (s *story) retries() {
	for _, w := range s.world.Waves() {
		if w.DeletionTimestamp != nil || !stopped(w) && !lost(w) {
			continue
		}
		c := w.DeepCopy()
		if c.Status.Phase == v1alpha1.PhaseHeld && c.Spec.Gate.Coverage.MinReports > 1 { // exclusions have left too few for a proof
			s.edit(c, func() {
				c.Spec.Gate.Promote, c.Spec.Gate.Smoke, c.Spec.Gate.Coverage.MinReports = nil, &v1alpha1.SmokeTest{}, 1
			})
		}
		s.annotate(c, v1alpha1.AnnotationRetry)
	}
}

// completes: a payload that is good for ever completes, and nothing is unhealthy for ever that is healthy.
func (s *story) completes() {
	complete := func() bool {
		return !slices.ContainsFunc(s.world.Policies(), func(p *v1alpha1.PasskeyPolicy) bool { return !s.complete(p) }) &&
			!slices.ContainsFunc(s.world.Waves(), func(w *v1alpha1.PilotWave) bool { return !s.done(w) })
	}
	if !s.days(patience, s.retries, complete) {
		s.world.Oracle.Broke("ESR", "a good payload does not complete within %s: %s", patience, s.stand())
	}
	if !s.over() && !s.days(4*day, nil, nil) && !complete() {
		s.world.Oracle.Broke("ESR", "a complete rollout does not stay complete: %s", s.stand())
	}
}

// complete says that a policy says what it has to say in the end. Some devices are in no wave of the story, and some policies
// have no wave any more: those stay on hold, and the policy says so. The younger of two on one population writes nothing.
func (s *story) complete(p *v1alpha1.PasskeyPolicy) bool {
	if s.refused(p) {
		return true
	}
	c := meta.FindStatusCondition(p.Status.Conditions, v1alpha1.ConditionRolloutComplete)
	done := c != nil && (c.Status == metav1.ConditionTrue || c.Reason == v1alpha1.ReasonStillOnHold ||
		c.Reason == v1alpha1.ReasonNoWaves && len(s.wavesOf(p.Name)) == 0)
	for _, w := range s.wavesOf(p.Name) {
		if s.nobody(w) { // it waits for devices, and the policy for it
			return true
		}
	}
	return done && meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionReady)
}

// refused says that a policy gives way to an older one, and has to.
func (s *story) refused(p *v1alpha1.PasskeyPolicy) bool {
	return p.Status.Reason == v1alpha1.ReasonOtherPolicy && len(s.world.Oracle.Shared()) > 0
}

func (s *story) wavesOf(policy string) []*v1alpha1.PilotWave {
	return slices.DeleteFunc(s.world.Waves(), func(w *v1alpha1.PilotWave) bool { return w.Spec.PolicyRef.Name != policy })
}

// done says that a wave has succeeded, or has nobody to give anything to, or is behind one that has not.
func (s *story) done(w *v1alpha1.PilotWave) bool {
	p, _ := s.world.Object(fastworld.Key{Kind: fastworld.KindPolicy, Name: w.Spec.PolicyRef.Name}).(*v1alpha1.PasskeyPolicy)
	switch {
	case w.DeletionTimestamp != nil || p == nil:
		return false
	case s.refused(p) || s.nobody(w):
		return true
	case w.Status.Phase == v1alpha1.PhasePending:
		return slices.ContainsFunc(w.Spec.DependsOn, func(d v1alpha1.WaveDependency) bool {
			before, _ := s.world.Object(fastworld.Key{Kind: fastworld.KindWave, Name: d.Name}).(*v1alpha1.PilotWave)
			return before != nil && before.Status.Phase != v1alpha1.PhaseSucceeded && s.done(before)
		})
	}
	return w.Status.Phase == v1alpha1.PhaseSucceeded
}

// nobody says that a wave is held because its audience is empty, and that it is.
func (s *story) nobody(w *v1alpha1.PilotWave) bool {
	return w.Status.Phase == v1alpha1.PhaseHeld && w.Status.HeldReason == v1alpha1.ReasonAudienceEmpty &&
		(w.Spec.Audience.Slice != nil || len(s.world.Oracle.Audience(w)) == 0)
}

// fallsBack: a payload that is bad for ever ends on what was before, and stays there.
func (s *story) fallsBack() {
	s.retries()
	settled := func() bool {
		return !slices.ContainsFunc(s.world.Waves(), func(w *v1alpha1.PilotWave) bool { return !atRest(w) })
	}
	var since time.Time // one that waits may still start
	s.days(patience/2, nil, func() bool {
		switch now := s.world.Clock.Now(); {
		case !settled():
			since = time.Time{}
		case since.IsZero():
			since = now
		default:
			return now.Sub(since) > rest
		}
		return false
	})
	if s.over() {
		return
	}
	s.world.Oracle.Claims()
	for _, w := range s.world.Waves() {
		if w.DeletionTimestamp == nil && w.Status.Phase == v1alpha1.PhaseSucceeded && s.badNow() {
			s.world.Oracle.Broke("ESR", "a bad payload is promoted: wave %s: %s", w.Name, s.stand())
		}
	}
	if !settled() {
		s.world.Oracle.Broke("ESR", "a bad payload is not taken back: %s", s.stand())
	}
}

// badNow says that what the policy asks for is what fails, and that no wave has ever asked for anything else.
func (s *story) badNow() bool {
	return s.ending == bad
}

// atRest says that a wave has come to an end that only a person changes, or waits for another one that has.
func atRest(w *v1alpha1.PilotWave) bool {
	return stopped(w) || w.Status.Phase == v1alpha1.PhaseSucceeded || w.Status.Phase == v1alpha1.PhasePending
}

// holds: silence promotes nothing.
func (s *story) holds() {
	s.retries()
	s.days(20*day, nil, nil)
	for _, w := range s.world.Waves() {
		if w.Status.Phase == v1alpha1.PhaseSucceeded {
			s.world.Oracle.Broke("P4", "silence is promoted: wave %s: %s", w.Name, s.stand())
		}
	}
}

// quiet is P12: a world that has come to rest writes nothing but the age of the inventory.
func (s *story) quiet() {
	if _, ok, err := s.world.Settle(s.ctx, 25); err != nil || !ok {
		s.must(err)
		s.world.Oracle.Broke("P12", "the operator does not come to rest at one instant: %s", s.stand())
		return
	}
	if s.ending != healthy {
		return // waves still count time and reports
	}
	mark := len(s.world.Writes())
	s.days(day, nil, nil)
	for _, w := range s.world.Writes()[mark:] {
		if !strings.HasSuffix(w.Path, fastworld.KindTenant+" "+fastworld.TenantName) {
			s.world.Oracle.Broke("P12", "a complete rollout is written to: %s", w)
		}
	}
}

// sound is the other half of P14: what is healthy is not called unhealthy for ever. Faults and edits are long over, and every
// wave has come to an end or counts reports.
func (s *story) sound() {
	for _, p := range s.world.Policies() {
		if s.refused(p) {
			continue
		}
		say := func(what, kind string) {
			c := meta.FindStatusCondition(p.Status.Conditions, kind)
			if c == nil {
				c = &metav1.Condition{Type: kind}
			}
			s.world.Oracle.Broke("P14", "%s: policy %s %s=%s (%s: %s); %s", what, p.Name, c.Type, c.Status, c.Reason, c.Message, s.stand())
		}
		if !meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionApplied) {
			say("a policy is for ever not Applied", v1alpha1.ConditionApplied)
		}
		if meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionDrifted) {
			say("a policy is for ever Drifted", v1alpha1.ConditionDrifted)
		}
		if meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionReconciling) {
			say("a policy is for ever Reconciling", v1alpha1.ConditionReconciling)
		}
		stuck := slices.ContainsFunc(s.wavesOf(p.Name), func(w *v1alpha1.PilotWave) bool {
			return meta.IsStatusConditionTrue(w.Status.Conditions, v1alpha1.ConditionStalled)
		})
		if !stuck && !meta.IsStatusConditionTrue(p.Status.Conditions, v1alpha1.ConditionReady) {
			say("a policy is for ever not Ready", v1alpha1.ConditionReady)
		}
	}
}

// leave is P7: everything is deleted, with its namespace or one after the other, and nothing of ours stays behind.
func (s *story) leave() {
	r := s.random("leave")
	if r.IntN(4) == 0 {
		s.close(r)
	} else {
		s.deleteAll(r)
	}
	if s.over() {
		return
	}
	if left := s.world.Oracle.Remains(); len(left) > 0 {
		s.world.Oracle.Broke("P7", "a deletion leaves something behind: %v", left)
	}
}

// close deletes the namespace: from now on nothing can be made in it, and whatever is there is deleted in whatever order, while
// operators die at their writes.
func (s *story) close(r *rand.Rand) {
	s.world.Tell("--- the namespace is deleted")
	for _, w := range s.world.Waves() { // their ledgers go as well, in whatever order
		s.world.Oracle.Tampered(w, w.Status.Attempt)
	}
	all := s.world.Cluster.Terminate()
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	s.world.Frail = r.IntN(4)
	s.world.Operator().CutAt(s.world.Frail, true)
	for _, o := range all {
		s.remove(o)
	}
	_, err := s.world.Run(s.ctx, time.Hour, s.empty)
	s.must(err)
	s.world.Frail = 0
	s.world.Operator().CutAt(0, false)
	s.gone(7 * day)
}

func (s *story) remove(o client.Object) {
	copied, _ := o.DeepCopyObject().(client.Object)
	copied.SetResourceVersion("")
	s.must(client.IgnoreNotFound(s.world.Kube.Delete(s.ctx, copied)))
	for _, key := range s.world.Keys() {
		s.world.Wake(key)
	}
}

// empty says that there is nothing left that a reconciler looks at.
func (s *story) empty() bool { return len(s.world.Keys()) == 0 || s.over() }

// gone waits until everything is, and says whether it came to that.
func (s *story) gone(limit time.Duration) bool {
	gone, err := s.world.Run(s.ctx, limit, s.empty)
	s.must(err)
	if !gone && limit > day {
		s.world.Oracle.Broke("P7", "what was deleted does not go within a week: %s", s.stand())
	}
	return gone
}

// deleteAll deletes everything in some order, now and then with the credential first.
func (s *story) deleteAll(r *rand.Rand) {
	s.world.Tell("--- everything is deleted")
	var all []client.Object
	for _, key := range s.world.Keys() {
		all = append(all, s.world.Object(key))
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if r.IntN(3) == 0 {
		all = slices.Insert(all, 0, client.Object(s.world.Secret()))
	}
	for _, o := range all {
		s.remove(o)
		if r.IntN(3) == 0 {
			_, err := s.world.Run(s.ctx, time.Duration(r.IntN(int(time.Hour))), s.over)
			s.must(err)
		}
	}
	if !s.gone(day) {
		s.credential() // it may have gone first: a person brings it back
		s.gone(7 * day)
	}
}

// stand is where every object stands, in words.
func (s *story) stand() string {
	var out []string
	for _, p := range s.world.Policies() {
		line := "policy " + p.Status.Reason
		for _, c := range p.Status.Conditions {
			if c.Type == v1alpha1.ConditionReady || c.Type == v1alpha1.ConditionRolloutComplete || c.Type == v1alpha1.ConditionStalled {
				line += fmt.Sprintf(" %s=%s (%s: %s)", c.Type, c.Status, c.Reason, c.Message)
			}
		}
		out = append(out, line)
	}
	for _, w := range s.world.Waves() {
		out = append(out, fmt.Sprintf("wave %s %s %s attempt %d (%s: %s) deleted %t", w.Name, w.Status.Phase, w.Status.HeldReason, w.Status.Attempt, w.Status.Decision.Reason, w.Status.Decision.Message, w.DeletionTimestamp != nil))
	}
	return strings.Join(out, "; ")
}
