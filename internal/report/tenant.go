// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/credential"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/observe"
	"github.com/tidegate/tidegate/internal/rollout"
	"github.com/tidegate/tidegate/internal/status"
)

// MistakeLook is how soon a mistake that only a person can mend is looked at again; Secrets are not watched, so that the operator
// needs no right to list them.
const MistakeLook = 30 * time.Second

// Tenant reports on a look at a tenant, and fills the data of its status.
func Tenant(t *v1alpha1.Tenant, look observe.TenantLook, now time.Time) status.Report {
	switch {
	case look.Suspended:
		return status.Report{Standing: status.Standing{
			State: status.Suspended, Reason: v1alpha1.ReasonSuspended, Message: "suspended: no call is made to the tenant until spec.suspend is false",
		}}
	case look.Mistake != nil:
		return Stuck(look.Mistake.Reason, look.Mistake.Message)
	case !look.SignedIn:
		return failure(t, look.Err, look.Doing, now)
	}
	expires := v1alpha1.Stamp(look.ExpiresAt)
	t.Status.TokenExpiresAt = &expires
	t.Status.MissingPermissions = look.Missing
	if missing := look.Missing; len(missing) > 0 {
		granted := status.Condition(v1alpha1.ConditionPermissionsGranted, false, v1alpha1.ReasonPermissionMissing, permissionMessage(missing))
		res := Stuck(v1alpha1.ReasonPermissionMissing, granted.Message)
		res.Add(granted)
		return res
	}
	res := fleetReport(t, look, now)
	res.Add(status.Condition(v1alpha1.ConditionPermissionsGranted, true, v1alpha1.ReasonPermissionsGranted, "the token carries every permission that is needed"))
	return res
}

// Stuck is a report that says why a tenant cannot be used, until a person mends it.
func Stuck(reason, message string) status.Report {
	return status.Report{Standing: status.Standing{State: status.Stuck, Reason: reason, Message: message}, Requeue: MistakeLook}
}

// fleetReport reports on the inventory, and on the clock by which it is judged.
func fleetReport(t *v1alpha1.Tenant, look observe.TenantLook, now time.Time) status.Report {
	inv := look.Inventory
	if look.Read {
		t.Status.Inventory = inventoryStatus(inv)
	}
	var res status.Report
	switch {
	case look.Err != nil:
		res = failure(t, look.Err, look.Doing, now)
	case len(troubles(inv)) > 0:
		res = troubled(t, inv, now)
	default:
		res = status.Report{
			Standing:   status.Standing{State: status.Current, Reason: v1alpha1.ReasonSucceeded, Message: "signed in, permissions granted, inventory fresh"},
			Conditions: []metav1.Condition{status.Condition(v1alpha1.ConditionInventoryFresh, true, v1alpha1.ReasonInventoryFresh, freshMessage(inv))},
		}
	}
	if inv != nil {
		res.Requeue = max(look.NextAt.Sub(now), time.Second)
	}
	clock(t, look, &res)
	if wait := look.Throttled; wait > 0 && meta.FindStatusCondition(res.Conditions, v1alpha1.ConditionThrottled) == nil { // a tenant that is throttled is slow, not broken
		until := now.Add(wait).UTC().Round(time.Second).Format(time.RFC3339)
		res.Add(status.Condition(v1alpha1.ConditionThrottled, true, v1alpha1.ReasonThrottled,
			"the tenant asked for fewer requests: some are held back until "+until))
		res.Requeue = min(res.Requeue, wait) // to take the condition away again
	}
	return res
}

// clock compares the clock of this machine with the tenant's. A wrong one needs a person, whatever else is well or not.
func clock(t *v1alpha1.Tenant, look observe.TenantLook, res *status.Report) {
	t.Status.ClockOffset = nil
	switch {
	case look.ClockOffset.Abs() > diagnosis.MaxClockOffset:
		t.Status.ClockOffset = &metav1.Duration{Duration: -look.ClockOffset.Round(time.Minute)}
		text := rollout.ClockText(look.ClockOffset)
		res.Standing = status.Standing{State: status.Stuck, Reason: v1alpha1.ReasonClockSkewed, Message: text}
		res.Requeue = min(res.Requeue, MistakeLook)
		res.Add(status.Condition(v1alpha1.ConditionClockInSync, false, v1alpha1.ReasonClockSkewed, text))
	case look.Err == nil:
		res.Add(status.Condition(v1alpha1.ConditionClockInSync, true, v1alpha1.ReasonClockInSync,
			fmt.Sprintf("the clock of the operator's node and that of Microsoft Graph differ by no more than %s", diagnosis.MaxClockOffset)))
	}
}

func permissionMessage(missing []v1alpha1.MissingPermission) string {
	parts := make([]string, len(missing))
	for i, m := range missing {
		parts[i] = fmt.Sprintf("%s (for %s)", m.Permission, m.NeededFor)
	}
	return "grant these application permissions to the app registration, with admin consent: " + strings.Join(parts, "; ")
}

func freshMessage(inv *fleet.Inventory) string {
	text := "devices and reports were read within the refresh interval"
	for _, p := range append(inv.Lists(), inv.Reports()...) {
		switch {
		case p.Err == nil:
		case p.Name == fleet.PartEncryption:
			text += fmt.Sprintf("; without the encryption report, so that devices which do not report encryption count as unknown: %s", graph.Readable(p.Err))
		default:
			text += fmt.Sprintf("; without the report of policy object %s, so that waves of that policy wait: %s", p.Name, graph.Readable(p.Err))
		}
	}
	for _, odd := range inv.Odd {
		text += fmt.Sprintf("; of %s, %d could not be read and count as not said (%s)", odd.List, odd.Items, odd.First)
	}
	if inv.Managed() > 0 && inv.EdgeVersions() == 0 {
		text += "; the app inventory has no version of Microsoft Edge, so that the version on every device counts as unknown: check that Intune collects it (docs/empty-lists.md)"
	}
	return text
}

// failure turns an error of the tenant into conditions. An outage of the service is in progress, not stuck: it ends by
// itself, and waves judge for themselves how old their evidence may be (P4).
func failure(t *v1alpha1.Tenant, err error, doing string, now time.Time) status.Report {
	return failing(t, err, fmt.Sprintf("cannot %s: %s%s", doing, graph.Readable(err), whereToLook(t, err)), now)
}

// failing is failure in given words.
func failing(t *v1alpha1.Tenant, err error, message string, now time.Time) status.Report {
	kind, reason := graph.KindOf(err), graph.Reason(err)
	res := status.Report{Standing: status.Standing{State: status.InProgress, Reason: reason, Message: message}, Requeue: graph.RetryDelay(err, now)}
	if kind == graph.KindCredential || kind == graph.KindUnauthorized || kind == graph.KindForbidden || kind == graph.KindInvalid {
		res.Standing.State = status.Stuck
		res.Requeue = max(res.Requeue, MistakeLook)
	}
	fresh := status.Unknown(v1alpha1.ConditionInventoryFresh, v1alpha1.ReasonInventoryPending, message)
	if t.Status.Inventory != nil {
		fresh = status.Condition(v1alpha1.ConditionInventoryFresh, false, v1alpha1.ReasonInventoryFailed, message)
	}
	res.Add(fresh)
	var e *graph.Error
	if errors.As(err, &e) && e.Kind == graph.KindThrottled {
		until := message
		if !e.RetryAt.IsZero() {
			until += "; it asks to come back at " + e.RetryAt.UTC().Round(time.Second).Format(time.RFC3339)
		}
		res.Add(status.Condition(v1alpha1.ConditionThrottled, true, v1alpha1.ReasonThrottled, until))
	}
	return res
}

// whereToLook names the fields behind a refused sign-in and behind a host that gives no answer.
func whereToLook(t *v1alpha1.Tenant, err error) string {
	var e *graph.Error
	switch {
	case !errors.As(err, &e):
		return ""
	case e.Kind == graph.KindCredential:
		return fmt.Sprintf("; spec.auth signs in as %s to tenant %s: see its app registration in Entra", credential.Application(t), t.Spec.TenantID)
	case e.Kind == graph.KindTransient && e.Status == 0 && t.Spec.Endpoint != nil:
		return fmt.Sprintf("; check that spec.endpoint.authorityURL %s and spec.endpoint.graphURL %s are right and up, and that spec.endpoint.caBundle holds the authority of their certificates",
			t.Spec.Endpoint.AuthorityURL, t.Spec.Endpoint.GraphURL)
	case e.Kind == graph.KindTransient && e.Status == 0:
		return fmt.Sprintf("; check that the operator may reach the hosts of cloud %s: network policy, proxy, DNS", t.Spec.Cloud)
	}
	return ""
}
