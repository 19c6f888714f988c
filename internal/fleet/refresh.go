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
// no error here: whether it is believed, [Store.Confirm] tells. One part may fail alone, see Inventory.EncryptionUnread.
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
		raw.entra, err = readEntra(ctx, src)
		return named("read the devices of the directory", err)
	})
	group.Go(func() (err error) {
		raw.managed, raw.unusable, err = readManaged(ctx, src)
		return named("read the managed devices", err)
	})
	group.Go(func() (err error) {
		raw.edge, err = readEdge(ctx, src)
		return named("read the Edge versions", err)
	})
	group.Go(func() (err error) {
		raw.plain, err = readUnencrypted(ctx, src)
		if ctx.Err() != nil {
			return named("read the encryption states", err)
		}
		raw.plainErr = named("read the encryption states", err)
		return nil
	})
	return raw, group.Wait()
}

// readStatuses exports the status of each policy.
func readStatuses(ctx context.Context, src source, policyIDs []string, records []record, byIntune []int32, clk clock.PassiveClock) (map[string]policyStatuses, error) {
	read := make([]policyStatuses, len(policyIDs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxExports)
	for i, id := range policyIDs {
		group.Go(func() error {
			asOf := clk.Now().UTC()
			rows, err := readPolicy(ctx, src, id, records, byIntune)
			read[i] = policyStatuses{asOf: asOf, rows: rows}
			return named("read the status of policy "+id, err)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	statuses := make(map[string]policyStatuses, len(policyIDs))
	for i, id := range policyIDs {
		statuses[id] = read[i]
	}
	return statuses, nil
}

func named(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
