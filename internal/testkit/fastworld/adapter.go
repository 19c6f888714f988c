// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/controllers"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/journal"
)

// What of the product's inner forms a world knows: all of it is in this file.

// waveSign is what other objects look at in a wave.
func waveSign(o *v1alpha1.PilotWave) string {
	groups := ""
	for i := range o.Status.Attempts {
		a := &o.Status.Attempts[i]
		groups += fmt.Sprint(a.Attempt, a.Revision, a.GroupID, a.WithdrawnAt, a.SucceededAt, " ")
	}
	stalled := ""
	if c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ConditionStalled); c != nil {
		stalled = string(c.Status) + c.Message
	}
	return fmt.Sprint(o.Status.Phase, o.Status.PayloadHash, groups, stalled)
}

// ledgers are the devices, or people, that each wave's ledgers say are exposed, by uid of the wave and by attempt.
func (w *World) ledgers() (map[string]map[int32][]string, error) {
	out := map[string]map[int32][]string{}
	store := journal.Store{Client: w.Kube, Reader: w.Kube, Clock: w.Clock, Bound: controllers.LedgerBinding}
	for _, wave := range w.Waves() {
		if w.Oracle.tampered[string(wave.UID)] != nil {
			continue
		}
		all, err := store.LoadAll(context.Background(), wave)
		if err != nil {
			return nil, err
		}
		for attempt, r := range all {
			if r.State == audience.LedgerLost || r.State == audience.LedgerAltered {
				return nil, fmt.Errorf("wave %s attempt %d: %s: %s", wave.Name, attempt, r.State, r.Message)
			}
			if r.Ledger == nil {
				continue
			}
			for _, e := range r.Ledger.Exposed() {
				of := out[string(wave.UID)]
				if of == nil {
					of = map[int32][]string{}
					out[string(wave.UID)] = of
				}
				of[attempt] = append(of[attempt], e.ID.String())
			}
		}
	}
	return out, nil
}

var ownName = regexp.MustCompile(`(Windows|MacOS|IOS|Android) (Hold|r(\d+))$`)

// roleOf reads the name that an object of ours was made with. Revision 0 is hold.
func roleOf(name string) (platform string, revision int, ok bool) {
	m := ownName.FindStringSubmatch(name)
	if m == nil || !strings.HasPrefix(name, "Tidegate ") {
		return "", 0, false
	}
	if m[2] != "Hold" {
		var err error
		if revision, err = strconv.Atoi(m[3]); err != nil {
			return "", 0, false
		}
	}
	return m[1], revision, true
}
