// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// told are the outcomes that a device reports itself: they are its word.
var told = []diagnosis.Kind{diagnosis.Succeeded, diagnosis.Failed, diagnosis.Conflict, diagnosis.NotApplicable}

// silent are the outcomes of a device that has nothing to say of this exposure now.
var silent = []diagnosis.Kind{diagnosis.Exposed, diagnosis.Seen, diagnosis.Stale, diagnosis.Dark}

// lapsed are the reasons for which a good report no longer counts although it is there: nobody has heard of the device for long.
var lapsed = []string{diagnosis.ReasonOffline, diagnosis.ReasonNeverSynced, diagnosis.ReasonSilent}

// remember is the outcome of an entry whose present facts say o. Where they say less than its last word did, that word counts:
// a failure is not undone by the device's going away, and neither is a success (P15).
func remember(o diagnosis.Outcome, e audience.Entry) diagnosis.Outcome {
	word := diagnosis.Kind(e.Last.Kind.String())
	if !slices.Contains(silent, o.Kind) || !slices.Contains(told, word) {
		return o
	}
	bad := word == diagnosis.Failed || word == diagnosis.Conflict
	if !bad && slices.Contains(lapsed, o.Reason) {
		return o
	}
	w := wordOutcome(word, e)
	w.Matured, w.SeenSince = o.Matured, true
	return w
}

// wordOutcome is what a last word amounts to.
func wordOutcome(word diagnosis.Kind, e audience.Entry) diagnosis.Outcome {
	o := diagnosis.Outcome{Kind: word, SeenSince: true, Detail: fmt.Sprintf("its last word, of %s, and it says nothing now", e.Last.At)}
	switch word {
	case diagnosis.Failed:
		o.Mode, o.Reason = diagnosis.ModeConflict, diagnosis.ReasonPolicyError
	case diagnosis.Conflict:
		o.Mode, o.Reason = diagnosis.ModeConflict, diagnosis.ReasonPolicyConflict
	case diagnosis.NotApplicable:
		o.Mode, o.Reason = diagnosis.ModeNotApplied, diagnosis.ReasonNotApplicable
	default:
		o.Reason = diagnosis.ReasonApplied
	}
	return o
}
