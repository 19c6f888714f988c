// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package badinput

import (
	"io"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	uberzap "go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/tidegate/tidegate/internal/testkit"
	"github.com/tidegate/tidegate/internal/wire"
)

// processLog keeps what the libraries below the operator log, all tests long: their loggers can be set only once.
var processLog logBuffer

func TestMain(m *testing.M) {
	wire.UseLog(everything(&processLog))
	testkit.Main(m)
}

// everything is a logger in the format of production that leaves no level out.
func everything(to io.Writer) logr.Logger {
	level := uberzap.NewAtomicLevelAt(zapcore.Level(-100))
	return zap.New(zap.WriteTo(to), zap.Level(level))
}

// logBuffer is a log in memory.
type logBuffer struct {
	mu   sync.Mutex
	data []byte
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, p...)
	return len(p), nil
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.data)
}
