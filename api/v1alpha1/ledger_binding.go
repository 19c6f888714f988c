// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// LedgerBinding ties a status to one state of the operator's record of an attempt: what is stored under another digest was
// altered.
type LedgerBinding struct {
	// digest of the whole record.
	Digest string `json:"digest"`

	// membership is the digest of the ids in it alone.
	// +optional
	Membership string `json:"membership,omitempty"`

	// entries is the number of devices or users in it.
	Entries int32 `json:"entries"`

	// asked is how many of them the operator asked the tenant to expose.
	Asked int32 `json:"asked"`

	// confirmed is how many of those the tenant has shown as members of the group.
	Confirmed int32 `json:"confirmed"`

	// writtenAt is when this state was stored.
	WrittenAt metav1.Time `json:"writtenAt"`
}
