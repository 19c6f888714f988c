// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	corev1 "k8s.io/api/core/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/controllers"
	"github.com/tidegate/tidegate/internal/audience"
)

// What of the product's inner forms a world knows: all of it is in this file.

// waveSign is what other objects look at in a wave.
func waveSign(o *v1alpha1.PilotWave) string {
	group := ""
	if o.Status.Audience != nil {
		group = o.Status.Audience.GroupID
	}
	stalled := ""
	if c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionStalled); c != nil {
		stalled = string(c.Status) + c.Message
	}
	return fmt.Sprint(o.Status.Phase, o.Status.PayloadHash, group, stalled)
}

// ledgers are the devices that each wave's ledger says are exposed, by uid of the wave.
func (w *World) ledgers() (map[string][]string, error) {
	var list corev1.ConfigMapList
	if err := w.Cluster.list(&list, w.Cluster.rev, nil); err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for i := range list.Items {
		m := &list.Items[i]
		if m.Labels[controllers.LabelLedger] == "" {
			continue
		}
		l, err := audience.Decode([][]byte{m.BinaryData["ledger"]})
		if err != nil {
			return nil, fmt.Errorf("the ledger in %s: %w", m.Name, err)
		}
		uid := m.Labels["tidegate.dev/wave-uid"]
		for _, e := range l.Exposed() {
			out[uid] = append(out[uid], e.Device.String())
		}
	}
	return out, nil
}

var ownName = regexp.MustCompile(`(Windows|MacOS|IOS|Android) (Allow|Hold|r(\d+))$`)

// roleOf reads the name that an object of ours was made with.
func roleOf(name string) (platform string, hold, ok bool) {
	m := ownName.FindStringSubmatch(name)
	if m == nil || !strings.HasPrefix(name, "Tidegate ") {
		return "", false, false
	}
	return m[1], m[2] == "Hold", true
}
