// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// FaultMode is what happens to a request that a fault hits.
type FaultMode string

// The modes. "Effect" is what the request does to the tenant.
const (
	// FaultRefuse drops the request before it has an effect and closes the
	// listener for For: connects are refused. A tenant that is served by Handler
	// alone has no listener and only drops the request.
	FaultRefuse FaultMode = "connectionRefused"
	// FaultReset drops the connection before the request has an effect.
	FaultReset FaultMode = "resetBeforeEffect"
	// FaultLostAnswer lets the request take effect and drops the connection
	// instead of answering.
	FaultLostAnswer FaultMode = "lostAnswer"
	// FaultStatus answers with Status, Headers and Body.
	FaultStatus FaultMode = "status"
	// FaultHTML answers with a gateway's HTML page.
	FaultHTML FaultMode = "html"
	// FaultDelay holds the request for Delay before it takes effect, or, with
	// AfterEffect, holds the answer.
	FaultDelay FaultMode = "delay"
	// FaultTruncated answers with the first half of the body as if it were all.
	FaultTruncated FaultMode = "truncatedJSON"
	// FaultCut drops the connection in the middle of the body.
	FaultCut FaultMode = "cutBody"
	// FaultDuplicate delivers the request twice, as a gateway does that lost the
	// first answer; the client sees the second.
	FaultDuplicate FaultMode = "duplicate"
	// FaultThrottle answers 429, with Retry-After when RetryAfter is positive. A
	// hit opens a storm: all matching requests are refused until For is over.
	FaultThrottle FaultMode = "throttle"
	// FaultTokenDown makes the token endpoint answer 503 with its own transient
	// error. Its route is fixed.
	FaultTokenDown FaultMode = "tokenEndpointDown"
	// FaultItem spoils one item of a list, or one row of an export, and leaves all
	// others as they are.
	FaultItem FaultMode = "oddItem"
)

var faultModes = []FaultMode{FaultRefuse, FaultReset, FaultLostAnswer, FaultStatus, FaultHTML, FaultDelay, FaultTruncated,
	FaultCut, FaultDuplicate, FaultThrottle, FaultTokenDown, FaultItem}

// Fault makes some requests go wrong in one way. Faults are tried in order; the
// first one that hits a request decides about it.
type Fault struct {
	// Name labels the fault in the journal. Default: "<mode> <index>".
	Name  string     `json:"name,omitempty"`
	Match FaultMatch `json:"match,omitzero"`
	Mode  FaultMode  `json:"mode"`
	// Status is the answer's status: status (required), html (default 502),
	// tokenEndpointDown (default 503).
	Status int `json:"status,omitempty"`
	// Headers are added to the answer of modes that make one up.
	Headers map[string]string `json:"headers,omitempty"`
	// Body replaces the answer's body in mode status. Absent: an error in
	// Graph's shape; empty text: no body.
	Body *string `json:"body,omitempty"`
	// Delay is real time. Mode delay only.
	Delay Duration `json:"delay,omitempty"`
	// For is how long a refusal or a storm lasts. Refusals default to 1s.
	For Duration `json:"for,omitempty"`
	// Clock measures a storm's For: "real" (default) or "virtual". A refusal is
	// always in real time: it closes a socket.
	Clock string `json:"clock,omitempty"`
	// RetryAfter in seconds; 0 sends no Retry-After. Modes throttle and status.
	RetryAfter int `json:"retryAfter,omitempty"`
	// AfterEffect lets the request take effect first. Modes status, html, delay.
	AfterEffect bool `json:"afterEffect,omitempty"`
	// Item is the item to spoil and how. Mode oddItem only, which needs it.
	Item *OddItem `json:"item,omitempty"`
}

// FaultMatch chooses requests. Conditions that are absent hold; those about
// counting look at requests that meet the others.
type FaultMatch struct {
	// Method such as POST. Empty: any.
	Method string `json:"method,omitempty"`
	// Route is a path with * for one segment and ** for the rest, such as
	// "/beta/deviceManagement/configurationPolicies/*/assign". Both key syntaxes
	// of a request match. Empty: any path but the control endpoints.
	Route string `json:"route,omitempty"`
	// Query is text that the decoded query string contains, such as "$skiptoken".
	Query string `json:"query,omitempty"`
	// Body is text that the request's body contains, in any letter case, such as
	// the id of one of the members that it binds.
	Body string `json:"body,omitempty"`
	// Nth hits only the n-th request, from 1.
	Nth int `json:"nth,omitempty"`
	// Every hits each k-th request.
	Every int `json:"every,omitempty"`
	// Count ends the fault after so many hits. 0: never.
	Count int `json:"count,omitempty"`
	// Probability hits a share of 0 to 1 of the requests, the same ones for the
	// same seed and order.
	Probability *float64 `json:"probability,omitempty"`
	// Seed of the probability. Default: the tenant's.
	Seed uint64 `json:"seed,omitempty"`
}

// FaultState is a fault and what it met since it was set.
type FaultState struct {
	Fault
	// Seen requests met method, route and query; Hits were spoiled.
	Seen uint64 `json:"seen"`
	Hits uint64 `json:"hits"`
}

// faultFile is the form of --faults and of PUT /_sim/faults.
type faultFile struct {
	Faults []Fault `json:"faults"`
}

// ParseFaults reads {"faults": […]} as YAML or JSON, strictly, and validates.
func ParseFaults(raw []byte) ([]Fault, error) {
	var in faultFile
	if err := yaml.UnmarshalStrict(raw, &in); err != nil {
		return nil, fmt.Errorf("faults: %w", err)
	}
	if in.Faults == nil {
		return nil, fmt.Errorf("faults: the list \"faults\" is missing: write faults: [{match: {…}, mode: …}]")
	}
	return in.Faults, validateFaults(in.Faults)
}

// LoadFaults reads a file in the form of ParseFaults.
func LoadFaults(file string) ([]Fault, error) {
	raw, err := os.ReadFile(file) // #nosec G304 -- the person who starts the simulator names the file
	if err != nil {
		return nil, fmt.Errorf("faults: %w", err)
	}
	return ParseFaults(raw)
}

func validateFaults(faults []Fault) error {
	for i := range faults {
		if err := faults[i].validate(); err != nil {
			return fmt.Errorf("faults[%d].%w", i, err)
		}
	}
	return nil
}

// validate refuses values that cannot be meant. Errors name field and remedy.
func (f *Fault) validate() error {
	if !slices.Contains(faultModes, f.Mode) {
		return fmt.Errorf("mode %q: write one of %v", f.Mode, faultModes)
	}
	if err := f.validateFields(); err != nil {
		return err
	}
	if f.Mode == FaultItem {
		if err := f.Item.validate(); err != nil {
			return err
		}
	}
	return f.Match.validate(f.Mode)
}

// mistake is a condition that must not hold, with what to say about it.
type mistake struct {
	made bool
	text string
}

func firstMistake(list []mistake) error {
	for _, m := range list {
		if m.made {
			return errors.New(m.text)
		}
	}
	return nil
}

// takes reports whether the mode is one of the list.
func (f *Fault) takes(modes ...FaultMode) bool { return slices.Contains(modes, f.Mode) }

func (f *Fault) validateFields() error {
	answers := f.takes(FaultStatus, FaultHTML, FaultTokenDown)
	return firstMistake([]mistake{
		{f.Mode == FaultStatus && f.Status == 0, "status is missing: mode status needs one, such as 503"},
		{f.Status != 0 && (f.Status < 200 || f.Status > 599), fmt.Sprintf("status is %d: write 200 to 599", f.Status)},
		{f.Status != 0 && !answers, fmt.Sprintf("status is %d: mode %s takes none", f.Status, f.Mode)},
		{f.Body != nil && !f.takes(FaultStatus), fmt.Sprintf("body: mode %s takes none, use mode status", f.Mode)},
		{len(f.Headers) > 0 && !answers && !f.takes(FaultThrottle), fmt.Sprintf("headers: mode %s makes no answer of its own", f.Mode)},
		{(f.Delay > 0) != f.takes(FaultDelay), fmt.Sprintf("delay is %s: mode delay needs one and no other mode takes one", time.Duration(f.Delay))},
		{f.For > 0 && !f.takes(FaultRefuse, FaultThrottle), fmt.Sprintf("for is %s: only connectionRefused and throttle last", time.Duration(f.For))},
		{f.AfterEffect && !f.takes(FaultStatus, FaultHTML, FaultDelay), fmt.Sprintf("afterEffect: mode %s takes none", f.Mode)},
		{!slices.Contains([]string{"", "real", "virtual"}, f.Clock), fmt.Sprintf("clock %q: write real or virtual", f.Clock)},
		{f.Item != nil && !f.takes(FaultItem), fmt.Sprintf("item: mode %s takes none, use mode oddItem", f.Mode)},
		{f.Clock != "" && !f.takes(FaultThrottle), fmt.Sprintf("clock %q: only throttle takes one", f.Clock)},
		{f.RetryAfter < 0 || f.RetryAfter > 0 && !f.takes(FaultStatus, FaultThrottle), fmt.Sprintf("retryAfter is %d: modes status and throttle take seconds from 0", f.RetryAfter)},
	})
}

func (m *FaultMatch) validate(mode FaultMode) error {
	methods := []string{"", http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete}
	share := orDefault(m.Probability, 1)
	if err := firstMistake([]mistake{
		{!slices.Contains(methods, m.Method), fmt.Sprintf("match.method %q: write GET, POST, PATCH, PUT or DELETE", m.Method)},
		{mode == FaultTokenDown && (m.Method != "" || m.Route != ""), fmt.Sprintf("match: mode %s has a fixed method and route", mode)},
		{m.Route != "" && !strings.HasPrefix(m.Route, "/"), fmt.Sprintf("match.route %q: begin with /, such as /beta/deviceManagement/**", m.Route)},
		{min(m.Nth, m.Every, m.Count) < 0, "match: nth, every and count are counts from 1"},
		{m.Nth > 0 && m.Every > 0, "match: nth and every exclude each other"},
		{math.IsNaN(share) || share < 0 || share > 1, fmt.Sprintf("match.probability is %v: write 0 to 1", share)},
	}); err != nil {
		return err
	}
	segments, err := splitPath(m.Route)
	if err != nil {
		return fmt.Errorf("match.route %q is not a path", m.Route)
	}
	if i := slices.Index(segments, "**"); i >= 0 && i != len(segments)-1 {
		return fmt.Errorf("match.route %q: ** stands for the rest and comes last", m.Route)
	}
	return nil
}
