// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/hack/internal/lab"
)

// namespace is where the demo's objects live, policyName the policy of the samples.
const (
	namespace  = "demo"
	policyName = "edge-passkeys"
)

// world is the lab with the samples applied.
type world struct {
	*lab.Lab
	// levels are the policies that were ever seen in the tenant, by id: the revision that each carries, 0 for hold.
	levels map[string]int32
}

// apply sends config/samples, with the tenant pointed at the simulator.
func (w world) apply(ctx context.Context) error {
	for _, file := range []string{"tenant_secret", "tenant", "passkeypolicy", "wave_1_canary", "wave_2_pilot", "wave_3_early", "wave_4_broad"} {
		obj, err := w.Sample(file)
		if err != nil {
			return err
		}
		if err := w.Kube.Create(ctx, obj); err != nil {
			return fmt.Errorf("apply sample %s: %w", file, err)
		}
	}
	return nil
}

// edit changes the settings of the policy, as a commit that the GitOps tool applies.
func (w world) edit(ctx context.Context, change func(*v1alpha1.PasskeySettings)) error {
	p := &v1alpha1.PasskeyPolicy{}
	if err := w.Kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: policyName}, p); err != nil {
		return fmt.Errorf("read the policy: %w", err)
	}
	before := p.DeepCopy()
	change(&p.Spec.Settings)
	if err := w.Kube.Patch(ctx, p, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("edit spec.settings: %w", err)
	}
	return nil
}

// look reads the policy and its waves.
func (w world) look(ctx context.Context) (view, error) {
	var waves v1alpha1.PilotWaveList
	if err := w.Kube.List(ctx, &waves, client.InNamespace(namespace)); err != nil {
		return view{}, fmt.Errorf("list waves: %w", err)
	}
	v := view{now: w.Clock.Now(), waves: map[string]*v1alpha1.PilotWave{}, policy: &v1alpha1.PasskeyPolicy{}}
	if err := w.Kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: policyName}, v.policy); err != nil {
		return view{}, fmt.Errorf("read the policy: %w", err)
	}
	for i := range waves.Items {
		v.waves[waves.Items[i].Name] = &waves.Items[i]
	}
	for _, name := range order {
		if v.waves[name] == nil {
			return view{}, fmt.Errorf("wave %q is gone", name)
		}
	}
	for _, o := range v.policy.Status.Objects {
		if o.ID != "" {
			w.levels[o.ID] = o.Revision
		}
	}
	return v, nil
}

// effect asks the tenant whom each policy reaches. Time stands still meanwhile, so that it is one moment.
func (w world) effect() (effect, error) {
	speed := w.Clock.Speed()
	w.Clock.SetSpeed(0)
	defer w.Clock.SetSpeed(speed)
	out := effect{}
	for _, p := range w.Sim.Snapshot(false).Policies {
		revision, ours := w.levels[p.ID]
		if !ours {
			continue
		}
		devices, err := w.Sim.Reached(p.ID)
		if err != nil {
			return nil, fmt.Errorf("whom %s reaches: %w", p.Name, err)
		}
		for _, device := range devices {
			out[device] = append(out[device], revision)
		}
	}
	return out, nil
}
