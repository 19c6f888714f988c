// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

// fleet is every device of the tenant and the order of their check-ins.
type fleet struct {
	devices []device
	due     dueHeap
	events  fleetEvents
	// requested counts the changes of devices that requests made.
	requested uint64
	// everybody are the start groups that take every device, starters the other
	// static start groups of devices.
	everybody, starters []*group
	scratch             []*policy
	rules               []activeRule // nil: to be built from the scenario
	// apps is the inventory by application as of appsGen.
	apps                  []*detectedApp
	appsGen, inventoryGen uint64
}

// due is one planned check-in. Entries whose time is not the device's nextSync
// are void.
type due struct {
	at     int64
	device int32
}

func (a due) before(b due) bool {
	return a.at < b.at || a.at == b.at && a.device < b.device
}

// dueHeap is a binary heap by time, then device, so that the order of events
// is the same in every run. container/heap would box each entry.
type dueHeap []due

func (h *dueHeap) push(e due) {
	*h = append(*h, e)
	a := *h
	for i := len(a) - 1; i > 0; {
		parent := (i - 1) / 2
		if !a[i].before(a[parent]) {
			return
		}
		a[i], a[parent] = a[parent], a[i]
		i = parent
	}
}

// first is when the earliest entry is due.
func (h dueHeap) first() int64 {
	if len(h) == 0 {
		return never
	}
	return h[0].at
}

// pop removes the earliest entry; the heap must not be empty.
func (h *dueHeap) pop() due {
	a := *h
	top := a[0]
	last := len(a) - 1
	a[0] = a[last]
	a = a[:last]
	*h = a
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return top
		}
		if right := child + 1; right < last && a[right].before(a[child]) {
			child = right
		}
		if !a[child].before(a[i]) {
			return top
		}
		a[i], a[child] = a[child], a[i]
		i = child
	}
}
