// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;update;patch;delete

// Labels of the ConfigMaps that hold a wave's ledger: its frozen membership and when each device was exposed. The ledger
// is written before the tenant is, so that a decision can be replayed after a crash (P10).
const (
	LabelLedger  = "tidegate.dev/ledger"
	labelWaveUID = "tidegate.dev/wave-uid"
	labelChunk   = "tidegate.dev/ledger-chunk"
	ledgerKey    = "ledger"
)

// loadLedger reads a wave's ledger; nil when it has none. A ledger that is incomplete is none as long as the status knows
// no audience: a crash ended the first write of an attempt, nothing of it was exposed, and the audience is resolved again.
// With an audience it is an error, for devices may be exposed of which nobody knows (P4).
func (k *Kit) loadLedger(ctx context.Context, w *v1alpha1.PilotWave) (*audience.Ledger, error) {
	maps, err := k.ledgerMaps(ctx, w)
	if err != nil || len(maps) == 0 {
		return nil, err
	}
	chunks := make([][]byte, len(maps))
	for i := range maps {
		chunks[i] = maps[i].BinaryData[ledgerKey]
	}
	l, err := audience.Decode(chunks)
	if errors.Is(err, audience.ErrIncomplete) && w.Status.Audience == nil {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the ledger of wave %q in ConfigMaps labelled %s=%s: %w", w.Name, labelWaveUID, w.UID, err)
	}
	return &l, nil
}

// saveLedger writes the chunks that differ and removes those that are left over.
func (k *Kit) saveLedger(ctx context.Context, w *v1alpha1.PilotWave, l audience.Ledger) error {
	chunks, err := audience.Encode(l)
	if err != nil {
		return fmt.Errorf("encode the ledger of wave %q: %w", w.Name, err)
	}
	maps, err := k.ledgerMaps(ctx, w)
	if err != nil {
		return err
	}
	for i, chunk := range chunks {
		at := slices.IndexFunc(maps, func(m corev1.ConfigMap) bool { return chunkIndex(&m) == i })
		if at < 0 {
			err = k.createChunk(ctx, w, i, chunk)
		} else if !bytes.Equal(maps[at].BinaryData[ledgerKey], chunk) {
			m := maps[at].DeepCopy()
			m.BinaryData = map[string][]byte{ledgerKey: chunk}
			err = k.Client.Update(ctx, m)
		}
		if err != nil {
			return fmt.Errorf("write the ledger of wave %q: %w", w.Name, err)
		}
	}
	for i := range maps {
		if at := chunkIndex(&maps[i]); at >= 0 && at < len(chunks) {
			continue
		}
		if err := client.IgnoreNotFound(k.Client.Delete(ctx, &maps[i])); err != nil {
			return fmt.Errorf("trim the ledger of wave %q: %w", w.Name, err)
		}
	}
	return nil
}

func (k *Kit) createChunk(ctx context.Context, w *v1alpha1.PilotWave, i int, chunk []byte) error {
	m := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.Namespace, Name: fmt.Sprintf("tidegate-ledger-%s-%d", w.UID, i),
			Labels: map[string]string{LabelLedger: "true", labelWaveUID: string(w.UID), labelChunk: strconv.Itoa(i)},
		},
		BinaryData: map[string][]byte{ledgerKey: chunk},
	}
	if err := controllerutil.SetControllerReference(w, m, k.Client.Scheme()); err != nil {
		return fmt.Errorf("own the ledger: %w", err)
	}
	return k.Client.Create(ctx, m)
}

func (k *Kit) ledgerMaps(ctx context.Context, w *v1alpha1.PilotWave) ([]corev1.ConfigMap, error) {
	var list corev1.ConfigMapList
	err := k.Client.List(ctx, &list, client.InNamespace(w.Namespace), client.MatchingLabels{LabelLedger: "true", labelWaveUID: string(w.UID)})
	if err != nil {
		return nil, fmt.Errorf("read the ledger of wave %q: %w", w.Name, err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.ConfigMap) int { return chunkIndex(&a) - chunkIndex(&b) })
	return list.Items, nil
}

// chunkIndex is the chunk's position; an unreadable label sorts first and fails the decoding.
func chunkIndex(m *corev1.ConfigMap) int {
	i, err := strconv.Atoi(m.Labels[labelChunk])
	if err != nil {
		return -1
	}
	return i
}
