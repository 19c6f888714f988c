// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestReadingsOfNothing: a change while no reading is under way, before it or after it, cuts nothing off; one before the look
// does.
func TestReadingsOfNothing(t *testing.T) {
	ten := &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "corp", Generation: 7}}
	key := client.ObjectKeyFromObject(ten)
	var r Readings
	r.Changed(ten)
	work, saw, end := r.Begin(t.Context(), key)
	saw(ten)
	r.Changed(ten) // the watch is late: the reconcile saw this one already
	if work.Err() != nil {
		t.Error("cut off by what it had seen")
	}
	end()
	if CutOff(work) || len(r.running) != 0 {
		t.Error("an end is no cut, and nothing is kept")
	}
	work, _, end = r.Begin(t.Context(), key)
	defer end()
	r.Changed(ten) // nobody knows whether the look will see it
	if !CutOff(work) {
		t.Error("a change before the look is missed")
	}
}
