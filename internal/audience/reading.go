// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// ReadingState says what is known of the ledger of an attempt.
type ReadingState string

// States of a ledger. Nothing is exposed or promoted by one that is not OK.
const (
	// LedgerNone: the status binds no ledger. The attempt has resolved no audience, or a crash ended its first write;
	// nothing of it was exposed, and the audience is resolved again.
	LedgerNone ReadingState = "None"
	// LedgerOK: the ledger is the one that the status binds, or what the operator made of it since.
	LedgerOK ReadingState = "OK"
	// LedgerLost: the status binds a ledger, and all or a part of it is gone.
	LedgerLost ReadingState = "Lost"
	// LedgerAltered: the ledger is not the one that the status binds: damaged, edited, forged, or of another wave.
	LedgerAltered ReadingState = "Altered"
)

// Reading is what is known of the ledger of an attempt. It is a fact and not an error: a person's abort, rollback and
// deletion act whatever it says (P9).
type Reading struct {
	State ReadingState
	// Message says what was found and, when the ledger is lost or altered, what to do.
	Message string
	// Ledger is the newest that is written down. It is set when the state is OK; with None it may be set too, when a first
	// write is whole and the status does not bind it, and then says only what was about to be frozen.
	Ledger *Ledger
	// Ahead says that the ledger has changes that the status does not bind yet, as after a crash between the two. Saving
	// it again as it is returns what the status is to bind.
	Ahead bool
}

// Read judges the stored chunks of one attempt of a wave, in any order, by what the wave's status binds; nil is nothing.
func Read(chunks [][]byte, wave WaveKey, attempt int32, bound *v1alpha1.LedgerBinding) (Reading, Stored) {
	if bound == nil {
		return readUnbound(chunks, wave, attempt)
	}
	if len(chunks) == 0 {
		return unusable(attempt, fmt.Errorf("%w: there is no chunk at all", errMissing)), Stored{}
	}
	s, err := decode(chunks)
	if err == nil {
		err = s.belongs(wave, attempt)
	}
	if err != nil {
		return unusable(attempt, err), Stored{}
	}
	r, err := s.bound(bound)
	if err != nil {
		return unusable(attempt, err), Stored{}
	}
	return r, s
}

// readUnbound reads a ledger that no status binds: a first write, whole or not, of which nothing was exposed. One that was
// changed since its first write has been bound, so the status was lost, and with it who is exposed.
func readUnbound(chunks [][]byte, wave WaveKey, attempt int32) (Reading, Stored) {
	for _, data := range chunks {
		if c, err := decodeChunk(data); err == nil && c.generation > 1 && c.Wave == wave && c.Attempt == attempt {
			return unusable(attempt, fmt.Errorf("it is of generation %d, and the wave's status, which has known it, knows none", c.generation)), Stored{}
		}
	}
	s, err := decode(chunks)
	switch {
	case len(chunks) == 0:
		return Reading{State: LedgerNone, Message: fmt.Sprintf("attempt %d has no ledger", attempt)}, Stored{}
	case err != nil || s.belongs(wave, attempt) != nil:
		return Reading{State: LedgerNone, Message: fmt.Sprintf("the first ledger of attempt %d was not written to its end", attempt)}, Stored{}
	}
	l := s.at(1)
	if !s.complete() || l.validate() != nil {
		return Reading{State: LedgerNone, Message: fmt.Sprintf("the first ledger of attempt %d was not written to its end", attempt)}, s
	}
	return Reading{State: LedgerNone, Ledger: &l, Message: fmt.Sprintf("the ledger of attempt %d is written, and the wave's status does not bind it yet", attempt)}, s
}

// belongs says whether the ledger is of that attempt of that wave.
func (s Stored) belongs(wave WaveKey, attempt int32) error {
	switch h := s.chunks[0].Header; {
	case h.Wave != wave:
		return errors.New("it was written for another wave")
	case h.Attempt != attempt:
		return fmt.Errorf("it was written for attempt %d", h.Attempt)
	}
	return nil
}

// bound reads a ledger as the one that the status binds, or its successor.
func (s Stored) bound(b *v1alpha1.LedgerBinding) (Reading, error) {
	if g := s.newest(); g > b.Generation+1 {
		return Reading{}, fmt.Errorf("it is of generation %d and the wave's status of %d", g, b.Generation)
	}
	then := s.at(b.Generation)
	if len(then.Entries) < int(b.Entries) {
		return Reading{}, fmt.Errorf("%w: %d of %d entries are there", errMissing, len(then.Entries), b.Entries)
	}
	if d := then.Digest(); d != b.Digest {
		return Reading{}, fmt.Errorf("its digest is %s and the wave's status binds %s", d, b.Digest)
	}
	if c := then.Counts(); c.Entries != int(b.Entries) || c.Asked != int(b.Asked) || c.Confirmed != int(b.Confirmed) {
		return Reading{}, fmt.Errorf("it has %d entries, %d asked for and %d confirmed, and the wave's status says %d, %d and %d",
			c.Entries, c.Asked, c.Confirmed, b.Entries, b.Asked, b.Confirmed)
	}
	if err := s.contiguous(); err != nil {
		return Reading{}, err
	}
	if s.newest() <= b.Generation { // the digest is proof that it is as it was when it was stored
		return Reading{State: LedgerOK, Ledger: &then, Message: fmt.Sprintf("the ledger of attempt %d is as the wave's status says", then.Attempt)}, nil
	}
	l := s.at(b.Generation + 1)
	if err := l.validate(); err != nil {
		return Reading{}, err
	}
	if err := l.Follows(&then, b.WrittenAt.Time); err != nil {
		return Reading{}, fmt.Errorf("it does not follow from what the wave's status binds: %w", err)
	}
	return Reading{State: LedgerOK, Ledger: &l, Ahead: true,
		Message: fmt.Sprintf("the ledger of attempt %d has changes that the wave's status does not bind yet", l.Attempt)}, nil
}

// unusable is the reading of a ledger that does not fit the status.
func unusable(attempt int32, err error) Reading {
	const remedy = "this attempt exposes and promotes nobody any more; restore the WaveLedgers of the wave as they were, " +
		"or abort it or roll it back, which need no ledger, and request a retry"
	if errors.Is(err, errMissing) || errors.Is(err, errTruncated) {
		return Reading{State: LedgerLost, Message: fmt.Sprintf("the ledger of attempt %d is lost: %s; %s", attempt, err, remedy)}
	}
	return Reading{State: LedgerAltered, Message: fmt.Sprintf("the ledger of attempt %d is not as the operator wrote it: %s; %s", attempt, err, remedy)}
}

// Bind returns what the status is to say of the ledger once it is stored by [Stored.Encode] over s, where the status binds
// bound so far. Nothing changes when the ledger is the one that is bound.
func (s Stored) Bind(l *Ledger, bound *v1alpha1.LedgerBinding, now metav1.Time) v1alpha1.LedgerBinding {
	digest := l.Digest()
	if bound != nil && digest == bound.Digest && s.newest() <= bound.Generation {
		return *bound
	}
	c := l.Counts()
	return v1alpha1.LedgerBinding{
		Digest: digest, Generation: NextGeneration(bound), Entries: int32(c.Entries), Asked: int32(c.Asked), Confirmed: int32(c.Confirmed),
		WrittenAt: metav1.NewTime(now.UTC()).Rfc3339Copy(),
	}
}
