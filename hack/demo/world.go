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

// namespace is where the demo's objects live.
const namespace = "demo"

// world is the lab with the samples applied.
type world struct{ *lab.Lab }

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

func (w world) waves(ctx context.Context) ([]v1alpha1.PilotWave, error) {
	var list v1alpha1.PilotWaveList
	if err := w.Kube.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("list waves: %w", err)
	}
	return list.Items, nil
}
