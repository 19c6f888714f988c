// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "fmt"

// Churn is how the fleet changes by itself, in percent of its devices per week.
// An absent share has its default; an ideal tenant without Churn does not change.
type Churn struct {
	// NewPercent are enrolled for the first time. Default 1.5.
	NewPercent *float64 `json:"newPercent,omitempty"`
	// GonePercent are taken out: of the directory, of Intune, or of both.
	// Default 1.
	GonePercent *float64 `json:"gonePercent,omitempty"`
	// WipedPercent are ordered to reset. Default 0.2.
	WipedPercent *float64 `json:"wipedPercent,omitempty"`
	// ReimagedPercent are installed anew: a new device in both places, the old
	// one left behind. Default 0.3.
	ReimagedPercent *float64 `json:"reimagedPercent,omitempty"`
	// RenamedPercent get another name. Default 0.2.
	RenamedPercent *float64 `json:"renamedPercent,omitempty"`
	// DisabledPercent are disabled in the directory. Default 0.1.
	DisabledPercent *float64 `json:"disabledPercent,omitempty"`
	// MovedPercent change from one static start group to another, if they are
	// in one. Default 1.
	MovedPercent *float64 `json:"movedPercent,omitempty"`
	// UserChangedPercent get another primary user. Default 0.3.
	UserChangedPercent *float64 `json:"userChangedPercent,omitempty"`
}

// DefaultChurn is what a real fleet goes through (the shares of new and gone
// devices are given, the smaller ones ASSUMED).
func DefaultChurn() *Churn { return &Churn{} }

// NoChurn is a fleet in which nobody comes, goes or changes.
func NoChurn() *Churn {
	none := new(float64)
	return &Churn{NewPercent: none, GonePercent: none, WipedPercent: none, ReimagedPercent: none,
		RenamedPercent: none, DisabledPercent: none, MovedPercent: none, UserChangedPercent: none}
}

// churnRates are the shares with their defaults, by kind of event.
type churnRates [churnKinds]float64

func (c *Churn) rates() (out churnRates) {
	if c != nil {
		for i, k := range churnTable {
			out[i] = orDefault(k.share(c), k.usual)
		}
	}
	return out
}

// eventKind is what happens to a device outside of its check-ins. The order is
// that of events of one moment.
type eventKind uint8

const (
	eventGone eventKind = iota
	eventWiped
	eventReimaged
	eventRenamed
	eventDisabled
	eventMoved
	eventUserChanged
	eventNew
	eventLeft // a device has carried out the order to leave

	churnKinds = int(eventLeft)
)

// churnTable is one line for each kind of churn.
var churnTable = [churnKinds]struct {
	name  string
	usual float64
	share func(*Churn) *float64
}{
	eventGone:        {"gonePercent", 1, func(c *Churn) *float64 { return c.GonePercent }},
	eventWiped:       {"wipedPercent", 0.2, func(c *Churn) *float64 { return c.WipedPercent }},
	eventReimaged:    {"reimagedPercent", 0.3, func(c *Churn) *float64 { return c.ReimagedPercent }},
	eventRenamed:     {"renamedPercent", 0.2, func(c *Churn) *float64 { return c.RenamedPercent }},
	eventDisabled:    {"disabledPercent", 0.1, func(c *Churn) *float64 { return c.DisabledPercent }},
	eventMoved:       {"movedPercent", 1, func(c *Churn) *float64 { return c.MovedPercent }},
	eventUserChanged: {"userChangedPercent", 0.3, func(c *Churn) *float64 { return c.UserChangedPercent }},
	eventNew:         {"newPercent", 1.5, func(c *Churn) *float64 { return c.NewPercent }},
}

// percents names the shares for the check of the scenario.
func (c *Churn) percents(into map[string]*float64) {
	if c == nil {
		return
	}
	for _, k := range churnTable {
		into["churn."+k.name] = k.share(c)
	}
}

// validate refuses shares that leave no device: one event a week is all that a
// device goes through.
func (c *Churn) validate() error {
	sum := 0.0
	for kind, share := range c.rates() {
		if eventKind(kind) != eventNew {
			sum += share
		}
	}
	if sum > 100 {
		return fmt.Errorf("scenario: the shares of churn, without newPercent, add up to %v: write 100 percent or less", sum)
	}
	return nil
}
