// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/tidegate/tidegate/internal/tenantsim"
)

func (l *Lab) startTenant(context.Context) error {
	l.Clock = &Clock{tenantsim.NewClock(beginning(time.Now()), l.options.Speed)}
	l.tenant.Clock = l.Clock.Clock // the bare one, whose speed /_sim/clock can change
	var err error
	if l.Sim, err = tenantsim.New(l.tenant); err != nil {
		return err
	}
	if l.SimURL, l.SimCA, err = l.Sim.Start("127.0.0.1:0"); err != nil {
		return err
	}
	l.closers = append(l.closers, l.Sim.Close)
	return errors.Join(l.write(caFile, l.SimCA), l.writeManifest())
}

// beginning is a Monday five weeks ago: a story of four weeks has all its times in the past.
func beginning(now time.Time) time.Time {
	start := now.UTC().AddDate(0, 0, -35).Truncate(24 * time.Hour).Add(6 * time.Hour)
	for start.Weekday() != time.Monday {
		start = start.AddDate(0, 0, -1)
	}
	return start
}

// writeManifest writes the Tenant and its Secret, ready to be applied.
func (l *Lab) writeManifest() error {
	var all []byte
	for _, name := range []string{"tenant_secret", "tenant"} {
		obj, err := l.Sample(name)
		if err != nil {
			return err
		}
		data, err := yaml.Marshal(obj)
		if err != nil {
			return fmt.Errorf("sample %s: %w", name, err)
		}
		all = append(append(all, "---\n"...), data...)
	}
	return l.write(manifest, all)
}

// Sample is an object of config/samples in the person's namespace, by the name of its file, with the tenant that it names
// replaced by the simulated one.
func (l *Lab) Sample(name string) (*unstructured.Unstructured, error) {
	data, err := os.ReadFile(filepath.Join(l.options.Root, "config", "samples", name+".yaml"))
	if err != nil {
		return nil, fmt.Errorf("read sample: %w", err)
	}
	obj := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(data, obj); err != nil {
		return nil, fmt.Errorf("parse sample %s: %w", name, err)
	}
	obj.SetNamespace(l.options.Namespace)
	if err := l.adapt(obj); err != nil {
		return nil, fmt.Errorf("adapt sample %s: %w", name, err)
	}
	return obj, nil
}

// adapt replaces what a person would fill in: credentials, ids, and where the tenant is.
func (l *Lab) adapt(obj *unstructured.Unstructured) error {
	set := func(value any, path ...string) error { return unstructured.SetNestedField(obj.Object, value, path...) }
	switch obj.GetKind() {
	case "Secret":
		return set(l.Sim.ClientSecret(), "stringData", "clientSecret")
	case "Tenant":
		return errors.Join(
			set(l.Sim.TenantID(), "spec", "tenantID"),
			set(l.Sim.ClientID(), "spec", "auth", "clientSecret", "clientID"),
			set(map[string]any{"graphURL": l.SimURL, "authorityURL": l.SimURL, "caBundle": string(l.SimCA)}, "spec", "endpoint"),
			set(l.refreshInterval().String(), "spec", "inventory", "refreshInterval"),
		)
	}
	return nil
}

// refreshInterval leaves half a second of real time between two readings of the fleet, and half an hour of the tenant's.
func (l *Lab) refreshInterval() time.Duration {
	half := time.Duration(l.options.Speed * float64(time.Second) / 2)
	return max(half, 30*time.Minute).Round(time.Minute)
}
