// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/tidegate/tidegate/internal/room"
)

// Cloud names the Microsoft cloud that a tenant lives in. Tokens do not cross clouds (contract l.4).
type Cloud string

// The clouds of contract l.4. Global also serves tenants of GCC (moderate).
const (
	CloudGlobal         Cloud = "Global"
	CloudUSGovernmentL4 Cloud = "USGovernmentL4"
	CloudUSGovernmentL5 Cloud = "USGovernmentL5"
	CloudChina          Cloud = "China"
)

// Config says which tenant a Client serves and how. Durations and counts of zero take the defaults named here.
type Config struct {
	// TenantID is the directory id (a GUID) or a verified domain name. Required.
	TenantID string
	// Cloud defaults to Global.
	Cloud Cloud
	// Auth names exactly one way to prove the application's identity. Required.
	Auth Auth
	// Endpoint replaces the hosts of Cloud; nil means the hosts of contract l.4.
	Endpoint *Endpoint
	// AllowedHosts are those that Endpoint may name, and that an export may be fetched from beside the cloud's storage.
	AllowedHosts HostList
	// UserAgent is sent with each request; empty means "tidegate".
	UserAgent string
	// Limits bounds the request rate by workload class; a zero Limit means half of what Microsoft publishes.
	Limits Limits
	// ExportPollInterval is the time between two looks at an export job; default 10 s (contract b.4: 10 to 30 s).
	ExportPollInterval time.Duration
	// ExportMaxWait is how long an export job may take before the client gives up on it; default 15 min.
	ExportMaxWait time.Duration
	// AttemptTimeout is how long one request may wait for its answer, and how long the body of an answer may
	// stand still; default 60 s. Waiting for the limiter and between attempts does not count.
	AttemptTimeout time.Duration
	// AnswerTimeout is how long one request may take until the last byte of its answer, however the server trickles;
	// default five times AttemptTimeout. DownloadTimeout is the same for an export file; default fifteen times.
	AnswerTimeout, DownloadTimeout time.Duration
	// MaxAttempts is the number of times a repeatable request is sent in all; default 4.
	MaxAttempts int
	// RetryBase and RetryCap shape the back-off with full jitter; defaults 500 ms and 10 s.
	RetryBase, RetryCap time.Duration
	// ThrottleBase is the first back-off after a 429 without Retry-After; default 10 s (contract k.4).
	ThrottleBase time.Duration
	// ConfirmDelay is the time between a read that did not find an object and the one that confirms it; default four
	// times RetryBase.
	ConfirmDelay time.Duration
	// MaxRetryWait is the longest wait that a call makes for a throttled tenant, default 5 s. A longer one is
	// returned as Throttled with RetryAt, so that the caller can requeue and free its worker.
	MaxRetryWait time.Duration
	// TempDir is where export archives are kept while they are read; empty means os.TempDir.
	TempDir string
	// Spool bounds the disk that the archives of all clients use together; nil means that only each file is bounded.
	Spool *Spool
	// Memory is shared by all long lists of the process; nil means that only each list is bounded.
	Memory *room.Room
	// Registry receives the metrics; nil means that nothing is registered. Clients may share one.
	Registry prometheus.Registerer
	// Clock replaces the wall clock; nil means real time.
	Clock clock.Clock
	// DateClock is the clock by which the caller decides, which the Date of answers is compared with, see [Client.ClockOffset];
	// nil means Clock.
	DateClock clock.PassiveClock
	// Transport replaces the network: it gets every request, those for tokens too. nil means net/http.
	Transport http.RoundTripper
	// Shared is what this client has in common with others of the same tenant, see [NewShared]; nil means that it has a
	// limiter of its own.
	Shared *Shared
}

// withDefaults returns a copy of the configuration with every absent value filled in.
func (cfg Config) withDefaults() Config {
	if cfg.Cloud == "" {
		cfg.Cloud = CloudGlobal
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "tidegate"
	}
	setDefault(&cfg.ExportPollInterval, 10*time.Second)
	setDefault(&cfg.ExportMaxWait, 15*time.Minute)
	setDefault(&cfg.AttemptTimeout, time.Minute)
	setDefault(&cfg.AnswerTimeout, 5*cfg.AttemptTimeout)
	setDefault(&cfg.DownloadTimeout, 15*cfg.AttemptTimeout)
	setDefault(&cfg.MaxAttempts, 4)
	setDefault(&cfg.RetryBase, 500*time.Millisecond)
	setDefault(&cfg.RetryCap, 10*time.Second)
	setDefault(&cfg.ConfirmDelay, 4*cfg.RetryBase)
	setDefault(&cfg.ThrottleBase, 10*time.Second)
	setDefault(&cfg.MaxRetryWait, 5*time.Second)
	if cfg.Clock == nil {
		cfg.Clock = clock.RealClock{}
	}
	if cfg.DateClock == nil {
		cfg.DateClock = cfg.Clock
	}
	cfg.Limits = cfg.Limits.withDefaults()
	return cfg
}

// setDefault fills a number that is zero or negative.
func setDefault[T ~int | ~int64](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}
