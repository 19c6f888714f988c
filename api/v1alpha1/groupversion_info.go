// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the Tidegate API: Tenant, PasskeyPolicy and PilotWave, their conditions and reasons, and
// WaveLedger, the operator's own record of an attempt.
// It has no behaviour that needs a client.
//
// +kubebuilder:object:generate=true
// +groupName=tidegate.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// GroupVersion is the group and version of every Tidegate resource.
	GroupVersion = schema.GroupVersion{Group: "tidegate.dev", Version: "v1alpha1"}

	// SchemeBuilder registers the kinds of this package with a scheme.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme adds the kinds of this package to a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&Tenant{}, &TenantList{},
		&PasskeyPolicy{}, &PasskeyPolicyList{},
		&PilotWave{}, &PilotWaveList{},
		&WaveLedger{}, &WaveLedgerList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
