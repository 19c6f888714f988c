// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// effect is what each device is targeted by at one moment: revisions by managed device id, 0 is hold. It is what Intune acts
// on, neither what status says nor what the directory holds.
type effect map[string][]int32

// count of the devices that a revision reaches.
func (e effect) count(revision int32) int {
	n := 0
	for _, has := range e {
		if slices.Contains(has, revision) {
			n++
		}
	}
	return n
}

// single wants no device to be targeted twice.
func (e effect) single() error {
	for _, device := range slices.Sorted(maps.Keys(e)) {
		if has := e[device]; len(has) > 1 {
			return fmt.Errorf("device %s is targeted by %s at once", device, names(has))
		}
	}
	return nil
}

// keeps wants each device that had one of the revisions before, and that something still reaches, to have one of allowed
// now. A device that left the tenant is nobody's.
func (e effect) keeps(before effect, had []int32, allowed ...int32) error {
	for _, device := range slices.Sorted(maps.Keys(before)) {
		has, there := e[device]
		if !there || !overlap(before[device], had) || overlap(has, allowed) {
			continue
		}
		return fmt.Errorf("device %s had %s and has %s, want %s", device, names(before[device]), names(has), strings.Join(each(allowed), " or "))
	}
	return nil
}

func overlap(a, b []int32) bool {
	return slices.ContainsFunc(a, func(r int32) bool { return slices.Contains(b, r) })
}

func names(revisions []int32) string { return strings.Join(each(revisions), " and ") }

func each(revisions []int32) []string {
	var out []string
	for _, r := range revisions {
		out = append(out, nameOf(r))
	}
	return out
}

// nameOf a revision for a person.
func nameOf(revision int32) string {
	if revision == 0 {
		return "hold"
	}
	return fmt.Sprintf("r%d", revision)
}
