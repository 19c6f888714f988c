// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/utils/clock"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
)

// maxExports bounds the export jobs of one reading that run at once: jobs and polls share 48 calls a minute (contract
// b.4).
const maxExports = 4

// Refresh reads the devices of a tenant, their Edge versions and the status of the given policies, and joins them. Any
// part that fails fails the whole: there is no partial inventory. An error of the tenant is a *graph.Error; a report
// that does not parse is one of kind Transient that names report, row and column. A list or a report without rows is
// no error here: whether it is believed, [Store.Confirm] tells. Some parts may fail alone, see Inventory.EncryptionUnread
// and [Inventory.Unread]; so may items of a list, see Inventory.Odd.
func Refresh(ctx context.Context, src Source, policyIDs []string, clk clock.PassiveClock) (*Inventory, error) {
	return refresh(ctx, graphSource{src}, policyIDs, clk)
}

func refresh(ctx context.Context, src source, policyIDs []string, clk clock.PassiveClock) (*Inventory, error) {
	ids, err := distinctPolicies(policyIDs)
	if err != nil {
		return nil, err
	}
	began := clk.Now()
	devices, err := readDevices(ctx, src)
	if err != nil {
		return nil, err
	}
	inv, byIntune := join(devices)
	inv.AsOf = began.UTC()
	if inv.statuses, err = readStatuses(ctx, src, ids, inv.records, byIntune, clk); err != nil {
		return nil, err
	}
	for _, id := range ids {
		inv.Odd = inv.statuses[id].odd.appended(inv.Odd)
	}
	inv.Took = clk.Since(began)
	return inv, nil
}

// distinctPolicies returns the policy ids in lower case, each once and in order.
func distinctPolicies(policyIDs []string) ([]string, error) {
	ids := make([]string, len(policyIDs))
	for i, id := range policyIDs {
		if _, err := audience.ParseID(id); err != nil {
			return nil, &graph.Error{Kind: graph.KindInvalid, Op: "Refresh", Message: fmt.Sprintf("policy id %.48q is not the GUID of a policy", id)}
		}
		ids[i] = strings.ToLower(id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// readDevices reads the lists of devices at the same time.
func readDevices(ctx context.Context, src source) (rawDevices, error) {
	var raw rawDevices
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		raw.entra, raw.odd[0], err = readEntra(ctx, src)
		return named("read the devices of the directory", err)
	})
	group.Go(func() (err error) {
		raw.managed, raw.unusable, raw.odd[1], err = readManaged(ctx, src)
		return named("read the managed devices", err)
	})
	group.Go(func() (err error) {
		raw.edge, raw.odd[2], err = readEdge(ctx, src)
		return named("read the Edge versions", err)
	})
	group.Go(func() (err error) {
		raw.plain, raw.odd[3], err = readUnencrypted(ctx, src)
		if ctx.Err() != nil {
			return named("read the encryption states", err)
		}
		raw.plainErr = named("read the encryption states", err)
		return nil
	})
	return raw, group.Wait()
}

// readStatuses exports the status of each policy. One that the tenant refuses, such as that of a policy which was deleted,
// hides the reports of no other.
func readStatuses(ctx context.Context, src source, policyIDs []string, records []record, byIntune []int32, clk clock.PassiveClock) (map[string]policyStatuses, error) {
	read := make([]policyStatuses, len(policyIDs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxExports)
	for i, id := range policyIDs {
		group.Go(func() error {
			asOf := clk.Now().UTC()
			rows, odd, err := readPolicy(ctx, src, id, records, byIntune)
			err = named("read the status of policy "+id, err)
			read[i] = policyStatuses{asOf: asOf, rows: rows, odd: odd}
			if refused(err) && len(policyIDs) > 1 {
				read[i].err, err = err, nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if len(policyIDs) > 1 && !slices.ContainsFunc(read, func(s policyStatuses) bool { return s.err == nil }) {
		return nil, read[0].err
	}
	statuses := make(map[string]policyStatuses, len(policyIDs))
	for i, id := range policyIDs {
		statuses[id] = read[i]
	}
	return statuses, nil
}

// refused says that the tenant answers for this one object as it does for no other. What passes by itself is no such answer.
func refused(err error) bool {
	switch graph.KindOf(err) { // the others are about the tenant, or pass
	case graph.KindNotFound, graph.KindGone, graph.KindForbidden, graph.KindInvalid, graph.KindConflict:
		return true
	}
	return false
}

func named(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
