// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/execute"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/revision"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/settings"
	"github.com/tidegate/tidegate/internal/status"
)

const (
	quarter   = 15 * time.Minute
	memberLag = 2 * time.Minute
	objectLag = 2 * time.Minute
)

// crashPoint is a write after which the operator is killed; empty for none.
type crashPoint string

const (
	afterLedger crashPoint = "its ledger was stored"
	afterTenant crashPoint = "the tenant was written to"
)

// story is a world in memory in which the product's own code decides and acts: revisions, the situation of each wave, its
// decision, its effects on a tenant of groups, and its ledgers as they are stored. What is made up is the tenant, which follows
// assignments after plan.AssignmentLag, devices that report when the story says so, and the order of the reconciles: every
// wave once in a quarter of an hour, and again as long as something moves.
type story struct {
	t              *testing.T
	start, now     time.Time
	policy         *v1alpha1.PasskeyPolicy
	operatorTenant *v1alpha1.Tenant
	waves          []*v1alpha1.PilotWave // as they are stored
	asked          []string
	ledgers, lost  map[string]chunks // by uid of the wave
	tenant         *storyTenant
	devices        []*storyDevice
	excluded       map[audience.ID]bool
	fleet          *storyFleet
	unread         bool
	crash          crashPoint
	requests       int
	told           strings.Builder
	said           map[string]string // what was last said of each wave
}

func newStory(t *testing.T) *story {
	start := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	s := &story{t: t, start: start, now: start, ledgers: map[string]chunks{}, excluded: map[audience.ID]bool{}, said: map[string]string{}}
	s.tenant = &storyTenant{s: s, groups: map[string]*storyGroup{}}
	s.operatorTenant = &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "corp"}}
	s.policy = &v1alpha1.PasskeyPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "passkeys", UID: "passkeys"}, Spec: v1alpha1.PasskeyPolicySpec{
		TenantRef: v1alpha1.LocalRef{Name: "corp"}, Mode: v1alpha1.ModeGate, Platforms: []v1alpha1.Platform{v1alpha1.PlatformWindows},
		Prerequisites: v1alpha1.Prerequisites{Windows: "10.0.22621", Edge: "120", MaxOffline: metav1.Duration{Duration: 168 * time.Hour}},
		RevertWindow:  metav1.Duration{Duration: 720 * time.Hour},
	}}
	s.ask("A")
	return s
}

func newWave(name string) *v1alpha1.PilotWave {
	hours := func(h int) metav1.Duration { return metav1.Duration{Duration: time.Duration(h) * time.Hour} }
	return &v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: name, UID: types.UID(name)}, Spec: v1alpha1.PilotWaveSpec{
		PolicyRef: v1alpha1.LocalRef{Name: "passkeys"},
		Audience:  v1alpha1.Audience{MaxIneligiblePercent: ptr.To[int32](60)},
		Gate: v1alpha1.Gate{
			Maturity: hours(8), Deadline: hours(336), MaxTelemetryAge: hours(26), Coverage: v1alpha1.Coverage{MinReports: 5, MinPercent: 70},
			Promote: &v1alpha1.PromoteTest{FloorRate: "0.80", Confidence: "0.95", Looks: 1},
			Halt:    v1alpha1.HaltTest{ToleratedFailureRate: "0.05", Alpha: "0.05", MinFailures: 3},
		},
		PostWatch: v1alpha1.PostWatch{Duration: hours(336)},
		OnFailure: v1alpha1.OnFailure{Action: v1alpha1.FailureHold, Rollback: v1alpha1.RollbackRule{VerifyPercent: 95, Deadline: hours(168)}},
	}}
}

func (s *story) newest() *v1alpha1.PilotWave { return s.waves[len(s.waves)-1] }

// group is that of the newest wave's current attempt.
func (s *story) group() *storyGroup {
	if a := rollout.Current(&s.newest().Status); a != nil && s.tenant.groups[a.GroupID] != nil {
		return s.tenant.groups[a.GroupID]
	}
	s.t.Fatal("the newest wave has no group")
	return nil
}

func (s *story) enrol(wave string, n int) {
	for range n {
		d := &storyDevice{name: fmt.Sprintf("pc-%03d", len(s.devices)+1), wave: wave}
		d.reports = map[int32]*diagnosis.Report{}
		binary.BigEndian.PutUint64(d.id[8:], uint64(len(s.devices))+1)
		s.devices = append(s.devices, d)
	}
}

// ask is an edit of spec.settings.
func (s *story) ask(payload string) {
	s.asked = append(s.asked, payload)
	s.policy.Spec.Settings.SyncScope = payload
	s.policy.Generation++
}

// note adds a line of the story.
func (s *story) note(who, format string, args ...any) {
	since := s.now.Sub(s.start)
	fmt.Fprintf(&s.told, "d%02d %s  %s: %s\n", int(since.Hours())/24, s.now.Format("15:04"), who, fmt.Sprintf(format, args...))
}

func (s *story) advance(d time.Duration) {
	for end := s.now.Add(d); s.now.Before(end); {
		s.settle()
		s.now = s.now.Add(quarter)
	}
}

// settle lets policy and waves do what is to do at this moment.
func (s *story) settle() {
	const bound = 50
	for range bound {
		s.policyStep()
		s.feel()
		if !s.unread {
			s.read()
		}
		again := false
		for _, w := range slices.Clone(s.waves) {
			again = s.reconcile(w) || again
		}
		if !again {
			s.feel()
			return
		}
	}
	s.t.Fatalf("the waves do not come to rest:\n%s", s.told.String())
}

func objectID(revision int32) string {
	if revision == 0 {
		return "hold"
	}
	return fmt.Sprintf("r%d", revision)
}

func assigned(a v1alpha1.WaveAdmission) bool {
	return a.State == v1alpha1.Admitted || a.State == v1alpha1.Withdrawing
}

// policyStep is the policy's part: which revisions there are, and the groups that are assigned to them.
func (s *story) policyStep() {
	p := s.policy
	in := revision.InputOf(p, s.waveList(), s.now)
	pinned := func(value string) []v1alpha1.PinnedPayload {
		return []v1alpha1.PinnedPayload{{Platform: v1alpha1.PlatformWindows, GraphPlatforms: "windows10", Technologies: "mdm",
			Settings: []v1alpha1.PinnedSetting{{DefinitionID: "d", Kind: string(settings.InstanceString), Value: value}}}}
	}
	asked := pinned(p.Spec.Settings.SyncScope)
	in.Resolution = &settings.Resolution{Pinned: asked, Hash: settings.HashPinned(asked), Baseline: pinned("off")}
	in.Devices = map[int32]int32{}
	for _, r := range p.Status.Revisions {
		in.Devices[r.Number] = 0
	}
	for _, d := range s.devices {
		in.Devices[d.has]++
	}
	before := revision.Text(p.Status.Revisions)
	decided := revision.Next(in)
	status.Revised(p, &decided)
	if now := revision.Text(p.Status.Revisions); now != before {
		s.note("policy", "revisions %s", now)
	}
	p.Status.Objects = nil
	for _, r := range p.Status.Revisions {
		role := v1alpha1.RoleAllow
		if r.Number == 0 {
			role = v1alpha1.RoleHold
		}
		p.Status.Objects = append(p.Status.Objects, v1alpha1.TenantObject{Role: role, Revision: r.Number, ID: objectID(r.Number)})
	}
	p.Status.ObservedGeneration = p.Generation
	p.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionSettingsResolved, Status: metav1.ConditionTrue},
		{Type: v1alpha1.ConditionApplied, Status: metav1.ConditionTrue, ObservedGeneration: p.Generation},
	}
	if !s.operatorTenant.Spec.Suspend {
		s.admit()
	}
}

// admit lets Intune follow the decision on every group.
func (s *story) admit() {
	p := s.policy
	var next []v1alpha1.WaveAdmission
	for _, g := range plan.WaveGroups(p, s.waveList(), p.Status.Revisions, s.now) {
		a := v1alpha1.WaveAdmission{Name: g.Wave, UID: g.UID, Attempt: g.Attempt, Revision: g.Revision, GroupID: g.ID}
		if i := slices.IndexFunc(p.Status.Waves, func(a v1alpha1.WaveAdmission) bool { return a.GroupID == g.ID }); i >= 0 {
			a = p.Status.Waves[i]
		}
		from, acted := a.State, s.now.Sub(a.Since.Time) >= plan.AssignmentLag
		switch {
		case g.Admit && (from == v1alpha1.Admitted || from == v1alpha1.Admitting && acted):
			a.State = v1alpha1.Admitted
		case g.Admit:
			a.State = v1alpha1.Admitting
		case from == "", from == v1alpha1.Withdrawn && !g.Listed:
			continue
		case from == v1alpha1.Withdrawn, from == v1alpha1.Withdrawing && acted:
			a.State = v1alpha1.Withdrawn
		default:
			a.State = v1alpha1.Withdrawing
		}
		if a.State != from {
			a.Since = metav1.NewTime(s.now)
			s.note("policy", "group %s is %s", g.ID, map[v1alpha1.AdmissionState]string{
				v1alpha1.Admitting: "assigned " + objectID(g.Revision), v1alpha1.Admitted: "known to devices as one of " + objectID(g.Revision),
				v1alpha1.Withdrawing: "taken out of " + objectID(g.Revision), v1alpha1.Withdrawn: "let go by devices",
			}[a.State])
		}
		next = append(next, a)
	}
	p.Status.Waves = next
}

func (s *story) waveList() []v1alpha1.PilotWave {
	var out []v1alpha1.PilotWave
	for _, w := range s.waves {
		out = append(out, *w.DeepCopy())
	}
	return out
}

// observe is the world of one wave, as internal/observe reads it.
func (s *story) observe(w *v1alpha1.PilotWave) rollout.World {
	world := s.cluster(w)
	world.Ledger = s.load(w, w.Status.Attempt)
	world.Earlier = map[int32]audience.Reading{}
	for attempt := range s.ledgers[string(w.UID)] {
		world.Earlier[attempt] = s.load(w, attempt)
	}
	if s.fleet != nil {
		world.Fleet = s.fleet
	}
	if s.operatorTenant.Spec.Suspend {
		return world
	}
	world.Connected, world.Excluded = true, s.excluded
	if g := s.tenant.groups[world.GroupID()]; g != nil {
		world.Members = g.shown(s.now)
	} else if world.GroupID() != "" && world.GroupShows() {
		world.GroupGone = true
		return world
	}
	if world.Growing() || world.Resolving() {
		world.Candidates = s.candidates(w)
	}
	return world
}

// cluster is what is known without tenant and ledgers.
func (s *story) cluster(w *v1alpha1.PilotWave) rollout.World {
	return rollout.World{
		Now: s.now, Wave: w, Policy: s.policy, Tenant: s.operatorTenant, Siblings: s.waveList(),
		MemberLag: memberLag, ObjectLag: objectLag, AssignmentLag: plan.AssignmentLag,
	}
}

func (s *story) candidates(w *v1alpha1.PilotWave) *audience.Candidates {
	c := &audience.Candidates{}
	for _, d := range s.devices {
		if d.wave == w.Name && !s.excluded[d.id] {
			c.Targeted = append(c.Targeted, d.id)
		}
	}
	c.Eligible = c.Targeted
	return c
}

// reconcile takes one wave one step, in the order of its controller, and says whether another should follow at once.
func (s *story) reconcile(w *v1alpha1.PilotWave) (again bool) {
	defer func() {
		if at := recover(); at != nil {
			if at != s.crash {
				panic(at)
			}
			s.note("operator", "is killed after %s", s.crash)
			s.crash, again = "", true
		}
	}()
	r := &storyRun{story: s, stored: w}
	world := s.cluster(w)
	if d, decided := rollout.DecideSafety(world.Safety()); decided {
		if d.Effect == rollout.EffectRelease {
			return r.release()
		}
		after := w.DeepCopy()
		rollout.Advance(after, d, world.Target(), s.now)
		return r.store(after, d, execute.WaveStep{})
	}
	world = s.observe(w)
	if learned := world.Learned(); learned != nil {
		if err := r.Save(context.Background(), learned); err != nil {
			s.t.Fatal(err)
		}
		world = s.observe(w)
	}
	in, measured, err := world.Situation()
	if err != nil {
		s.t.Fatal(err)
	}
	after := w.DeepCopy()
	measured.Record(&after.Status)
	d := rollout.Decide(in)
	rollout.Advance(after, d, world.Target(), s.now)
	r.after = after
	step := r.effects(world).Do(context.Background(), d, &after.Status)
	step.Record(&after.Status, s.now)
	return r.store(after, d, step)
}
