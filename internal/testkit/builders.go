// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Names of the objects that the builders make.
const (
	SecretName = "credential"
	TenantName = "corporate"
	PolicyName = "passkeys"
)

// Everyone is the group of all devices in the simulated tenant.
const Everyone = "All Corporate Devices"

// Secret holds the simulator's credential.
func (w *World) Secret() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: SecretName, Labels: map[string]string{v1alpha1.LabelTenant: TenantName}},
		StringData: map[string]string{"clientSecret": w.Sim.ClientSecret()},
	}
}

// Tenant points at the simulator.
func (w *World) Tenant() *v1alpha1.Tenant {
	return &v1alpha1.Tenant{
		ObjectMeta: metav1.ObjectMeta{Name: TenantName},
		Spec: v1alpha1.TenantSpec{
			TenantID: w.Sim.TenantID(),
			Auth: v1alpha1.TenantAuth{ClientSecret: &v1alpha1.ClientSecretAuth{
				ClientID: w.Sim.ClientID(), SecretRef: v1alpha1.SecretKeyRef{Name: SecretName, Key: "clientSecret"},
			}},
			Endpoint:  &v1alpha1.TenantEndpoint{GraphURL: w.SimURL, AuthorityURL: w.SimURL, CABundle: string(w.SimCA)},
			Inventory: v1alpha1.TenantInventory{RefreshInterval: metav1.Duration{Duration: 30 * time.Minute}},
		},
	}
}

// Policy allows passkeys on both platforms and holds everyone.
func (w *World) Policy() *v1alpha1.PasskeyPolicy {
	return &v1alpha1.PasskeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: PolicyName},
		Spec: v1alpha1.PasskeyPolicySpec{
			TenantRef: v1alpha1.LocalRef{Name: TenantName}, Platforms: []v1alpha1.Platform{v1alpha1.PlatformWindows, v1alpha1.PlatformMacOS},
			Settings:   v1alpha1.PasskeySettings{PasskeyCreation: v1alpha1.Enabled},
			Population: &v1alpha1.Population{Include: []v1alpha1.GroupRef{{DisplayName: Everyone}}},
		},
	}
}

// WaveOn is a quick wave on one group: one batch, an hour's bake, a floor that a few dozen clean reports prove.
func (w *World) WaveOn(name, group string, after ...string) *v1alpha1.PilotWave {
	wave := &v1alpha1.PilotWave{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.PilotWaveSpec{
			PolicyRef: v1alpha1.LocalRef{Name: PolicyName},
			Audience: v1alpha1.Audience{
				Groups:               v1alpha1.GroupSelection{Include: []v1alpha1.GroupRef{{DisplayName: group}}},
				MaxIneligiblePercent: ptr.To[int32](60),
			},
			Exposure: v1alpha1.Exposure{BatchSize: 1000, Interval: metav1.Duration{Duration: time.Hour}},
			Gate: v1alpha1.Gate{
				Bake: metav1.Duration{Duration: 24 * time.Hour}, Maturity: metav1.Duration{Duration: 24 * time.Hour},
				Coverage: v1alpha1.Coverage{MinPercent: 70, MinReports: 5},
				Promote:  &v1alpha1.PromoteTest{FloorRate: "0.80"},
			},
		},
	}
	for _, dep := range after {
		wave.Spec.DependsOn = append(wave.Spec.DependsOn, v1alpha1.WaveDependency{Name: dep})
	}
	return wave
}
