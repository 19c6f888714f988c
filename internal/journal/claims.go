// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// claimTime is how long a wave may hold the lock. It is held within one reconcile; one that was cut off holds it until its wave
// comes by again, or until this has passed.
const claimTime = 10 * time.Minute

// Claims is the lock of a policy under which its waves freeze their audiences, one at a time: an object that is made to take it
// and deleted to give it back. It is a WaveLedger, since nobody but the operator may write those.
type Claims struct {
	// Client writes.
	Client client.Client
	// Reader reads, past the cache.
	Reader client.Reader
	// Clock is the source of the time at which the lock was taken.
	Clock clock.PassiveClock
}

func claimName(p *v1alpha1.PasskeyPolicy) string { return fmt.Sprintf("tidegate-claims-%s", p.UID) }

// Acquire takes the lock of a policy for a wave in Resolving. holder is the name of the wave that has it, empty when w does. A
// holder that is gone, deleted, no longer Resolving, or that has had it for too long is replaced.
func (c *Claims) Acquire(ctx context.Context, p *v1alpha1.PasskeyPolicy, w *v1alpha1.PilotWave) (holder string, err error) {
	o := &v1alpha1.WaveLedger{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: claimName(p)}}
	c.fill(o, p, w)
	err = c.Client.Create(ctx, o)
	if err == nil || !apierrors.IsAlreadyExists(err) {
		return "", wrapClaim("take", p, err)
	}
	if err := c.Reader.Get(ctx, client.ObjectKeyFromObject(o), o); apierrors.IsNotFound(err) {
		return "another wave", nil // given back a moment ago
	} else if err != nil {
		return "", wrapClaim("read", p, err)
	}
	if o.Spec.Wave.UID != w.UID {
		free, err := c.abandoned(ctx, o)
		if err != nil || !free {
			return o.Spec.Wave.Name, wrapClaim("read the holder of", p, err)
		}
	}
	was := o.Spec.Wave.Name
	c.fill(o, p, w)
	if err := c.Client.Update(ctx, o); apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return was, nil // somebody else was faster
	} else if err != nil {
		return "", wrapClaim("take", p, err)
	}
	return "", nil
}

// fill names the holder. The wave's own ledgers are found by labels, which a lock does not have.
func (c *Claims) fill(o *v1alpha1.WaveLedger, p *v1alpha1.PasskeyPolicy, w *v1alpha1.PilotWave) {
	o.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(p, v1alpha1.GroupVersion.WithKind("PasskeyPolicy"))}
	o.Spec = v1alpha1.WaveLedgerSpec{
		Wave: v1alpha1.LedgerWave{Name: w.Name, UID: w.UID}, Attempt: max(1, w.Status.Attempt), Revision: w.Status.Revision,
		Unit: v1alpha1.LedgerUnitDevice, Generation: 1, Chunks: 1, Data: []byte(c.Clock.Now().UTC().Format(time.RFC3339)),
	}
}

// abandoned says that the holder of the lock does not need it any more.
func (c *Claims) abandoned(ctx context.Context, o *v1alpha1.WaveLedger) (bool, error) {
	taken, err := time.Parse(time.RFC3339, string(o.Spec.Data))
	if age := c.Clock.Now().Sub(taken); err != nil || age >= claimTime {
		return true, nil
	}
	var w v1alpha1.PilotWave
	err = c.Reader.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: o.Spec.Wave.Name}, &w)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return w.UID != o.Spec.Wave.UID || !w.DeletionTimestamp.IsZero() || w.Status.Phase != v1alpha1.PhaseResolving, nil
}

// Release gives the lock back, if w has it.
func (c *Claims) Release(ctx context.Context, p *v1alpha1.PasskeyPolicy, w *v1alpha1.PilotWave) error {
	o := &v1alpha1.WaveLedger{}
	err := c.Reader.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: claimName(p)}, o)
	if apierrors.IsNotFound(err) || err == nil && o.Spec.Wave.UID != w.UID {
		return nil
	}
	if err == nil {
		err = c.Client.Delete(ctx, o, client.Preconditions{UID: &o.UID, ResourceVersion: &o.ResourceVersion})
	}
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return wrapClaim("give back", p, err)
}

func wrapClaim(verb string, p *v1alpha1.PasskeyPolicy, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s the lock of the waves of PasskeyPolicy %q: %w", verb, p.Name, err)
}
