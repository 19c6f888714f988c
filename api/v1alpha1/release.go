// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Released says that a person lets the deletion of an object finish although the tenant cannot be cleaned (P7), by
// AnnotationReleaseFinalizer.
func Released(o metav1.Object) bool {
	return o.GetAnnotations()[AnnotationReleaseFinalizer] == "true"
}
