// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cluster writes to the API server what the operator says of its own objects: their status and their finalizer. Each
// write carries the operator's name and fails when somebody else wrote in between.
package cluster

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// FieldOwner is the name under which the operator writes to the API server.
const FieldOwner = "tidegate"

// PatchStatus writes the difference between before and after to the status subresource, and nothing when there is none
// (P12). The write fails when somebody else wrote in between: a decision is never recorded over one it has not seen.
func PatchStatus(ctx context.Context, c client.Client, before, after client.Object) error {
	if equality.Semantic.DeepEqual(before, after) {
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := c.Status().Patch(ctx, after, patch, client.FieldOwner(FieldOwner)); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	return nil
}

// SetFinalizer adds or removes the operator's finalizer and leaves the object as the API server answered.
func SetFinalizer(ctx context.Context, c client.Client, obj client.Object, on bool) error {
	before, _ := obj.DeepCopyObject().(client.Object)
	changed := false
	if on {
		changed = controllerutil.AddFinalizer(obj, v1alpha1.Finalizer)
	} else {
		changed = controllerutil.RemoveFinalizer(obj, v1alpha1.Finalizer)
	}
	if !changed {
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := c.Patch(ctx, obj, patch, client.FieldOwner(FieldOwner)); err != nil {
		return fmt.Errorf("set finalizer: %w", err)
	}
	return nil
}
