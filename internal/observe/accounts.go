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

// Devices is how many have each revision of a policy by the ledgers of its waves, as counted last.
func (a *Accounts) Devices(uid types.UID) map[int32]int32 { return a.of(uid).holders.Devices }

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

// Population accounts for everybody whom a policy is about, once for each reading of the fleet. news is the account when there
// is one that the status does not have yet; its time stays where the numbers are the same, which are no news (P12). What cannot
// be read leaves the account as it was, with its time, and is looked for again.
func (a *Accounts) Population(ctx context.Context, src MemberSource, inv *fleet.Inventory, p *v1alpha1.PasskeyPolicy, observed int64, now time.Time) (news *v1alpha1.PopulationStatus, err error) {
	k := a.of(p.UID)
	if p.Spec.Population == nil || inv == nil {
		return nil, nil
	}
	same := k.fleet.Equal(inv.AsOf) && observed == p.Generation
	if age := now.Sub(k.people); same && age >= 0 && age < p.Spec.Interval.Duration {
		return nil, nil
	}
	counted, known, err := Account(ctx, src, inv, p, k.holders, now)
	if err != nil {
		return nil, err
	}
	k.fleet, k.people = inv.AsOf, now
	if known {
		k.summary, news = counted.Sentence(), &counted.Status
		if was := p.Status.Population; was != nil {
			same := counted.Status
			same.AsOf = was.AsOf
			if equality.Semantic.DeepEqual(*was, same) {
				news = &same
			}
		}
	}
	a.keep(p.UID, k)
	return news, nil
}
