// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/population"
)

// Accounts keeps what was counted of each policy, so that ledgers and members are read once for each state of the waves, each
// reading of the fleet and each interval, and not at every step. Safe for concurrent use.
type Accounts struct {
	mu   sync.Mutex
	kept map[types.UID]*account
}

// account is what was counted of one policy.
type account struct {
	waves   string // the state of the waves that it was counted in
	at      time.Time
	holders population.Holders

	fleet   time.Time // the reading of the fleet that the population was counted in
	people  time.Time // when
	summary string
}

// of is the account of a policy, empty when there is none.
func (a *Accounts) of(uid types.UID) account {
	a.mu.Lock()
	defer a.mu.Unlock()
	if k := a.kept[uid]; k != nil {
		return *k
	}
	return account{}
}

// Summary says in a sentence who of a policy's population is not on a revision; empty when nobody, or not known.
func (a *Accounts) Summary(uid types.UID) string { return a.of(uid).summary }

func (a *Accounts) keep(uid types.UID, k account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept == nil {
		a.kept = map[types.UID]*account{}
	}
	a.kept[uid] = &k
}

// Drop forgets a policy.
func (a *Accounts) Drop(uid types.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.kept, uid)
}

// Count reads how many have which revision, where that may have changed.
func (a *Accounts) Count(ctx context.Context, src AllLedgers, p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave, now time.Time) (map[int32]int32, error) {
	k := a.of(p.UID)
	state := stateOf(p, waves)
	if age := now.Sub(k.at); k.waves == state && age >= 0 && age < p.Spec.Interval.Duration {
		return k.holders.Devices, nil
	}
	h, err := Holders(ctx, src, p, waves, now)
	if err != nil {
		return nil, err
	}
	k.waves, k.at, k.holders, k.people = state, now, h, time.Time{}
	a.keep(p.UID, k)
	return h.Devices, nil
}

// stateOf names all that decides who has which revision, and which there are to count.
func stateOf(p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave) string {
	var out strings.Builder
	for i := range waves {
		for _, a := range waves[i].Status.Attempts {
			fmt.Fprintf(&out, "%s %d r%d %t", waves[i].UID, a.Attempt, a.Revision, a.WithdrawnAt != nil)
			if a.Ledger != nil {
				fmt.Fprintf(&out, " %s", a.Ledger.Digest)
			}
			out.WriteByte(';')
		}
	}
	for _, a := range p.Status.Waves {
		fmt.Fprintf(&out, "%s %d %s;", a.UID, a.Attempt, a.State)
	}
	fmt.Fprintf(&out, "%d", p.Status.LastRevision)
	return out.String()
}

// Population accounts in the status of a policy for everybody whom it is about, once for each reading of the fleet, and says in a
// sentence who of them is not on a revision; empty when nobody, or not known. The time of an account stays where the numbers are
// the same, which are no news (P12). What cannot be read leaves the account as it was, with its time, and is looked for again.
func (a *Accounts) Population(ctx context.Context, src MemberSource, inv *fleet.Inventory, p *v1alpha1.PasskeyPolicy, observed int64, now time.Time) (left string, err error) {
	k := a.of(p.UID)
	if p.Spec.Population == nil || inv == nil {
		return k.summary, nil
	}
	same := k.fleet.Equal(inv.AsOf) && observed == p.Generation
	if age := now.Sub(k.people); same && age >= 0 && age < p.Spec.Interval.Duration {
		return k.summary, nil
	}
	counted, known, err := Account(ctx, src, inv, p, k.holders, now)
	if err != nil {
		return k.summary, err
	}
	k.fleet, k.people = inv.AsOf, now
	if known {
		k.summary = counted.Sentence()
		recordAccount(&p.Status, counted.Status, k.holders.Devices)
	}
	a.keep(p.UID, k)
	return k.summary, nil
}

// recordAccount writes an account into a status. counted is how many have each revision by the ledgers: those that no ledger
// counts get the number of members of the population that have them.
func recordAccount(s *v1alpha1.PasskeyPolicyStatus, account v1alpha1.PopulationStatus, counted map[int32]int32) {
	if was := s.Population; was != nil {
		same := account
		same.AsOf = was.AsOf
		if equality.Semantic.DeepEqual(*was, same) {
			account = same
		}
	}
	s.Population = &account
	for i := range s.Revisions {
		r := &s.Revisions[i]
		if _, known := counted[r.Number]; known || r.Number == 0 {
			continue
		}
		r.Devices = 0
		for _, c := range account.Revisions {
			if c.Revision == r.Number {
				r.Devices = c.Count
			}
		}
	}
}
