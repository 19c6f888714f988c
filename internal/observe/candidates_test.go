// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
)

// storedLedgers are the ledgers of every wave.
type storedLedgers map[int32]audience.Reading

func (l storedLedgers) Load(_ context.Context, _ *v1alpha1.PilotWave, attempt int32) (audience.Reading, error) {
	return l[attempt], nil
}

func (l storedLedgers) LoadAll(context.Context, *v1alpha1.PilotWave) (map[int32]audience.Reading, error) {
	return l, nil
}

// TestLostLedgerOfAnotherWave: a wave whose ledger is lost keeps the others from taking devices until a person retries it. From
// then on it has whom its group has; a group that is gone has nobody, and one that cannot be read is waited for.
func TestLostLedgerOfAnotherWave(t *testing.T) {
	const device = "00000000-0000-4000-8000-000000000001"
	bound := &v1alpha1.LedgerBinding{Entries: 1}
	lost := storedLedgers{1: {State: audience.LedgerAltered}}
	for name, tt := range map[string]struct {
		stored    storedLedgers
		current   int32
		withdrawn bool
		fail      error
		unknown   int
		has       bool
		problem   bool
	}{
		"altered":              {lost, 1, false, nil, 1, false, false},
		"all of it gone":       {nil, 1, false, nil, 1, false, false},
		"altered and retried":  {lost, 2, false, nil, 0, true, false},
		"gone and retried":     {nil, 2, false, nil, 0, true, false},
		"withdrawn":            {lost, 2, true, nil, 0, false, false},
		"group gone":           {lost, 2, false, notFound, 0, false, false},
		"group cannot be read": {lost, 2, false, errAway, 0, false, true},
	} {
		other := v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{Name: "other", UID: "other"}}
		other.Status.Attempt = tt.current
		other.Status.Attempts = []v1alpha1.WaveAttempt{{Attempt: 1, Revision: 1, GroupID: "g1", Ledger: bound}}
		if tt.withdrawn {
			other.Status.Attempts[0].WithdrawnAt = &metav1.Time{Time: now.Add(-time.Hour)}
		}
		src := waveTenant{&tenant{fail: map[string]error{"Members": tt.fail}}, nil}
		if tt.fail == nil {
			src.members = map[string][]graph.Member{"g1": {{ID: device, Kind: graph.MemberDevice}}}
		}
		claims, err := TakenByOthers(t.Context(), tt.stored, &v1alpha1.PilotWave{}, []v1alpha1.PilotWave{other}, 1)
		if err != nil {
			t.Fatal(err)
		}
		id, _ := audience.ParseID(device)
		if err := claims.readClosed(t.Context(), src); (err != nil) != tt.problem || len(claims.Unknown) != tt.unknown || claims.Has(id) != tt.has {
			t.Errorf("%s: %v, unknown %v, has it: %t", name, err, claims.Unknown, claims.Has(id))
		}
	}
}
