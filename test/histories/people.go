// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package histories

import (
	"fmt"
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit/fastworld"
)

// What people do to audiences, populations and gates, in the cluster and in the tenant.

// populace edits the population of a lone policy: another include, everyone, an exclusion or none.
func (s *story) populace(r *rand.Rand) {
	if s.scene.second != "" {
		return // how the two stand to each other is what is looked at there
	}
	s.editPolicy(func(p *v1alpha1.PasskeyPolicy) {
		q := p.Spec.Population
		switch r.IntN(5) {
		case 0:
			q.All, q.Include = true, nil
		case 1:
			q.All, q.Include = false, refs(rings...)
		case 2:
			q.Exclude = refs(vip)
			s.world.Oracle.Excluded(s.world.Oracle.Members(vip)...)
		case 3:
			q.Exclude = nil
		default:
			q.All, q.Include = false, refs(fastworld.Everyone)
		}
		s.world.Tell("population of %s: all %t, include %v, exclude %v", p.Name, q.All, q.Include, q.Exclude)
	})
}

// joiners come into a group of people's own, or leave it.
func (s *story) joiners(r *rand.Rand) {
	group := append([]string{vip, fastworld.Everyone}, rings...)[r.IntN(2+len(rings))]
	id := s.world.Oracle.GroupID(group)
	if r.IntN(3) > 0 {
		who, err := pick(r, s.pool())
		if err != nil {
			return
		}
		if err := s.world.Portal("POST", "/v1.0/groups/"+id+"/members/$ref", memberRef(who), nil); err != nil {
			s.try(err)
			return
		}
		s.world.Tell("%.8s joins %s", who, group)
		s.world.Oracle.Joined(group, who)
		if group == vip {
			s.world.Oracle.Excluded(who)
		}
		return
	}
	if who, err := pick(r, s.world.Oracle.Members(group)); err == nil {
		s.takeOut(group, who)
	}
}

// takeOut takes a member out of a group of people's own.
func (s *story) takeOut(group, who string) {
	if err := s.world.Portal("DELETE", "/v1.0/groups/"+s.world.Oracle.GroupID(group)+"/members/"+who+"/$ref", "", nil); err != nil {
		s.try(err)
		return
	}
	s.world.Tell("%.8s leaves %s", who, group)
	s.world.Oracle.Left(group, who)
}

// apart takes out of the rings who joined them, where each policy has rings of its own: two on one device are a conflict that
// only people end.
func (s *story) apart() {
	if s.scene.second != disjoint {
		return
	}
	for _, ring := range rings {
		for _, who := range s.world.Oracle.Joiners(ring) {
			s.takeOut(ring, who)
		}
	}
}

// memberRef is the body that adds a member to a group.
func memberRef(id string) string {
	return fmt.Sprintf(`{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/%s"}`, id)
}

// audience edits whom a wave is for, also while its attempt runs.
func (s *story) audience(r *rand.Rand) {
	w := s.oneWave(r)
	if w == nil {
		return
	}
	s.edit(w, func() {
		a := &w.Spec.Audience
		switch r.IntN(4) {
		case 0:
			a.Groups.Include = append(a.Groups.Include, refs(rings[r.IntN(len(rings))])...)
		case 1:
			a.Slice = &v1alpha1.Slice{Percent: ptr.To(int32(25 + r.IntN(75)))}
		case 2:
			a.Membership = []v1alpha1.Membership{v1alpha1.MembershipFrozen, v1alpha1.MembershipGrowing}[r.IntN(2)]
		default:
			a.Groups.Exclude = refs(rings[r.IntN(len(rings))])
			s.world.Oracle.Excluded(s.world.Oracle.Members(a.Groups.Exclude[0].DisplayName)...)
		}
		s.world.Tell("audience of wave %s: %+v", w.Name, *a)
	})
}

// regate edits the gate of a wave, also while its attempt runs: stricter or looser.
func (s *story) regate(r *rand.Rand) {
	w := s.oneWave(r)
	if w == nil {
		return
	}
	s.edit(w, func() {
		g := &w.Spec.Gate
		switch r.IntN(4) {
		case 0:
			g.Promote, g.Smoke = &v1alpha1.PromoteTest{FloorRate: "0.90", Confidence: "0.95"}, nil
		case 1:
			g.Promote, g.Smoke = nil, &v1alpha1.SmokeTest{MaxFailures: int32(r.IntN(3))}
		case 2:
			g.Bake = metav1.Duration{Duration: time.Duration(r.IntN(72)) * time.Hour}
		default:
			g.Coverage = v1alpha1.Coverage{MinPercent: int32(50 + r.IntN(50)), MinReports: int32(1 + r.IntN(8))}
		}
		s.world.Tell("gate of wave %s: %+v", w.Name, *g)
	})
}

// newerDefinition lets the catalog have a newer definition of the setting, or a person take it.
func (s *story) newerDefinition(r *rand.Rand) {
	if r.IntN(2) == 0 && s.generation < 3 {
		s.generation++
		_, err := s.world.Sim.AddGeneration("PasswordManagerPasskeysEnabled", fmt.Sprintf("v%d", 150+s.generation))
		s.try(err)
		s.world.Tell("the catalog has generation v%d", 150+s.generation)
		return
	}
	s.editPolicy(func(p *v1alpha1.PasskeyPolicy) {
		if p.Annotations == nil {
			p.Annotations = map[string]string{}
		}
		p.Annotations[v1alpha1.AnnotationTake] = s.world.Clock.Now().Format(time.RFC3339Nano)
		s.world.Tell("policy %s takes the newest definitions", p.Name)
	})
}

// window edits how long an earlier revision is kept, or where the next one begins.
func (s *story) window(r *rand.Rand) {
	s.editPolicy(func(p *v1alpha1.PasskeyPolicy) {
		if r.IntN(3) == 0 {
			p.Spec.RestartFrom = []v1alpha1.RestartFrom{v1alpha1.RestartFirstWave, v1alpha1.RestartEarliestIncomplete}[r.IntN(2)]
			s.world.Tell("restartFrom %s", p.Spec.RestartFrom)
			return
		}
		p.Spec.RevertWindow = metav1.Duration{Duration: []time.Duration{0, time.Hour, 48 * time.Hour, 720 * time.Hour}[r.IntN(4)]}
		s.world.Tell("revertWindow %s", p.Spec.RevertWindow.Duration)
	})
}

func (s *story) drift(r *rand.Rand) {
	s.editPolicy(func(p *v1alpha1.PasskeyPolicy) {
		p.Spec.Drift = []v1alpha1.DriftAction{v1alpha1.DriftCorrect, v1alpha1.DriftReport}[r.IntN(2)]
		s.world.Tell("drift %s", p.Spec.Drift)
	})
}

// secret takes the credential away, or brings it back.
func (s *story) secret(*rand.Rand) {
	if err := s.world.Kube.Delete(s.ctx, s.world.Secret()); apierrors.IsNotFound(err) {
		s.credential()
	} else {
		s.must(err)
		s.world.Tell("the secret is deleted")
	}
	s.world.Wake(fastworld.Key{Kind: fastworld.KindTenant, Name: fastworld.TenantName})
}

// credential makes sure that there is one.
func (s *story) credential() {
	if err := s.world.Kube.Create(s.ctx, s.world.Secret()); !apierrors.IsAlreadyExists(err) {
		s.must(err)
		s.world.Tell("the secret is back")
	}
}
