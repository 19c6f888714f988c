// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"fmt"
	"maps"
	"strconv"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// objectName is the name of a chunk: 60 characters with the largest numbers, of 253.
func objectName(wave types.UID, attempt int32, chunk int) string {
	return fmt.Sprintf("%s-%d-%d", wave, attempt, chunk)
}

// ofWave selects the objects of all attempts of a wave.
func ofWave(w *v1alpha1.PilotWave) client.MatchingLabels {
	return client.MatchingLabels{v1alpha1.LabelWaveUID: string(w.UID)}
}

// ofAttempt selects the objects of one attempt of a wave.
func ofAttempt(w *v1alpha1.PilotWave, attempt int32) client.MatchingLabels {
	return client.MatchingLabels{v1alpha1.LabelWaveUID: string(w.UID), v1alpha1.LabelWaveAttempt: strconv.Itoa(int(attempt))}
}

// fill makes an object hold a part of a ledger, and tells whether that is new.
func fill(o *v1alpha1.WaveLedger, w *v1alpha1.PilotWave, l *audience.Ledger, index int, part audience.Part) bool {
	before := o.DeepCopy()
	if o.Labels == nil {
		o.Labels = map[string]string{}
	}
	maps.Copy(o.Labels, ofAttempt(w, l.Attempt))
	o.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(w, v1alpha1.GroupVersion.WithKind("PilotWave"))}
	o.Spec = v1alpha1.WaveLedgerSpec{
		Wave: v1alpha1.LedgerWave{Name: w.Name, UID: w.UID}, Attempt: l.Attempt, Revision: l.Revision, Unit: l.Unit,
		Generation: part.Generation, Chunk: int32(index), Chunks: int32(part.Chunks), Data: part.Data,
	}
	return !equality.Semantic.DeepEqual(before, o)
}

// chunksOf returns the stored bytes of objects.
func chunksOf(objects []v1alpha1.WaveLedger) [][]byte {
	out := make([][]byte, len(objects))
	for i := range objects {
		out[i] = objects[i].Spec.Data
	}
	return out
}
