// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/utils/clock"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
)

const (
	// maxExports bounds the export jobs of one reading that run at once: jobs and polls share 48 calls a minute (contract
	// b.4).
	maxExports = 4
	// outageAfter is how many reports in a row may fail for a cause that passes before the others are not asked for in this
	// reading: then it is the tenant that is away, and each try of a large one costs minutes.
	outageAfter = 2 * maxExports
)

// Refresh reads what is due of a tenant: the lists of devices, their Edge versions, the encryption report, and the report of
// each policy, and joins them. Each of these parts fails for itself, and what it had before stands meanwhile with its own age,
// see [Part]; so do lists that are not believed, see [Store.Confirm], and single items, see Inventory.Odd.
//
// An error says that there is no reading at all: the context ended, an id of the order is none, or the devices were never read
// and cannot be. An error of the tenant is a *graph.Error; a list or report that does not parse is one of kind Transient that
// names it, the row and the column. A list or a report without rows is no error.
func Refresh(ctx context.Context, src Source, o Order, clk clock.PassiveClock) (*Inventory, error) {
	return refresh(ctx, graphSource{src}, o, clk)
}

func refresh(ctx context.Context, src source, o Order, clk clock.PassiveClock) (*Inventory, error) {
	ids, err := distinctPolicies(o.Policies)
	if err != nil {
		return nil, err
	}
	began := clk.Now()
	d := o.due(ids, began)
	inv, err := o.lists(ctx, src, d, began.UTC(), clk)
	if err != nil {
		return nil, err
	}
	if err := o.reports(ctx, src, inv, ids, d, clk); err != nil {
		return nil, err
	}
	inv.Odd = inv.oddOnes()
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

// lists makes an inventory without reports, from lists that are read now and, for those that are not due or fail, from the last.
func (o Order) lists(ctx context.Context, src source, d due, at time.Time, clk clock.PassiveClock) (*Inventory, error) {
	if !d.devices && !d.edge && !d.encryption {
		inv := *o.Last
		return &inv, nil
	}
	read := readLists(ctx, src, d)
	if err := ctx.Err(); err != nil {
		return nil, named("read the fleet", err)
	}
	if o.Last == nil && read.devicesErr != nil {
		return nil, read.devicesErr
	}
	ended := clk.Now()
	inv := o.joined(read, d, at, ended)
	if o.Doubts == nil || !read.doubted(d, o.Doubts(inv)) {
		return inv, nil
	}
	if o.Last == nil && read.devicesErr != nil {
		return nil, read.devicesErr
	}
	return o.joined(read, d, at, ended), nil
}

// doubted notes which of the lists that were read are not believed, and says whether any is not.
func (raw *rawDevices) doubted(d due, doubts Doubts) bool {
	devices := d.devices && raw.devicesErr == nil && doubts.Devices != nil
	edge := d.edge && raw.edgeErr == nil && doubts.Edge != nil
	if devices {
		raw.devicesErr = doubts.Devices
	}
	if edge {
		raw.edgeErr = doubts.Edge
	}
	return devices || edge
}

// joined is the inventory of what was read from one time to another and what stands for the rest.
func (o Order) joined(raw rawDevices, d due, at, ended time.Time) *Inventory {
	last := o.Last
	if last == nil {
		last = &Inventory{devices: Part{Name: PartDevices}, edge: Part{Name: PartEdge}, encryption: Part{Name: PartEncryption}}
	}
	if !d.devices || raw.devicesErr != nil {
		raw.entra, raw.managed, raw.unusable = last.entraAgain(), last.managedAgain(), last.Unjoined
		raw.odd[0], raw.odd[1] = last.odd[0], last.odd[1]
	}
	if !d.edge || raw.edgeErr != nil {
		raw.edge, raw.odd[2] = last.edgeAgain(), last.odd[2]
	}
	if !d.encryption || raw.plainErr != nil {
		raw.plain, raw.odd[3] = last.plainAgain(), last.odd[3]
	}
	inv, _ := join(raw)
	inv.odd, inv.statuses = raw.odd, nil
	inv.devices = outcome(last.devices, d.devices, raw.devicesErr, at, ended)
	inv.edge = outcome(last.edge, d.edge, raw.edgeErr, at, ended)
	inv.encryption = outcome(last.encryption, d.encryption, raw.plainErr, at, ended)
	inv.AsOf = inv.devices.AsOf
	return inv
}

// outcome is a list after this reading.
func outcome(last Part, due bool, err error, at, ended time.Time) Part {
	switch {
	case !due:
		return last
	case err != nil:
		return last.failed(at, err, listAgain(err, ended))
	}
	return last.read(at)
}

// readLists reads the lists that are due at the same time. Directory and Intune are one part: a record of either says little
// without the other.
func readLists(ctx context.Context, src source, d due) rawDevices {
	var raw rawDevices
	var wg sync.WaitGroup
	if d.devices {
		wg.Go(func() { raw.devicesErr = readDevices(ctx, src, &raw) })
	}
	if d.edge {
		wg.Go(func() {
			var err error
			raw.edge, raw.odd[2], err = readEdge(ctx, src)
			raw.edgeErr = named("read the Edge versions", err)
		})
	}
	if d.encryption {
		wg.Go(func() {
			var err error
			raw.plain, raw.odd[3], err = readUnencrypted(ctx, src)
			raw.plainErr = named("read the encryption states", err)
		})
	}
	wg.Wait()
	return raw
}

func readDevices(ctx context.Context, src source, raw *rawDevices) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		raw.entra, raw.odd[0], err = readEntra(ctx, src)
		return named("read the devices of the directory", err)
	})
	group.Go(func() (err error) {
		raw.managed, raw.unusable, raw.odd[1], err = readManaged(ctx, src)
		return named("read the managed devices", err)
	})
	return group.Wait()
}

// reports adds the status of each policy to an inventory: what is due is exported, the rest is taken from the last. A report that
// fails hides no other.
func (o Order) reports(ctx context.Context, src source, inv *Inventory, ids []string, d due, clk clock.PassiveClock) error {
	var asked []string
	inv.statuses = make(map[string]policyStatuses, len(ids))
	for _, id := range ids {
		if d.reports[id] {
			asked = append(asked, id)
			continue
		}
		inv.statuses[id] = o.again(id, inv.records)
	}
	if len(asked) == 0 {
		return nil
	}
	read, index, out := make([]policyStatuses, len(asked)), byIntune(inv.records), &outage{}
	var group errgroup.Group
	group.SetLimit(maxExports)
	for i, id := range asked {
		group.Go(func() error {
			read[i] = o.report(ctx, src, id, inv.records, index, out, clk)
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return named("read the fleet", err)
	}
	for i, id := range asked {
		inv.statuses[id] = read[i]
	}
	return nil
}

// again is the report of a policy as the last reading has it, for these records.
func (o Order) again(id string, records []record) policyStatuses {
	if o.Last == nil {
		return policyStatuses{Part: Part{Name: id}}
	}
	s := o.Last.part(id)
	s.rows = rowsIn(s.rows, o.Last.records, records)
	return s
}

// report exports the status of one policy. What is known of it stays when that fails.
func (o Order) report(ctx context.Context, src source, id string, records []record, index []int32, out *outage, clk clock.PassiveClock) policyStatuses {
	at := clk.Now().UTC()
	err := out.cause()
	if err == nil {
		rows, odd, failed := readPolicy(ctx, src, id, records, index)
		if out.answered(failed); failed == nil {
			return policyStatuses{Part: Part{Name: id}.read(at), rows: rows, odd: odd}
		}
		err = named("read the status of policy "+id, failed)
	}
	s := o.again(id, records)
	s.Part = s.failed(at, err, o.reportAgain(err, clk.Now()))
	return s
}

// outage counts the reports that failed in a row for a cause that passes.
type outage struct {
	mu     sync.Mutex
	failed int
	last   error
}

func (o *outage) answered(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil || (Part{Err: err}).Refused() {
		o.failed = 0
		return
	}
	o.failed, o.last = o.failed+1, err
}

// cause is why the tenant counts as away; nil when it does not.
func (o *outage) cause() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed < outageAfter {
		return nil
	}
	return fmt.Errorf("not asked for, as the %d before it failed: %w", o.failed, o.last)
}

func named(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
