// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"log/slog"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// maxLevel is the most detailed level that reaches the log, whatever the flags ask for. At level 8 and above the
// Kubernetes client library writes whole bodies of requests and answers, and a body can be a Secret (P8).
const maxLevel = 6

// UseLog makes l the log of the process: of the operator, of the Kubernetes libraries, and of what writes to the standard
// library's loggers. Call it once, before NewManager.
func UseLog(l logr.Logger) {
	l = quiet(l)
	ctrl.SetLogger(l)
	// Without the option for contextual logging klog keeps its own level, which is 0: nothing below it carries bodies.
	klog.SetLogger(l)
	slog.SetDefault(slog.New(logr.ToSlogHandler(l))) // takes the log package along
}

// quiet limits a logger to maxLevel.
func quiet(l logr.Logger) logr.Logger {
	sink := l.GetSink()
	if _, done := sink.(limited); done || sink == nil {
		return l
	}
	return l.WithSink(limited{sink})
}

// limited is a sink without the levels above maxLevel.
type limited struct{ logr.LogSink }

// Enabled implements logr.LogSink.
func (s limited) Enabled(level int) bool { return level <= maxLevel && s.LogSink.Enabled(level) }

// WithName implements logr.LogSink.
func (s limited) WithName(name string) logr.LogSink { return limited{s.LogSink.WithName(name)} }

// WithValues implements logr.LogSink.
func (s limited) WithValues(kv ...any) logr.LogSink { return limited{s.LogSink.WithValues(kv...)} }

// WithCallDepth implements logr.CallDepthLogSink, so that a line names the caller where the sink below can tell it.
func (s limited) WithCallDepth(depth int) logr.LogSink {
	if below, ok := s.LogSink.(logr.CallDepthLogSink); ok {
		return limited{below.WithCallDepth(depth)}
	}
	return s
}
