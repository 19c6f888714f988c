// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"encoding/json"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestStamp: a stamped time survives the API server, whatever its zone and its fraction of a second.
func TestStamp(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 999_999_999, time.FixedZone("CET", 3600))
	want := time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)
	for name, got := range map[string]metav1.Time{"Stamp": Stamp(at), "StampOf": *StampOf(at)} {
		raw, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var back metav1.Time
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatal(err)
		}
		if !got.Time.Equal(want) || got.Location() != time.UTC || !back.Equal(&got) {
			t.Errorf("%s: %s, and %s out of %s", name, got, back, raw)
		}
	}
	if got := StampOf(time.Time{}); got != nil {
		t.Errorf("the zero time is %s", got)
	}
	if got := Minute(at); got != "2026-03-02T07:00Z" {
		t.Errorf("%s", got)
	}
}
