// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Stamp is a time as the API keeps it: in whole seconds of UTC, rounded down. A time that is compared with one from a
// status has to be stamped first, or it differs from its own record.
func Stamp(t time.Time) metav1.Time { return metav1.NewTime(t.UTC().Truncate(time.Second)) }

// StampOf is Stamp for an optional field: nil for the zero time.
func StampOf(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	at := Stamp(t)
	return &at
}

// Minute renders a time for people, to the minute and in UTC.
func Minute(t time.Time) string { return t.UTC().Format("2006-01-02T15:04Z") }
