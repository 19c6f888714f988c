// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/status"
)

const (
	// maxFailed is how many failing reports the status names: with a thousand policies it must not grow.
	maxFailed = 5
	// maxPartError is the longest error of a part in the status, in bytes.
	maxPartError = 500
)

// inventoryStatus is what a status tells of an inventory.
func inventoryStatus(inv *fleet.Inventory) *v1alpha1.InventoryStatus {
	out := &v1alpha1.InventoryStatus{Devices: int64(inv.Managed()), Duration: metav1.Duration{Duration: inv.Took.Round(time.Second)}}
	for _, p := range inv.Lists() {
		out.Parts = append(out.Parts, v1alpha1.InventoryPart{Name: p.Name, AsOf: v1alpha1.StampOf(p.AsOf), Error: partError(p.Err)})
	}
	if reports := inv.Reports(); len(reports) > 0 {
		out.Parts = append(out.Parts, reportsPart(reports))
	}
	out.AsOf = v1alpha1.Stamp(inv.AsOf)
	for _, p := range out.Parts {
		if p.Name != v1alpha1.InventoryEncryption && p.AsOf != nil && p.AsOf.Before(&out.AsOf) {
			out.AsOf = *p.AsOf
		}
	}
	return out
}

// reportsPart sums up the reports of all policy objects.
func reportsPart(reports []fleet.Part) v1alpha1.InventoryPart {
	out := v1alpha1.InventoryPart{Name: v1alpha1.InventoryPolicyReports, Objects: int32(len(reports))}
	slices.SortStableFunc(reports, func(a, b fleet.Part) int { return a.AsOf.Compare(b.AsOf) })
	for _, p := range reports {
		if p.Err != nil {
			out.Failing++
			out.Error = cmp.Or(out.Error, partError(p.Err))
			if len(out.Failed) < maxFailed {
				out.Failed = append(out.Failed, v1alpha1.FailedReport{ID: p.Name, AsOf: v1alpha1.StampOf(p.AsOf), Error: partError(p.Err)})
			}
		}
		if !p.Refused() && !p.AsOf.IsZero() && out.AsOf == nil {
			out.AsOf = v1alpha1.StampOf(p.AsOf)
		}
	}
	return out
}

func partError(err error) string {
	if err == nil {
		return ""
	}
	return status.Clip(graph.Readable(err), maxPartError)
}

// troubles are the parts that fail for want of the tenant or of a right, so that the inventory as a whole is not fresh. The
// encryption report and the report of a single object, such as of one that was deleted, may fail alone; when every report is
// refused, it is not the object.
func troubles(inv *fleet.Inventory) []fleet.Part {
	var out, refused []fleet.Part
	for _, p := range inv.Lists() {
		if p.Err != nil && p.Name != fleet.PartEncryption {
			out = append(out, p)
		}
	}
	reports := inv.Reports()
	for _, p := range reports {
		switch {
		case p.Err == nil:
		case p.Refused():
			refused = append(refused, p)
		default:
			out = append(out, p)
		}
	}
	if len(refused) > 0 && len(refused) == len(reports) {
		out = append(out, refused...)
	}
	return out
}

// troubled reports on an inventory of which some parts fail. The others are as fresh as they say, and waves rest on them.
func troubled(t *v1alpha1.Tenant, inv *fleet.Inventory, now time.Time) status.Report {
	list := troubles(inv)
	var parts []string
	for i, p := range list {
		if i == maxFailed {
			parts = append(parts, fmt.Sprintf("and %d more", len(list)-maxFailed))
			break
		}
		parts = append(parts, fmt.Sprintf("cannot read %s: %s%s", partName(p.Name), graph.Readable(p.Err), standsSince(p)))
	}
	worst := slices.MaxFunc(list, func(a, b fleet.Part) int { return cmp.Compare(gravity(a), gravity(b)) })
	return failing(t, worst.Err, strings.Join(parts, "; ")+whereToLook(t, worst.Err), now)
}

// gravity puts what a person has to mend before what ends by itself.
func gravity(p fleet.Part) int {
	if p.Refused() {
		return 1
	}
	return 0
}

func standsSince(p fleet.Part) string {
	if p.AsOf.IsZero() {
		return " (never read)"
	}
	return fmt.Sprintf(" (what was read at %s stands meanwhile)", v1alpha1.Minute(p.AsOf))
}

func partName(name string) string {
	switch name {
	case fleet.PartDevices:
		return "the devices"
	case fleet.PartEdge:
		return "the Edge versions (export AppInvRawData)"
	case fleet.PartEncryption:
		return "the encryption report"
	}
	return "the report of policy object " + name
}
