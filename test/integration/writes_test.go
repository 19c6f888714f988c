// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit"
)

// waveOf is the wave whose status a write is about, empty for any other write.
func waveOf(w testkit.Write) string {
	_, rest, ok := strings.Cut(w.Path, "/pilotwaves/")
	if !w.Kube || !ok {
		return ""
	}
	return strings.TrimSuffix(rest, "/status")
}

// phaseIn is the phase that a status write sets, empty when it leaves it.
func phaseIn(w testkit.Write) v1alpha1.WavePhase {
	var patch struct {
		Status struct {
			Phase v1alpha1.WavePhase `json:"phase"`
		} `json:"status"`
	}
	if err := json.Unmarshal([]byte(w.Body), &patch); err != nil {
		return ""
	}
	return patch.Status.Phase
}

// exposes says whether a write adds members to a group.
func exposes(w testkit.Write) bool { return !w.Kube && strings.Contains(w.Body, "members@odata.bind") }

// removal is the member that a write takes out of a group.
func removal(w testkit.Write, group string) (id string, ok bool) {
	if w.Kube || w.Method != "DELETE" || !strings.Contains(w.Path, group) || !strings.Contains(w.Path, "/members/") {
		return "", false
	}
	_, rest, _ := strings.Cut(w.Path, "/members/")
	return strings.TrimSuffix(rest, "/$ref"), true
}
