// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	"github.com/tidegate/tidegate/internal/fleet"
)

// TestMemoryLimitOfTheContainer reads the limit as both versions of control groups say it.
func TestMemoryLimitOfTheContainer(t *testing.T) {
	for name, test := range map[string]struct {
		file, text string
		want       int64
		bad        bool
	}{
		"version 2":       {"memory.max", "1073741824\n", 1 << 30, false},
		"version 2, none": {"memory.max", "max\n", 0, false},
		"version 1":       {"memory/memory.limit_in_bytes", "536870912\n", 512 << 20, false},
		"version 1, none": {"memory/memory.limit_in_bytes", "9223372036854771712\n", 0, false},
		"not a number":    {"memory.max", "much\n", 0, true},
		"nothing there":   {"other", "", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sys/fs/cgroup", test.file)
			root := filepath.Dir(filepath.Dir(filepath.Dir(filepath.Dir(path))))
			if filepath.Dir(test.file) != "." {
				root = filepath.Dir(root)
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := cgroupLimit(root)
			if got != test.want || (err != nil) != test.bad {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
}

// TestMemoryLimitOfTheEnvironment: who sets GOMEMLIMIT decides.
func TestMemoryLimitOfTheEnvironment(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(700 << 20)) // as the runtime does with the variable at its start
	t.Setenv("GOMEMLIMIT", "700MiB")
	if got := LimitMemory(); got != 700<<20 || debug.SetMemoryLimit(-1) != 700<<20 {
		t.Errorf("the limit is %d", got)
	}
	debug.SetMemoryLimit(math.MaxInt64)
	if got := LimitMemory(); got != 0 {
		t.Errorf("GOMEMLIMIT=off is %d", got)
	}
}

// TestDefaultLimitFitsLargeTenants: with the memory limit of the shipped Deployment a tenant of 200,000 devices and five policy
// objects is read beside its old inventory and beside that of another such tenant.
func TestDefaultLimitFitsLargeTenants(t *testing.T) {
	const devices, policies, shipped = 200_000, 5, 1 << 30
	kept := int64(2 * devices * (176 + 16*policies))
	if need, room := kept+fleet.ReadingCost(devices, policies), newRoom(shipped/100*(100-headroom)).Capacity(); need > room {
		t.Errorf("%d MiB are needed and %d MiB are there", need>>20, room>>20)
	}
}
