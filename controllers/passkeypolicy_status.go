// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/status"
)

// clusterUID is the uid of kube-system, by habit the identity of a cluster.
func clusterUID(ctx context.Context, c client.Reader) (string, error) {
	ns := &corev1.Namespace{}
	if err := c.Get(ctx, types.NamespacedName{Name: metav1.NamespaceSystem}, ns); err != nil {
		return "", fmt.Errorf("read namespace kube-system, whose uid marks this cluster's objects in the tenant: %w", err)
	}
	return string(ns.UID), nil
}

func (r *policyRun) owner() observe.Owner {
	return observe.Owner{Cluster: r.cluster, UID: string(r.before.UID)}
}

func (r *policyRun) describe(key plan.Key) string {
	part := "The payload of a staged rollout."
	if key.Role == v1alpha1.RoleHold {
		part = "Holds back devices that no wave of the rollout has admitted."
	}
	return fmt.Sprintf("%s Managed by Tidegate for PasskeyPolicy %s/%s: change it there, not here. %s", part, r.before.Namespace, r.before.Name, r.owner().Marker(key))
}

// object finds or makes the status entry of a tenant object.
func (r *policyRun) object(key plan.Key) *v1alpha1.TenantObject {
	s := &r.after.Status
	i := slices.IndexFunc(s.Objects, func(o v1alpha1.TenantObject) bool { return o.Role == key.Role && o.Platform == key.Platform })
	if i < 0 {
		s.Objects = append(s.Objects, v1alpha1.TenantObject{Role: key.Role, Platform: key.Platform})
		i = len(s.Objects) - 1
	}
	return &s.Objects[i]
}

func (r *policyRun) forgetObject(key plan.Key) {
	r.after.Status.Objects = slices.DeleteFunc(r.after.Status.Objects, func(o v1alpha1.TenantObject) bool {
		return o.Role == key.Role && o.Platform == key.Platform
	})
}

// record brings the status entries in line with what the tenant shows.
func (r *policyRun) record(want []plan.Desired, objects []observe.Object) {
	for i := range objects {
		o := &objects[i]
		rec := r.object(o.Key)
		w := slices.IndexFunc(want, func(d plan.Desired) bool { return d.Key == o.Key })
		switch {
		case o.Exists:
			rec.ID, rec.CreateSentAt = o.ID, nil
			if w >= 0 {
				rec.Name = want[w].Name
				// A match just after something else was written is a late read.
				if o.SettingsMatch && (!o.ContentFresh || rec.Hash == "") {
					rec.Hash = want[w].Hash
				}
			}
		case w < 0 && rec.CreateSentAt == nil: // gone, as it should be
			r.forgetObject(o.Key)
			continue
		case rec.ID != "":
			// Confirmed gone. The id stays, or under drift Report the next plan would take the object for one that was
			// never made, and make it.
			*rec = v1alpha1.TenantObject{Role: rec.Role, Platform: rec.Platform, Name: rec.Name, ID: rec.ID}
		}
		if !o.AssignFresh { // just after a write a late read may show what we have taken away
			rec.ForeignAssignments = foreign(o, rec, want, w)
		}
	}
	slices.SortFunc(r.after.Status.Objects, func(a, b v1alpha1.TenantObject) int {
		return cmp.Or(cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Role, b.Role))
	})
}

// foreign lists the targets on an object that this operator neither wants nor ever set.
func foreign(o *observe.Object, rec *v1alpha1.TenantObject, want []plan.Desired, w int) []string {
	include, exclude := slices.Clone(rec.IncludeGroups), slices.Clone(rec.ExcludeGroups)
	if w >= 0 {
		include, exclude = append(include, want[w].Include...), append(exclude, want[w].Exclude...)
	}
	var out []string
	for _, t := range o.Observed.Assignments {
		ours := t.Kind == plan.TargetInclude && slices.Contains(include, t.GroupID) || t.Kind == plan.TargetExclude && slices.Contains(exclude, t.GroupID)
		if !ours {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s", t.Kind, t.GroupID)))
		}
	}
	slices.Sort(out)
	return out
}

// admissions reports how far the tenant has followed each wave.
func (r *policyRun) admissions(admitted []string, seen []plan.Observed) {
	var out []v1alpha1.WaveAdmission
	for i := range r.waves {
		w := &r.waves[i]
		if w.Status.Audience == nil || w.Status.Audience.GroupID == "" {
			continue
		}
		id := w.Status.Audience.GroupID
		a := v1alpha1.WaveAdmission{
			Name: w.Name, UID: string(w.UID), GroupID: id, Since: metav1.NewTime(r.Clock.Now().UTC().Truncate(time.Second)),
			State: plan.Admission(r.after.Spec.Mode, id, slices.Contains(admitted, id), seen),
		}
		if old := admissionOf(&r.before.Status, w); old != nil && old.State == a.State && old.GroupID == a.GroupID {
			a.Since = old.Since
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b v1alpha1.WaveAdmission) int { return cmp.Compare(a.Name, b.Name) })
	r.after.Status.Waves = out
}

// dismiss tells waves that are not admitted any more that they are on their way out, where nobody looks at the tenant
// closely enough to say more: a wave that reads that it is admitted goes on exposing.
func (r *policyRun) dismiss(admitted []string) {
	for i := range r.after.Status.Waves {
		w := &r.after.Status.Waves[i]
		if !slices.Contains(admitted, w.GroupID) && (w.State == v1alpha1.Admitted || w.State == v1alpha1.Admitting) {
			w.State, w.Since = v1alpha1.Withdrawing, *r.stamp()
		}
	}
}

func admissionOf(s *v1alpha1.PasskeyPolicyStatus, w *v1alpha1.PilotWave) *v1alpha1.WaveAdmission {
	i := slices.IndexFunc(s.Waves, func(a v1alpha1.WaveAdmission) bool { return a.UID == string(w.UID) })
	if i < 0 {
		return nil
	}
	return &s.Waves[i]
}

// oldPayloadExposed says whether a wave still has devices under another payload than hash. Writing the new payload now
// would reach all of them at once, past every gate.
func (r *policyRun) oldPayloadExposed(hash string) bool {
	return slices.ContainsFunc(r.waves, func(w v1alpha1.PilotWave) bool {
		return w.Status.Audience != nil && w.Status.PayloadHash != hash
	})
}

// progress sums the waves up.
func (r *policyRun) progress() []metav1.Condition {
	s, done := &r.after.Status, 0
	s.CurrentWave = ""
	for i := range r.waves {
		w := &r.waves[i]
		switch {
		case w.Status.Phase == v1alpha1.PhaseSucceeded:
			done++
		case s.CurrentWave == "" && w.Status.Phase != v1alpha1.PhasePending && w.Status.Phase != "":
			s.CurrentWave = w.Name
		}
	}
	s.WaveProgress = fmt.Sprintf("%d/%d", done, len(r.waves))
	complete := status.Condition(v1alpha1.ConditionRolloutComplete, false, v1alpha1.ReasonRolloutInProgress, s.WaveProgress+" waves have succeeded")
	switch {
	case len(r.waves) == 0:
		complete = status.Condition(v1alpha1.ConditionRolloutComplete, false, v1alpha1.ReasonNoWaves, "no PilotWave refers to this policy")
	case done == len(r.waves):
		complete = status.Condition(v1alpha1.ConditionRolloutComplete, true, v1alpha1.ReasonRolloutComplete, s.WaveProgress+" waves have succeeded")
	}
	out := []metav1.Condition{complete}
	if r.after.Spec.Paused {
		out = append(out, status.Condition(v1alpha1.ConditionPaused, true, v1alpha1.ReasonPaused, "spec.paused stops every wave of this policy"))
	}
	return out
}

func stalledWave(waves []v1alpha1.PilotWave) (name, why string) {
	for i := range waves {
		if c := meta.FindStatusCondition(waves[i].Status.Conditions, v1alpha1.ConditionStalled); c != nil && c.Status == metav1.ConditionTrue {
			return waves[i].Name, c.Message
		}
	}
	return "", ""
}

func settingsMessage(list []v1alpha1.SettingStatus) string {
	n := map[v1alpha1.SettingVerdict]int{}
	for _, s := range list {
		n[s.Verdict]++
	}
	text := fmt.Sprintf("%d resolved", n[v1alpha1.SettingResolved])
	for _, v := range []v1alpha1.SettingVerdict{v1alpha1.SettingSubstituted, v1alpha1.SettingSkipped, v1alpha1.SettingMissing, v1alpha1.SettingUnsupported} {
		if n[v] > 0 {
			text += fmt.Sprintf(", %d %s", n[v], strings.ToLower(string(v)))
		}
	}
	return text + "; status.settings has each with its reason"
}

func drifted(list []plan.Drift) metav1.Condition {
	if len(list) == 0 {
		return status.Condition(v1alpha1.ConditionDrifted, false, v1alpha1.ReasonNoDrift, "no foreign edit was found")
	}
	parts := make([]string, len(list))
	for i, d := range list {
		parts[i] = fmt.Sprintf("%s %s: %s", d.Key.Platform, d.Key.Role, d.Detail)
	}
	return status.Condition(v1alpha1.ConditionDrifted, true, string(list[0].Kind), strings.Join(parts, "; "))
}

func merge(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}
