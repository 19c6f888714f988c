// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// ApprovalStep says how to go on with a write that Multi Admin Approval may hold back (contract m).
type ApprovalStep string

// The steps of an approval.
const (
	// SendPlain: nothing was asked for this write yet. Send it; a tenant that wants an approval says so.
	SendPlain ApprovalStep = "SendPlain"
	// FindRequest: the answer that carries the code was lost. Look for the request; never open another one blindly.
	FindRequest ApprovalStep = "FindRequest"
	// AwaitPeople: nobody has decided.
	AwaitPeople ApprovalStep = "AwaitPeople"
	// TryPlain: somebody asks to look again at a write that waits. Send it without asking for anything: where the tenant
	// does not want an approval any more it goes through, and elsewhere no request is opened (contract m).
	TryPlain ApprovalStep = "TryPlain"
	// SendApproved: send the same bytes under the code.
	SendApproved ApprovalStep = "SendApproved"
	// AwaitEffect: the write went through; wait until the tenant shows it.
	AwaitEffect ApprovalStep = "AwaitEffect"
	// StopRefused: people said no, or nobody said anything in time.
	StopRefused ApprovalStep = "StopRefused"
)

// ApprovalRequest is what the tenant says about a request. The words of Status are those of Graph.
type ApprovalRequest struct {
	Status string
	// ChangedAt is when the status last changed; zero when the tenant does not say.
	ChangedAt time.Time
}

// ApprovalLag is how long a tenant may take to show a request, or the effect of an approved write, before what was lost
// counts as never made. ASSUMED; two minutes is what lost creates get as well.
const ApprovalLag = 2 * time.Minute

// NextApproval decides on the pending approval of a write. request is nil when the tenant does not know one. A word that
// Graph may add to its list of statuses means: not decided.
func NextApproval(p *v1alpha1.PendingApproval, retry string, request *ApprovalRequest, now time.Time) ApprovalStep {
	asked := retry != "" && p != nil && retry != p.Retry // annotation retry-requested-at has a value that was not used before
	switch {
	case p == nil, Refused(p) && asked:
		return SendPlain
	case Refused(p):
		return StopRefused
	}
	if request == nil {
		return withoutRequest(p, asked, now)
	}
	switch request.Status {
	case "approved":
		return SendApproved
	case "completed":
		done := request.ChangedAt
		if done.IsZero() {
			done = p.RequestedAt.Time
		}
		if now.Sub(done) < ApprovalLag {
			return AwaitEffect
		}
		return SendPlain // it was done, and has been undone since
	}
	_, refused := refusals[request.Status]
	switch {
	case refused:
		return StopRefused
	case asked:
		return TryPlain
	}
	return AwaitPeople
}

// withoutRequest decides where the tenant shows no request. One that has a code and is not shown may be late or may have
// been purged; one empty answer must not end it (P4), so a person says when to ask anew.
func withoutRequest(p *v1alpha1.PendingApproval, asked bool, now time.Time) ApprovalStep {
	late := Overdue(p, now)
	switch {
	case p.Code == "" && late: // the request was never opened
		return SendPlain
	case p.Code == "":
		return FindRequest
	case late && asked:
		return SendPlain
	}
	return AwaitPeople
}

// Overdue says that the tenant has had time to show the request.
func Overdue(p *v1alpha1.PendingApproval, now time.Time) bool {
	return now.Sub(p.RequestedAt.Time) >= ApprovalLag
}

// refusals are the statuses after which a write is not sent (contract m).
var refusals = map[string]v1alpha1.ApprovalState{
	"rejected": v1alpha1.ApprovalRejected, "cancelled": v1alpha1.ApprovalCancelled, "expired": v1alpha1.ApprovalExpired,
}

// Refusal is the state to record when NextApproval said StopRefused.
func Refusal(p *v1alpha1.PendingApproval, request *ApprovalRequest) v1alpha1.ApprovalState {
	if Refused(p) {
		return p.State
	}
	return refusals[request.Status]
}

// Refused says that the approval was asked for in vain.
func Refused(p *v1alpha1.PendingApproval) bool {
	return p.State == v1alpha1.ApprovalRejected || p.State == v1alpha1.ApprovalCancelled || p.State == v1alpha1.ApprovalExpired
}

// KeepApprovals are the pending approvals that the actions still need; all others are for writes that nobody wants any
// more. While a create is looked for, what is pending for its policy stays.
func KeepApprovals(pending []v1alpha1.PendingApproval, actions []Action) []v1alpha1.PendingApproval {
	return slices.DeleteFunc(slices.Clone(pending), func(p v1alpha1.PendingApproval) bool {
		return !slices.ContainsFunc(actions, func(a Action) bool {
			if a.Kind == LookUp {
				return a.Key == Key{Role: p.Role, Platform: p.Platform, Revision: p.Revision}
			}
			return a.Fingerprint() == p.Fingerprint
		})
	})
}

// maxJustification is the longest justification in characters (contract m).
const maxJustification = 1024

// Justification tells the people who decide what is to be written and for whom. It ends with a reference to the pending
// approval, by which its request is found again.
func Justification(policy string, p *v1alpha1.PendingApproval) string {
	head := []rune(fmt.Sprintf("Tidegate for PasskeyPolicy %s: %s", policy, p.Action))
	tail := " " + Reference(p)
	if room := maxJustification - len(tail); len(head) > room {
		head = append(head[:room-1], '…')
	}
	return string(head) + tail
}

// Reference names one request in its justification: the same write is asked for again only at another time.
func Reference(p *v1alpha1.PendingApproval) string {
	return fmt.Sprintf("[ref %s-%d]", p.Fingerprint, p.RequestedAt.Unix())
}
