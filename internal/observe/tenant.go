// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
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
	// EndpointHosts are the hosts that spec.endpoint may name.
	EndpointHosts graph.HostList
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
	// Inventory is the fleet; Read says that something of it was read now, and NextAt when something is due again.
	Inventory *fleet.Inventory
	Read      bool
	NextAt    time.Time
	// ClockOffset is by how much the tenant's clock is ahead of this machine's; 0 when nobody knows.
	ClockOffset time.Duration
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
	if gc == nil && !t.DeletionTimestamp.IsZero() && !mistake.Withdrawn() {
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
	look.ClockOffset = gc.ClockOffset()
	return look
}

// connect returns the tenant's client, made anew when spec or credential changed.
func (r TenantReader) connect(t *v1alpha1.Tenant, cred credential.Credential) (*graph.Client, *credential.Mistake) {
	if cred.Mistake != nil {
		return nil, cred.Mistake
	}
	cfg := graph.Config{
		TenantID: t.Spec.TenantID, Cloud: graph.Cloud(t.Spec.Cloud), Auth: cred.Auth, Registry: r.Registry,
		DateClock: r.Clock, AllowedHosts: r.EndpointHosts,
	}
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
	case errors.Is(err, graph.ErrHostNotAllowed):
		return nil, &credential.Mistake{Reason: v1alpha1.ReasonEndpointNotAllowed, Message: graph.Readable(err)}
	case err != nil:
		return nil, &credential.Mistake{Reason: v1alpha1.ReasonInvalidEndpoint, Message: graph.Readable(err)}
	}
	return gc, nil
}

// refresh reads what is due of devices and reports and puts it into the store.
func (r TenantReader) refresh(ctx context.Context, t *v1alpha1.Tenant, gc *graph.Client, policies []v1alpha1.PasskeyPolicy, look *TenantLook) {
	key := client.ObjectKeyFromObject(t)
	order := fleet.Order{
		Policies: objectIDs(policies), Last: r.Store.Inventory(key), Interval: t.Spec.Inventory.RefreshInterval.Duration,
		Doubts: func(next *fleet.Inventory) fleet.Doubts { return r.Store.Confirm(key, next, lastManaged(t)) },
	}
	if order.Due(r.Clock.Now()) {
		next, err := fleet.RefreshWithin(ctx, r.Store.Memory, key.String(), expectedDevices(t, order.Last), gc, order, r.Clock)
		if err != nil {
			look.Err, look.Doing = err, "read the inventory"
			return
		}
		r.Store.PutInventory(key, next, r.Clock.Now())
		order.Last, look.Read = next, true
		log.FromContext(ctx).Info("inventory refreshed", "devices", next.Managed(), "policies", len(order.Policies), "took", next.Took)
	}
	look.Inventory, look.NextAt, look.Throttled = order.Last, order.NextAt(), gc.ThrottledFor()
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
// them as long as it is on record.
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
