// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/population"
	"github.com/tidegate/tidegate/internal/status"
)

// accounts keeps what was counted of each policy, so that ledgers and members are read once for each state of the waves, each
// reading of the fleet and each interval, and not at every step. Safe for concurrent use.
type accounts struct {
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
func (a *accounts) of(uid types.UID) account {
	a.mu.Lock()
	defer a.mu.Unlock()
	if k := a.kept[uid]; k != nil {
		return *k
	}
	return account{}
}

func (a *accounts) keep(uid types.UID, k account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept == nil {
		a.kept = map[types.UID]*account{}
	}
	a.kept[uid] = &k
}

func (a *accounts) drop(uid types.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.kept, uid)
}

// count reads who has which revision, where that may have changed.
func (r *policyRun) count(ctx context.Context) (map[int32]int32, error) {
	k, now := r.accounts.of(r.after.UID), r.Clock.Now()
	state := stateOf(r.after, r.waves)
	if age := now.Sub(k.at); k.waves == state && age >= 0 && age < r.after.Spec.Interval.Duration {
		return k.holders.Devices, nil
	}
	h, err := observe.Holders(ctx, r.ledgers(), r.after, r.waves, now)
	if err != nil {
		return nil, err
	}
	k.waves, k.at, k.holders, k.people = state, now, h, time.Time{}
	r.accounts.keep(r.after.UID, k)
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

// population accounts for everybody whom the policy is about, once for each reading of the fleet. What cannot be read leaves
// the account as it was, with its time, and is looked for again.
func (r *policyRun) population(ctx context.Context, rep *status.Report) {
	inv, k, now := r.Store.Inventory(r.tenant), r.accounts.of(r.after.UID), r.Clock.Now()
	if r.after.Spec.Population == nil || inv == nil {
		return
	}
	same := k.fleet.Equal(inv.AsOf) && r.before.Status.ObservedGeneration == r.after.Generation
	if age := now.Sub(k.people); same && age >= 0 && age < r.after.Spec.Interval.Duration {
		return
	}
	a, known, err := observe.Account(ctx, r.src, inv, r.after, k.holders, now)
	if err != nil {
		log.FromContext(ctx).Error(err, "cannot account for the population")
		rep.Sooner(retryDelay(err, now))
		return
	}
	k.fleet, k.people = inv.AsOf, now
	if known {
		k.summary, r.left = a.Sentence(), a.Sentence()
		if was := r.after.Status.Population; was != nil { // the same numbers are no news (P12)
			same := a.Status
			same.AsOf = was.AsOf
			if equality.Semantic.DeepEqual(*was, same) {
				a.Status = same
			}
		}
		r.after.Status.Population = &a.Status
		status.CountUnread(&r.after.Status, k.holders.Devices)
	}
	r.accounts.keep(r.after.UID, k)
}
