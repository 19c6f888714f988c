// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package execute

import (
	"errors"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
)

// Result says what became of an action.
type Result string

// The results of an action.
const (
	// Applied: the tenant took the change.
	Applied Result = "Applied"
	// AlreadyTrue: there was nothing to change.
	AlreadyTrue Result = "AlreadyTrue"
	// Rejected: the tenant refused, and will again until a person or another decision changes something.
	Rejected Result = "Rejected"
	// Waiting: people have to approve the write first, or its approval has to take effect (contract m).
	Waiting Result = "Waiting"
	// Declined: the approval of the write was refused; it is not sent until a person asks for that.
	Declined Result = "Declined"
	// Retry: the tenant did not take the change this time; it is safe to try again.
	Retry Result = "Retry"
	// Unknown: the answer was lost. Look before the next step; never repeat blindly (P5).
	Unknown Result = "Unknown"
)

// Outcome is the result of one action.
type Outcome struct {
	Result Result
	// ID of the object that a create made.
	ID string
	// Refused are the members that the tenant does not take, one by one; asking again is of no use until something changes.
	Refused []Refusal
	// Err is why the result is not Applied or AlreadyTrue; of Waiting and Declined it is a sentence for a person.
	Err error
	// Action that was tried; nil for a write that is not part of a plan, and when nothing was tried.
	Action *plan.Action
}

// Taken says that the tenant is now as the action wants it.
func (o Outcome) Taken() bool { return o.Result == Applied || o.Result == AlreadyTrue }

// Refusal is one device or user that the tenant does not take into a group.
type Refusal struct {
	Member audience.ID
	Reason graph.RefusalReason
	// Err is what the tenant said.
	Err error
}

// outcome names what an error of a write means.
func outcome(err error) Outcome {
	if err == nil {
		return Outcome{Result: Applied}
	}
	o := Outcome{Result: Retry, Err: err}
	var e *graph.Error
	if !errors.As(err, &e) {
		o.Result = Unknown
		return o
	}
	switch {
	case e.OutcomeUnknown:
		o.Result = Unknown
	case e.Kind == graph.KindThrottled, e.Kind == graph.KindTransient, e.Kind == graph.KindConflict:
		o.Result = Retry
	default:
		o.Result = Rejected
	}
	return o
}
