// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package histories

import (
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/fastworld"
)

// actor is somebody or something that acts now and then.
type actor struct {
	name string
	// share of the histories in which it takes part, and its chance to act in a round.
	share, chance float64
	act           func(*story, *rand.Rand)
}

// allActors is everybody. A new one goes to the end, or every seed tells another story.
var allActors = []actor{
	{"payload", 0.6, 0.15, (*story).payload},
	{"pause", 0.5, 0.2, (*story).pause},
	{"suspend", 0.3, 0.12, (*story).suspend},
	{"abort", 0.2, 0.08, (*story).abort},
	{"rollback", 0.35, 0.12, (*story).rollback},
	{"retry", 0.6, 0.3, (*story).retry},
	{"exclude", 0.3, 0.1, (*story).exclude},
	{"wave", 0.3, 0.12, (*story).wave},
	{"policy", 0.1, 0.05, (*story).policy},
	{"faults", 0.6, 0.4, (*story).faults},
	{"devices", 0.2, 0.15, (*story).devices},
	{"crash", 0.7, 0.5, (*story).crash},
	{"leader", 0.4, 0.25, (*story).leader},
	{"cache", 0.5, 0.4, (*story).cache},
	{"downtime", 0.15, 0.06, (*story).downtime},
	{"assignments", 0.15, 0.15, (*story).assignments},
	{"texts", 0.15, 0.15, (*story).texts},
	{"members", 0.15, 0.15, (*story).members},
	{"objects", 0.12, 0.1, (*story).objects},
	{"groups", 0.12, 0.1, (*story).groups},
	{"population", 0.06, 0.1, (*story).population},
	{"populace", 0.2, 0.12, (*story).populace},
	{"joiners", 0.35, 0.3, (*story).joiners},
	{"audience", 0.2, 0.15, (*story).audience},
	{"gate", 0.25, 0.15, (*story).regate},
	{"catalog", 0.2, 0.12, (*story).newerDefinition},
	{"ledger", 0.1, 0.12, (*story).ledger},
	{"clock", 0.12, 0.2, (*story).clockStep},
	{"frail", 0.12, 0.25, (*story).frail},
	{"lostgroups", 0.15, 0.3, (*story).lostGroups},
	{"window", 0.1, 0.1, (*story).window},
	{"drift", 0.08, 0.1, (*story).drift},
	{"secret", 0.06, 0.1, (*story).secret},
	{"update", 0.2, 0.2, (*story).update},
}

// edit changes an object as a person does; what admission refuses is left alone.
func (s *story) edit(obj client.Object, change func()) {
	s.must(s.world.Kube.Get(s.ctx, client.ObjectKeyFromObject(obj), obj))
	change()
	if err := s.world.Kube.Update(s.ctx, obj); apierrors.IsInvalid(err) {
		s.world.Tell("refused: %v", err)
	} else {
		s.must(err)
	}
	s.world.Wake(fastworld.Key{Kind: kindOf(obj), Name: obj.GetName()})
}

func kindOf(obj client.Object) string {
	switch obj.(type) {
	case *v1alpha1.Tenant:
		return fastworld.KindTenant
	case *v1alpha1.PasskeyPolicy:
		return fastworld.KindPolicy
	}
	return fastworld.KindWave
}

func (s *story) editPolicy(change func(*v1alpha1.PasskeyPolicy)) {
	for _, p := range s.world.Policies() {
		if p.DeletionTimestamp == nil {
			c := p.DeepCopy()
			s.edit(c, func() { change(c) })
		}
	}
}

// oneWave is a wave that is not being deleted; nil when there is none.
func (s *story) oneWave(r *rand.Rand) *v1alpha1.PilotWave {
	var all []*v1alpha1.PilotWave
	for _, w := range s.world.Waves() {
		if w.DeletionTimestamp == nil {
			all = append(all, w)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[r.IntN(len(all))].DeepCopy()
}

func (s *story) annotate(w *v1alpha1.PilotWave, key string) {
	s.edit(w, func() {
		if w.Annotations == nil {
			w.Annotations = map[string]string{}
		}
		w.Annotations[key] = s.world.Clock.Now().Format(time.RFC3339Nano)
		s.world.Tell("%s on %s", key, w.Name)
	})
}

// payloads that a policy may ask for.
var payloads = []v1alpha1.PasskeySettings{
	{PasskeyCreation: v1alpha1.Enabled},
	{PasskeyCreation: v1alpha1.Enabled, BackupStorageLocation: "AzureAD"},
	{PasskeyCreation: v1alpha1.Enabled, SyncScope: "EnterpriseManaged"},
	{PasskeyCreation: v1alpha1.Enabled, BackupStorageLocation: "AzureAD", SyncScope: "EnterpriseManaged"},
}

// payload asks for another payload: a new one, or one of before, which is a revert.
func (s *story) payload(r *rand.Rand) {
	if s.scene.mac { // its catalog has one setting
		s.newerDefinition(r)
		return
	}
	next := r.IntN(len(payloads))
	if next == s.asks[len(s.asks)-1] {
		return
	}
	if slices.Contains(s.asks, next) {
		s.world.Oracle.Reverted(fastworld.PolicyName)
		s.world.Oracle.Reverted(second)
	}
	s.asks = append(s.asks, next)
	s.editPolicy(func(p *v1alpha1.PasskeyPolicy) {
		s.world.Tell("the policy asks for payload %d", next)
		p.Spec.Settings = payloads[next]
	})
}

func (s *story) pause(r *rand.Rand) {
	if r.IntN(3) == 0 {
		s.editPolicy(func(p *v1alpha1.PasskeyPolicy) {
			p.Spec.Paused = !p.Spec.Paused
			s.world.Tell("policy paused %t", p.Spec.Paused)
		})
		return
	}
	if w := s.oneWave(r); w != nil {
		s.edit(w, func() {
			w.Spec.Paused = !w.Spec.Paused
			s.world.Tell("wave %s paused %t", w.Name, w.Spec.Paused)
		})
	}
}

func (s *story) suspend(r *rand.Rand) {
	if r.IntN(2) == 0 {
		s.editPolicy(func(p *v1alpha1.PasskeyPolicy) {
			p.Spec.Suspend = !p.Spec.Suspend
			s.world.Tell("policy suspended %t", p.Spec.Suspend)
		})
		return
	}
	s.suspendTenant(func(was bool) bool { return !was })
}

func (s *story) suspendTenant(to func(bool) bool) {
	t := &v1alpha1.Tenant{}
	t.Namespace, t.Name = fastworld.Namespace, fastworld.TenantName
	s.edit(t, func() {
		t.Spec.Suspend = to(t.Spec.Suspend)
		s.world.Tell("tenant suspended %t", t.Spec.Suspend)
	})
}

func (s *story) abort(r *rand.Rand) {
	if w := s.oneWave(r); w != nil {
		s.annotate(w, v1alpha1.AnnotationAbort)
	}
}

func (s *story) rollback(r *rand.Rand) {
	if w := s.oneWave(r); w != nil {
		s.annotate(w, v1alpha1.AnnotationRollback)
	}
}

func (s *story) retry(r *rand.Rand) {
	if w := s.oneWave(r); w != nil && (stopped(w) || lost(w)) {
		s.annotate(w, v1alpha1.AnnotationRetry)
	}
}

func stopped(w *v1alpha1.PilotWave) bool {
	return slices.Contains([]v1alpha1.WavePhase{v1alpha1.PhaseHeld, v1alpha1.PhaseHalted, v1alpha1.PhaseAborted, v1alpha1.PhaseRolledBack, v1alpha1.PhaseRollbackIncomplete}, w.Status.Phase)
}

// lost says that a wave has lost its ledger or its group, or regressed after its promotion, which only another attempt makes good.
func lost(w *v1alpha1.PilotWave) bool {
	c := meta.FindStatusCondition(w.Status.Conditions, v1alpha1.ConditionStalled)
	return c != nil && c.Status == metav1.ConditionTrue &&
		slices.Contains([]string{v1alpha1.ReasonLedgerLost, v1alpha1.ReasonLedgerAltered, v1alpha1.ReasonGroupLost, v1alpha1.ReasonLateRegression}, c.Reason)
}

// exclude adds the group of important people to what a wave or the policy leaves out.
func (s *story) exclude(r *rand.Rand) {
	ref := v1alpha1.GroupRef{DisplayName: vip}
	if r.IntN(2) == 0 {
		s.editPolicy(func(p *v1alpha1.PasskeyPolicy) {
			if len(p.Spec.Population.Exclude) == 0 {
				p.Spec.Population.Exclude = []v1alpha1.GroupRef{ref}
				s.world.Tell("the policy excludes %s", vip)
			}
		})
	} else if w := s.oneWave(r); w != nil && len(w.Spec.Audience.Groups.Exclude) == 0 {
		s.edit(w, func() {
			w.Spec.Audience.Groups.Exclude = []v1alpha1.GroupRef{ref}
			s.world.Tell("wave %s excludes %s", w.Name, vip)
		})
	}
	s.world.Oracle.Excluded(s.world.Oracle.Members(vip)...)
}

// wave adds a wave, or deletes one.
func (s *story) wave(r *rand.Rand) {
	if s.waves < len(rings) && r.IntN(2) == 0 {
		s.addWave(r)
		return
	}
	if w := s.oneWave(r); w != nil && len(s.world.Waves()) > 1 {
		s.world.Tell("wave %s is deleted", w.Name)
		s.must(s.world.Kube.Delete(s.ctx, w))
		s.world.Wake(fastworld.Key{Kind: fastworld.KindWave, Name: w.Name})
	}
}

// policy deletes a policy, or makes those again that are gone.
func (s *story) policy(r *rand.Rand) {
	list := s.world.Policies()
	if len(list) < len(s.policies()) {
		s.renewPolicies()
		return
	}
	if p := list[r.IntN(len(list))]; p.DeletionTimestamp == nil {
		s.world.Tell("policy %s is deleted", p.Name)
		s.must(s.world.Kube.Delete(s.ctx, p.DeepCopy()))
		s.world.Wake(fastworld.Key{Kind: fastworld.KindPolicy, Name: p.Name})
	}
}

func (s *story) renewPolicies() {
	for _, p := range s.policies() {
		if s.world.Object(fastworld.Key{Kind: fastworld.KindPolicy, Name: p.Name}) == nil {
			s.world.Tell("policy %s is made again", p.Name)
			s.must(s.world.Apply(s.ctx, p))
		}
	}
}

// faults of the service, or their end.
func (s *story) faults(r *rand.Rand) {
	if r.IntN(2) == 0 {
		s.world.Faults = fastworld.Faults{}
		return
	}
	share := func() float64 { return float64(r.IntN(3)) * 0.04 }
	s.world.Faults = fastworld.Faults{Busy: share(), Down: share(), Broken: share(), Unsent: share(), Lost: share() * 2}
	if r.IntN(4) == 0 {
		s.world.Faults.Reports = 0.5
	}
	s.world.Tell("faults %+v", s.world.Faults)
}

// devices go offline in part, or come back.
func (s *story) devices(r *rand.Rand) {
	s.offline = float64(r.IntN(3)) * 30
	s.world.Tell("%v%% of the devices are offline", s.offline)
	s.behave()
}

// update is one of the browser that breaks every device which has the payload, promoted or not, and later one that mends it.
func (s *story) update(*rand.Rand) {
	if s.ending != healthy {
		return
	}
	s.breaks = !s.breaks
	s.world.Tell("devices fail on the payload: %t", s.breaks)
	s.behave()
}

// behave lets the devices do what they do now.
func (s *story) behave() {
	sc := s.scenario
	sc.OfflinePercent = s.offline
	if s.breaks {
		for _, value := range []string{"_1", "_true"} {
			sc.Rules = append(slices.Clone(sc.Rules), tenantsim.Rule{
				Name: "update " + value, DevicesPercent: 100, Definition: "passkeysenabled", Value: value, Outcome: tenantsim.OutcomeError})
		}
	}
	s.must(s.world.Sim.SetScenario(sc))
}

func (s *story) crash(r *rand.Rand) {
	n, after := 1+r.IntN(8), r.IntN(2) == 0
	s.world.Operator().CutAt(n, after)
	s.world.Tell("the operator will die at write %d (after it: %t)", n, after)
}

func (s *story) leader(r *rand.Rand) {
	late := map[string]int64{}
	for _, kind := range []string{fastworld.KindTenant, fastworld.KindPolicy, fastworld.KindWave} {
		late[kind] = int64(r.IntN(6))
	}
	s.world.Replace(func(kind string) int64 { return late[kind] })
}

func (s *story) cache(r *rand.Rand) { s.world.CacheLag = []float64{0, 0.3, 0.7}[r.IntN(3)] }

// downtime is a week, or a day, without an operator.
func (s *story) downtime(r *rand.Rand) {
	span := []time.Duration{24 * time.Hour, 7 * 24 * time.Hour}[r.IntN(2)]
	s.world.Tell("nobody is there for %s", span)
	s.world.Advance(span)
	s.world.Replace(nil)
}

var errNothing = errors.New("there is nothing to change")

// try lets somebody in the tenant do something; what the tenant refuses is left alone.
func (s *story) try(err error) {
	if err != nil {
		s.world.Tell("not done: %v", err)
	}
}

func pick(r *rand.Rand, from []string) (string, error) {
	if len(from) == 0 {
		return "", errNothing
	}
	return from[r.IntN(len(from))], nil
}

const configurationPolicies = "/beta/deviceManagement/configurationPolicies"

// assignments of one of our objects are emptied, lose one, or get a group of somebody else.
func (s *story) assignments(r *rand.Rand) {
	id, err := pick(r, s.world.Oracle.Payloads())
	if err != nil {
		return
	}
	s.world.Oracle.Foreign(id)
	var list struct {
		Value []map[string]any `json:"value"`
	}
	s.try(s.world.Portal("GET", configurationPolicies+"/"+id+"/assignments", "", &list))
	kind, group := "groupAssignmentTarget", s.world.Oracle.GroupID(rings[r.IntN(len(rings))])
	switch r.IntN(4) {
	case 0:
		list.Value = nil
	case 1:
		kind = "exclusionGroupAssignmentTarget"
		fallthrough
	case 2:
		list.Value = append(list.Value, map[string]any{"target": map[string]any{"@odata.type": "#microsoft.graph." + kind, "groupId": group}})
	default:
		if len(list.Value) > 0 {
			i := r.IntN(len(list.Value))
			list.Value = slices.Delete(list.Value, i, i+1)
		}
	}
	s.try(s.world.Portal("POST", configurationPolicies+"/"+id+"/assign", assignBody(list.Value), nil))
}

// texts of one of our objects are written anew.
func (s *story) texts(r *rand.Rand) {
	id, err := pick(r, s.world.Oracle.Payloads())
	if err != nil {
		return
	}
	body := []string{`{"name":"Somebody else's"}`, `{"description":"Do not touch"}`, `{"name":"x","description":""}`}[r.IntN(3)]
	s.try(s.world.Portal("PATCH", configurationPolicies+"/"+id, body, nil))
}

// members of a managed group are added or removed.
func (s *story) members(r *rand.Rand) {
	id, err := pick(r, s.world.Oracle.Groups())
	if err != nil {
		return
	}
	device, err := pick(r, s.world.Oracle.Members(append([]string{fastworld.Everyone}, rings...)[r.IntN(5)]))
	if err != nil {
		return
	}
	s.world.Oracle.Foreign(device)
	if r.IntN(2) == 0 {
		s.try(s.world.Portal("POST", "/v1.0/groups/"+id+"/members/$ref", memberRef(device), nil))
		return
	}
	s.try(s.world.Portal("DELETE", "/v1.0/groups/"+id+"/members/"+device+"/$ref", "", nil))
}

// objects of ours are deleted.
func (s *story) objects(r *rand.Rand) {
	id, err := pick(r, s.world.Oracle.Payloads())
	if err != nil {
		return
	}
	s.world.Oracle.Foreign(id)
	s.try(s.world.Portal("DELETE", configurationPolicies+"/"+id, "", nil))
}

// groups that are managed are deleted, restored or purged.
func (s *story) groups(r *rand.Rand) {
	id, err := pick(r, s.world.Oracle.Groups())
	if err != nil {
		return
	}
	s.world.Oracle.ForeignGroup(id)
	switch r.IntN(4) {
	case 0:
		s.try(s.world.Portal("POST", "/v1.0/directory/deletedItems/"+id+"/restore", "", nil))
	case 1:
		s.try(s.world.Portal("DELETE", "/v1.0/directory/deletedItems/"+id, "", nil))
	default:
		s.try(s.world.Portal("DELETE", "/v1.0/groups/"+id, "", nil))
	}
}

// population deletes the population's group, or restores it.
func (s *story) population(r *rand.Rand) {
	id := s.world.Oracle.GroupID(fastworld.Everyone)
	if r.IntN(2) == 0 {
		s.try(s.world.Portal("POST", "/v1.0/directory/deletedItems/"+id+"/restore", "", nil))
		return
	}
	s.try(s.world.Portal("DELETE", "/v1.0/groups/"+id, "", nil))
}
