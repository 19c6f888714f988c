// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/tenantsim/catalog"
)

// Options of a lab. Scenario, Lag, Catalog and Log may be empty.
type Options struct {
	// Speed is virtual seconds per real second; 0 is a clock that only POST /_sim/clock moves.
	Speed float64
	// Devices in the tenant, at least 1.
	Devices int
	// Seed of the tenant.
	Seed uint64
	// Scenario is the name of one that is built in, or a YAML file.
	Scenario string
	// Lag is how far the tenant's answers trail: Ordinary, Ideal, one duration for everything, or the members of a
	// scenario's lag as YAML. Empty is what the scenario says, and an ordinary day where it says nothing.
	Lag string
	// Catalog is the tenant's settings catalog: the name of one that is built in, or a file with a dump. Empty is the real one
	// of Edge.
	Catalog string
	// Namespace for the person's objects; the lab makes it.
	Namespace string
	// Root of the checkout.
	Root string
	// Log takes the operator's log; nil is a file in the lab's folder.
	Log io.Writer
	// Say prints one line; it must not be nil.
	Say func(format string, args ...any)
}

// The lags that have a name.
const (
	// Ordinary is an ordinary day, whatever the scenario says.
	Ordinary = "ordinary"
	// Ideal is a tenant without the slowness and the odd answers of an ordinary day.
	Ideal = "ideal"
)

// idealReason says who asks for an ideal tenant.
const idealReason = "the person at the lab asks for one by LAG=ideal"

// Environment overrides options by the variables SPEED, DEVICES, SEED, SCENARIO, LAG and CATALOG, each with a prefix.
func (o *Options) Environment(prefix string) error {
	return errors.Join(
		override(prefix+"SPEED", "virtual seconds per real second, 0 to 100000", &o.Speed, func(v string) (float64, error) {
			speed, err := strconv.ParseFloat(v, 64)
			return speed, atLeast(err, speed >= 0 && speed <= 100_000)
		}),
		override(prefix+"DEVICES", "a number of devices, 1 to 1000000", &o.Devices, func(v string) (int, error) {
			n, err := strconv.Atoi(v)
			return n, atLeast(err, n >= 1 && n <= 1_000_000)
		}),
		override(prefix+"SEED", "a whole number", &o.Seed, func(v string) (uint64, error) { return strconv.ParseUint(v, 10, 64) }),
		override(prefix+"SCENARIO", "a name or a file", &o.Scenario, text),
		override(prefix+"LAG", "ordinary, ideal, a duration or YAML", &o.Lag, text),
		override(prefix+"CATALOG", "a name or a file", &o.Catalog, text),
	)
}

// override sets an option from a variable that is there and not empty.
func override[T any](name, remedy string, option *T, parse func(string) (T, error)) error {
	text := os.Getenv(name)
	if text == "" {
		return nil
	}
	v, err := parse(text)
	if err != nil {
		return fmt.Errorf("%s is %q: write %s", name, text, remedy)
	}
	*option = v
	return nil
}

func text(v string) (string, error) { return v, nil }

func atLeast(err error, inRange bool) error {
	if err == nil && !inRange {
		return strconv.ErrRange
	}
	return err
}

// tenant is the tenant that the options ask for.
func (o *Options) tenant() (tenantsim.Options, error) {
	t := tenantsim.Options{Seed: o.Seed, Devices: o.Devices, Catalog: o.Catalog}
	err := o.checkCatalog()
	if err != nil {
		return t, err
	}
	if t.Scenario, err = tenantsim.LoadScenario(o.Scenario); err != nil {
		return t, err
	}
	switch o.Lag {
	case "":
	case Ordinary:
		t.Scenario.Lag = tenantsim.OrdinaryLag()
	case Ideal:
		t.Scenario.Lag, t.Ideal = nil, idealReason
	default:
		t.Scenario.Lag, err = parseLag(o.Lag)
	}
	return t, errors.Join(err, t.Scenario.Validate())
}

// checkCatalog says before anything is started that there is no such catalog.
func (o *Options) checkCatalog() error {
	if o.Catalog == "" || catalog.IsBuiltin(o.Catalog) {
		return nil
	}
	if _, err := catalog.Load(o.Catalog); err != nil {
		return fmt.Errorf("catalog %q is neither built in (%s) nor a dump that can be read: %w", o.Catalog, strings.Join(catalog.Names(), ", "), err)
	}
	return nil
}

// parseLag reads one duration for everything, or the members of a scenario's lag.
func parseLag(text string) (*tenantsim.Lag, error) {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		same := tenantsim.LagRange{Min: tenantsim.Duration(d), Max: tenantsim.Duration(d)}
		return &tenantsim.Lag{Read: same, List: same, Members: same, Index: same, Targeting: same, Assignments: same, Dynamic: same}, nil
	}
	lag := &tenantsim.Lag{}
	if err := yaml.UnmarshalStrict([]byte(text), lag); err != nil {
		return nil, fmt.Errorf("lag %q: write ordinary, ideal, a duration such as 10m, or YAML such as {read: 10s, targeting: 1h}: %s",
			text, strings.TrimPrefix(err.Error(), "error unmarshaling JSON: "))
	}
	return lag, nil
}
