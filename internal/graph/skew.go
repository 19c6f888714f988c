// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"
)

// ClockOffset returns by how much the clock of the tenant's service is ahead of DateClock of Config, less than zero when it is
// behind: the least that the newest answer with a Date proves, so that a slow answer proves little. It is 0 before the first.
func (c *Client) ClockOffset() time.Duration { return time.Duration(c.offset.Load()) }

// dateTransport compares the Date of each answer of Graph with a clock (RFC 9110, 6.6.1). It sits on the way to the tenant's own
// Graph host only: storage and whatever stands before it have clocks of their own.
type dateTransport struct {
	next   http.RoundTripper
	clock  clock.PassiveClock
	offset *atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (t *dateTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := t.clock.Now()
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if offset, ok := offsetOf(resp.Header, sent, t.clock.Now()); ok {
		t.offset.Store(int64(offset))
	}
	return resp, nil
}

// offsetOf is the least offset that fits an answer. It was made between sent and received, and its Date is cut to the second, so
// that any clock is right that shows it at some time between the two. An answer from a cache says when it was made for another.
func offsetOf(header http.Header, sent, received time.Time) (time.Duration, bool) {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil || header.Get("Age") != "" {
		return 0, false
	}
	switch least, most := date.Sub(received), date.Add(time.Second).Sub(sent); {
	case least > 0:
		return least, true
	case most < 0:
		return most, true
	}
	return 0, true
}
