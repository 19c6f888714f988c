// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/credential"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/guard"
)

// TenantReader signs in to tenants and reads their fleets.
type TenantReader struct {
	// Store takes client and inventory for the other controllers.
	Store *fleet.Store
	// Clock is the source of now.
	Clock clock.PassiveClock
	// Tune adjusts the configuration of each new Graph client; nil leaves it as it is.
	Tune func(*graph.Config)
	// Registry takes the metrics of all clients; nil drops them.
	Registry prometheus.Registerer
}

// TenantLook is what one look at a tenant found. Of Mistake, Err and Missing at most one is set, and no inventory beside it.
type TenantLook struct {
	// Suspended says that nothing was asked, as the Tenant says.
	Suspended bool
	// Mistake is what is wrong with the way to the tenant, as a reason and words for a person; nil when nothing is.
	Mistake *credential.Mistake
	// Err is why the tenant did not tell what was asked, and Doing what that was.
	Err   error
	Doing string
	// SignedIn says that the tenant gave a token out, until ExpiresAt. Missing is what it does not permit.
	SignedIn  bool
	ExpiresAt time.Time
	Missing   []v1alpha1.MissingPermission
	// Inventory is the fleet; Read says that it was read now.
	Inventory *fleet.Inventory
	Read      bool
	// Throttled is how long the tenant wants fewer requests; zero when it does not.
	Throttled time.Duration
}

// Look connects, compares permissions and reads the inventory when it is due.
func (r TenantReader) Look(ctx context.Context, t *v1alpha1.Tenant, policies []v1alpha1.PasskeyPolicy, cred credential.Credential) TenantLook {
	if t.Spec.Suspend {
		return TenantLook{Suspended: true}
	}
	key := client.ObjectKeyFromObject(t)
	gc, mistake := r.connect(t, cred)
	if gc == nil && !t.DeletionTimestamp.IsZero() {
		// The Secret often goes in the same breath as the Tenant. Its policies still need the client to clean up (P7).
		gc = r.Store.Client(key)
	}
	if gc == nil {
		r.Store.Delete(key)
		return TenantLook{Mistake: mistake}
	}
	perms, err := gc.Permissions(ctx)
	if err != nil {
		return TenantLook{Err: err, Doing: "sign in to the tenant"}
	}
	look := TenantLook{SignedIn: true, ExpiresAt: perms.ExpiresAt, Missing: guard.MissingPermissions(perms.Roles, guard.Needs)}
	if len(look.Missing) > 0 {
		gc.RenewToken() // roles are fixed when a token is issued (contract l.2): consent shows only in the next one
		return look
	}
	r.refresh(ctx, t, gc, policies, &look)
	return look
}

// connect returns the tenant's client, made anew when spec or credential changed.
func (r TenantReader) connect(t *v1alpha1.Tenant, cred credential.Credential) (*graph.Client, *credential.Mistake) {
	if cred.Mistake != nil {
		return nil, cred.Mistake
	}
	cfg := graph.Config{TenantID: t.Spec.TenantID, Cloud: graph.Cloud(t.Spec.Cloud), Auth: cred.Auth, Registry: r.Registry}
	if e := t.Spec.Endpoint; e != nil {
		cfg.Endpoint = &graph.Endpoint{GraphURL: e.GraphURL, AuthorityURL: e.AuthorityURL, CABundle: []byte(e.CABundle)}
	}
	if r.Tune != nil {
		r.Tune(&cfg)
	}
	gc, err := r.Store.Connect(client.ObjectKeyFromObject(t), cfg)
	switch {
	case graph.KindOf(err) == graph.KindCredential:
		return nil, &credential.Mistake{Reason: v1alpha1.ReasonInvalidCredential, Message: graph.Readable(err)}
	case err != nil:
		return nil, &credential.Mistake{Reason: v1alpha1.ReasonInvalidEndpoint, Message: graph.Readable(err)}
	}
	return gc, nil
}

// refresh reads devices and reports when that is due and puts them into the store.
func (r TenantReader) refresh(ctx context.Context, t *v1alpha1.Tenant, gc *graph.Client, policies []v1alpha1.PasskeyPolicy, look *TenantLook) {
	key, now := client.ObjectKeyFromObject(t), r.Clock.Now()
	interval := t.Spec.Inventory.RefreshInterval.Duration
	inv := r.Store.Inventory(key)
	ids := objectIDs(policies)
	if inv == nil || inv.Ahead(now) || !now.Before(inv.AsOf.Add(interval)) || slices.ContainsFunc(ids, func(id string) bool { return !inv.Asked(id) }) {
		next, err := fleet.RefreshWithin(ctx, r.Store.Memory, key.String(), expectedDevices(t, inv), gc, ids, r.Clock)
		if err == nil {
			err = r.Store.Confirm(key, next, lastManaged(t))
		}
		if err != nil {
			look.Err, look.Doing = err, "read the inventory"
			return
		}
		r.Store.PutInventory(key, next, r.Clock.Now())
		inv, look.Read = next, true
		log.FromContext(ctx).Info("inventory refreshed", "devices", inv.Managed(), "policies", len(ids), "took", inv.Took)
	}
	look.Inventory, look.Throttled = inv, gc.ThrottledFor()
}

// expectedDevices is how many devices the last reading had, this process's own or one before it.
func expectedDevices(t *v1alpha1.Tenant, inv *fleet.Inventory) int64 {
	if inv != nil {
		return int64(inv.Len())
	}
	return lastManaged(t)
}

// lastManaged is how many devices the last reading had that was believed, 0 when there was none.
func lastManaged(t *v1alpha1.Tenant) int64 {
	if t.Status.Inventory == nil {
		return 0
	}
	return t.Status.Inventory.Devices
}

// objectIDs lists the tenant objects whose device reports are evidence. One that somebody deleted in the tenant is among
// them as long as it is on record; a report on it is ASSUMED to have no rows, as it is a filter on a table.
func objectIDs(policies []v1alpha1.PasskeyPolicy) []string {
	var ids []string
	for i := range policies {
		for _, o := range policies[i].Status.Objects {
			if o.ID != "" {
				ids = append(ids, o.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
