// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"

	"github.com/tidegate/tidegate/internal/room"
)

const (
	// headroom is the share of the memory limit that Go does not use, in percent: stacks of the kernel, mapped files, and what
	// is allocated while the collector is at work.
	headroom = 10
	// baseMemory is what the process uses beside the readings of tenants: its code, the caches of the cluster's objects and
	// the decisions on waves.
	baseMemory = 96 << 20
	// unlimitedMemory is what readings share where the process has no limit.
	unlimitedMemory = 4 << 30
)

// LimitMemory tells Go how much memory this process has, so that it collects before the kernel kills: the limit of its
// container less some headroom, unless the environment says GOMEMLIMIT. It returns the limit that holds, in bytes, 0 for none.
func LimitMemory() int64 {
	if os.Getenv("GOMEMLIMIT") != "" {
		return known(debug.SetMemoryLimit(-1))
	}
	limit, err := cgroupLimit("/")
	if err != nil || limit == 0 {
		return 0 // no container, or one without a limit
	}
	limit = limit / 100 * (100 - headroom)
	debug.SetMemoryLimit(limit)
	return limit
}

// known makes the value that stands for no limit 0.
func known(limit int64) int64 {
	if limit == math.MaxInt64 {
		return 0
	}
	return limit
}

// cgroupLimit reads the memory limit of the container below root, of either version of control groups; 0 for no limit.
func cgroupLimit(root string) (int64, error) {
	text, err := os.ReadFile(filepath.Join(root, "sys/fs/cgroup/memory.max"))
	if errors.Is(err, os.ErrNotExist) {
		text, err = os.ReadFile(filepath.Join(root, "sys/fs/cgroup/memory/memory.limit_in_bytes"))
	}
	if err != nil {
		return 0, err
	}
	word := string(bytes.TrimSpace(text))
	if word == "max" {
		return 0, nil
	}
	limit, err := strconv.ParseInt(word, 10, 64)
	if err != nil || limit <= 0 {
		return 0, fmt.Errorf("the memory limit of the control group is %q, which is no number of bytes", word)
	}
	if limit > 1<<50 { // version 1 says no limit by a number that no machine has
		return 0, nil
	}
	return limit, nil
}

// newRoom is what the readings of all tenants share of a memory limit.
func newRoom(limit int64) *room.Room {
	if limit <= 0 {
		return room.New(unlimitedMemory)
	}
	return room.New(max(limit-baseMemory, limit/4))
}
