// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Names of the objects that the builders make.
const (
	SecretName = "credential"
	TenantName = "corporate"
	PolicyName = "passkeys"
	// Everyone is the group of the population.
	Everyone = "All Corporate Devices"
)

// Secret is the credential of the tenant's application. New has made it.
func (w *World) Secret() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: SecretName, Labels: map[string]string{v1alpha1.LabelTenant: TenantName}},
		Data:       map[string][]byte{"clientSecret": []byte(w.Sim.ClientSecret())},
	}
}

// Tenant is the Tenant object of the world.
func (w *World) Tenant() *v1alpha1.Tenant {
	return &v1alpha1.Tenant{
		ObjectMeta: metav1.ObjectMeta{Name: TenantName},
		Spec: v1alpha1.TenantSpec{
			TenantID: w.Sim.TenantID(),
			Auth: v1alpha1.TenantAuth{ClientSecret: &v1alpha1.ClientSecretAuth{
				ClientID: w.Sim.ClientID(), SecretRef: v1alpha1.SecretKeyRef{Name: SecretName, Key: "clientSecret"},
			}},
			Inventory: v1alpha1.TenantInventory{RefreshInterval: metav1.Duration{Duration: 6 * time.Hour}},
		},
	}
}

// Policy is a policy for the whole population.
func (w *World) Policy() *v1alpha1.PasskeyPolicy {
	return &v1alpha1.PasskeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: PolicyName},
		Spec: v1alpha1.PasskeyPolicySpec{
			TenantRef: v1alpha1.LocalRef{Name: TenantName}, Platforms: []v1alpha1.Platform{v1alpha1.PlatformWindows},
			Settings:   v1alpha1.PasskeySettings{PasskeyCreation: v1alpha1.Enabled},
			Population: &v1alpha1.Population{Include: []v1alpha1.GroupRef{{DisplayName: Everyone}}},
			Interval:   metav1.Duration{Duration: 2 * time.Hour},
		},
	}
}

// Wave is a wave of the policy on a group.
func (w *World) Wave(name, group string, after ...string) *v1alpha1.PilotWave {
	wave := &v1alpha1.PilotWave{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.PilotWaveSpec{
			PolicyRef: v1alpha1.LocalRef{Name: PolicyName},
			Audience:  v1alpha1.Audience{Groups: v1alpha1.GroupSelection{Include: []v1alpha1.GroupRef{{DisplayName: group}}}},
			Exposure:  v1alpha1.Exposure{BatchSize: 5, Interval: metav1.Duration{Duration: 2 * time.Hour}},
			Gate: v1alpha1.Gate{
				Bake: metav1.Duration{Duration: 12 * time.Hour}, Maturity: metav1.Duration{Duration: 12 * time.Hour},
				Coverage: v1alpha1.Coverage{MinPercent: 80, MinReports: 3},
				Promote:  &v1alpha1.PromoteTest{FloorRate: "0.50", Confidence: "0.80"},
			},
			PostWatch: v1alpha1.PostWatch{Duration: metav1.Duration{Duration: 48 * time.Hour}},
		},
	}
	for _, dep := range after {
		wave.Spec.DependsOn = append(wave.Spec.DependsOn, v1alpha1.WaveDependency{Name: dep})
	}
	return wave
}
