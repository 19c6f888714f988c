// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
)

// Reading is what is known of the ledger of an attempt.
type Reading = audience.Reading

// ErrStale says that the wave was written after the caller read it: what its status binds may be another generation by
// now. The next reconcile reads it again.
var ErrStale = errors.New("the wave has changed since it was read")

// Store keeps ledgers.
//
// It reads past the cache. An informer would hold 40 MiB for a million entries (BenchmarkInformerMemory), of every attempt
// that is kept and as long as the process lives, while a reconcile needs the ledger of one wave for a moment. A list by
// label is one request of a few hundred KiB for a usual wave, and is never older than the last write.
type Store struct {
	// Client writes.
	Client client.Client
	// Reader reads, past the cache.
	Reader client.Reader
	// Clock is the source of the times in bindings.
	Clock clock.PassiveClock
	// Bound returns what a wave's status binds the ledger of an attempt to; nil is nothing.
	Bound func(w *v1alpha1.PilotWave, attempt int32) *v1alpha1.LedgerBinding
}

// Load reads the ledger of an attempt. That it is lost or altered is a fact in the reading; an error is one of the API
// server.
func (s *Store) Load(ctx context.Context, w *v1alpha1.PilotWave, attempt int32) (Reading, error) {
	objects, err := s.objects(ctx, w, attempt)
	if err != nil {
		return Reading{}, err
	}
	return s.read(w, attempt, objects), nil
}

// LoadAll reads the ledgers of every attempt of which objects are stored.
func (s *Store) LoadAll(ctx context.Context, w *v1alpha1.PilotWave) (map[int32]Reading, error) {
	objects, err := s.list(ctx, w, ofWave(w))
	if err != nil {
		return nil, err
	}
	byAttempt := map[int32][]v1alpha1.WaveLedger{}
	for _, o := range objects {
		byAttempt[o.Spec.Attempt] = append(byAttempt[o.Spec.Attempt], o)
	}
	out := make(map[int32]Reading, len(byAttempt))
	for attempt, objects := range byAttempt {
		if objects, err = s.unlabelled(ctx, w, attempt, objects); err != nil {
			return nil, err
		}
		out[attempt] = s.read(w, attempt, objects)
	}
	return out, nil
}

func (s *Store) read(w *v1alpha1.PilotWave, attempt int32, objects []v1alpha1.WaveLedger) Reading {
	r, _ := audience.Read(chunksOf(objects), audience.WaveKeyOf(string(w.UID)), attempt, s.Bound(w, attempt))
	return r
}

// Save stores the ledger of an attempt and returns what the wave's status is to bind next. Chunks that do not change are
// not written. It is refused with [ErrStale] when the caller's wave is not the newest, and with an error when the ledger
// does not follow from the one that is stored, or that one is lost or altered: a record of exposures is never written over.
func (s *Store) Save(ctx context.Context, w *v1alpha1.PilotWave, l *audience.Ledger) (v1alpha1.LedgerBinding, error) {
	binding, err := s.save(ctx, w, l)
	if err != nil {
		return v1alpha1.LedgerBinding{}, fmt.Errorf("save the ledger of attempt %d of wave %q: %w", l.Attempt, w.Name, err)
	}
	return binding, nil
}

func (s *Store) save(ctx context.Context, w *v1alpha1.PilotWave, l *audience.Ledger) (v1alpha1.LedgerBinding, error) {
	bound := s.Bound(w, l.Attempt)
	if err := s.fresh(ctx, w, l.Attempt, bound); err != nil {
		return v1alpha1.LedgerBinding{}, err
	}
	objects, err := s.objects(ctx, w, l.Attempt)
	if err != nil {
		return v1alpha1.LedgerBinding{}, err
	}
	key := audience.WaveKeyOf(string(w.UID))
	if l.Wave != key {
		return v1alpha1.LedgerBinding{}, errors.New("it is the ledger of another wave")
	}
	reading, stored := audience.Read(chunksOf(objects), key, l.Attempt, bound)
	parts, err := encode(reading, stored, l, bound)
	if err != nil {
		return v1alpha1.LedgerBinding{}, err
	}
	if err := s.write(ctx, w, l, parts, objects); err != nil {
		return v1alpha1.LedgerBinding{}, err
	}
	return stored.Bind(l, bound, metav1.NewTime(s.Clock.Now())), nil
}

// encode returns the parts of l, if it may come after what is stored.
func encode(reading Reading, stored audience.Stored, l *audience.Ledger, bound *v1alpha1.LedgerBinding) ([]audience.Part, error) {
	switch reading.State {
	case audience.LedgerLost, audience.LedgerAltered:
		return nil, errors.New(reading.Message)
	case audience.LedgerOK:
		if err := l.Follows(reading.Ledger, bound.WrittenAt.Time); err != nil {
			return nil, fmt.Errorf("it does not follow from the one that is stored: %w", err)
		}
	}
	return stored.Encode(l, audience.NextGeneration(bound))
}

// fresh makes sure that what the caller knows to be bound is what the wave's status binds now. A ledger that is written
// over a generation that is bound already could not be told from a forged one.
func (s *Store) fresh(ctx context.Context, w *v1alpha1.PilotWave, attempt int32, bound *v1alpha1.LedgerBinding) error {
	var now v1alpha1.PilotWave
	if err := s.Reader.Get(ctx, client.ObjectKeyFromObject(w), &now); apierrors.IsNotFound(err) {
		return ErrStale
	} else if err != nil {
		return err
	}
	if now.UID != w.UID || !equality.Semantic.DeepEqual(s.Bound(&now, attempt), bound) {
		return ErrStale
	}
	return nil
}

// write stores the parts in ascending order, so that a ledger that grows has no gap after a crash, and removes what is
// left of a larger one that was never bound.
func (s *Store) write(ctx context.Context, w *v1alpha1.PilotWave, l *audience.Ledger, parts []audience.Part, objects []v1alpha1.WaveLedger) error {
	surplus := map[string]*v1alpha1.WaveLedger{}
	for i := range objects {
		surplus[objects[i].Name] = &objects[i]
	}
	for i, part := range parts {
		name := objectName(w.UID, l.Attempt, i)
		if err := s.put(ctx, w, l, surplus[name], i, part); err != nil {
			return fmt.Errorf("write chunk %d of %d: %w", i, len(parts), err)
		}
		delete(surplus, name)
	}
	for _, o := range surplus {
		if err := client.IgnoreNotFound(s.Client.Delete(ctx, o)); err != nil {
			return fmt.Errorf("remove what is left of a larger ledger: %w", err)
		}
	}
	return nil
}

// put writes one part over the object that was read, nil for none.
func (s *Store) put(ctx context.Context, w *v1alpha1.PilotWave, l *audience.Ledger, stored *v1alpha1.WaveLedger, i int, part audience.Part) error {
	if stored == nil {
		o := &v1alpha1.WaveLedger{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: objectName(w.UID, l.Attempt, i)}}
		fill(o, w, l, i, part)
		err := s.Client.Create(ctx, o)
		if !apierrors.IsAlreadyExists(err) {
			return err
		}
		// Of a first write, without its label: it could not be found.
		stored = &v1alpha1.WaveLedger{}
		if err := s.Reader.Get(ctx, client.ObjectKeyFromObject(o), stored); err != nil {
			return err
		}
	}
	o := stored.DeepCopy()
	if !fill(o, w, l, i, part) {
		return nil
	}
	return s.Client.Update(ctx, o)
}

// Delete removes the ledger of an attempt.
func (s *Store) Delete(ctx context.Context, w *v1alpha1.PilotWave, attempt int32) error {
	objects, err := s.objects(ctx, w, attempt)
	if err != nil {
		return err
	}
	for i := range objects {
		if err := client.IgnoreNotFound(s.Client.Delete(ctx, &objects[i])); err != nil {
			return fmt.Errorf("delete the ledger of attempt %d of wave %q: %w", attempt, w.Name, err)
		}
	}
	return nil
}

// objects reads the objects of an attempt.
func (s *Store) objects(ctx context.Context, w *v1alpha1.PilotWave, attempt int32) ([]v1alpha1.WaveLedger, error) {
	objects, err := s.list(ctx, w, ofAttempt(w, attempt))
	if err != nil {
		return nil, err
	}
	return s.unlabelled(ctx, w, attempt, objects)
}

// pageSize keeps an answer of the API server below 25 MB.
const pageSize = 32

func (s *Store) list(ctx context.Context, w *v1alpha1.PilotWave, labels client.MatchingLabels) ([]v1alpha1.WaveLedger, error) {
	var objects []v1alpha1.WaveLedger
	for next := ""; ; {
		var page v1alpha1.WaveLedgerList
		if err := s.Reader.List(ctx, &page, client.InNamespace(w.Namespace), labels, client.Limit(pageSize), client.Continue(next)); err != nil {
			return nil, fmt.Errorf("read the ledgers of wave %q: %w", w.Name, err)
		}
		objects = append(objects, page.Items...)
		if next = page.Continue; next == "" {
			return objects, nil
		}
	}
}

// unlabelled adds the chunks of the bound ledger that the labels did not find: somebody took theirs away.
func (s *Store) unlabelled(ctx context.Context, w *v1alpha1.PilotWave, attempt int32, objects []v1alpha1.WaveLedger) ([]v1alpha1.WaveLedger, error) {
	for i := range audience.ChunksOf(s.Bound(w, attempt)) {
		name := objectName(w.UID, attempt, i)
		if slices.ContainsFunc(objects, func(o v1alpha1.WaveLedger) bool { return o.Name == name }) {
			continue
		}
		var o v1alpha1.WaveLedger
		err := s.Reader.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: name}, &o)
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("read the ledgers of wave %q: %w", w.Name, err)
		}
		if err == nil {
			objects = append(objects, o)
		}
	}
	return objects, nil
}
