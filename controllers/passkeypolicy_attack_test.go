// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// TestPromise13_RestoredStatusRewritesNoRevision: after a restore of the whole cluster from a backup that is older than r2, the
// next payload is not written into the policy that devices have r2 by: its number was given before, as the tenant shows.
func TestPromise13_RestoredStatusRewritesNoRevision(t *testing.T) {
	t.Parallel()
	l := puppets(t, func(p *v1alpha1.PasskeyPolicy) { p.Spec.Mode, p.Spec.Population = v1alpha1.ModeEnforceOnly, nil })
	l.attempt("a", 1, v1alpha1.PhaseExposing)
	l.rest()
	l.lag()
	l.succeed("a")
	backup, wave := l.policy().Status.DeepCopy(), l.wave("a").Status.DeepCopy()
	l.ask("AzureAD")
	l.attempt("a", 2, v1alpha1.PhaseExposing)
	l.rest()
	l.lag()
	object := ""
	for _, o := range l.policy().Status.Objects {
		if o.Revision == 2 {
			object = o.ID
		}
	}
	p := l.policy()
	l.edit(p, func() {
		p.Spec.Settings.BackupStorageLocation, p.Spec.Settings.PasskeyCreation = "", v1alpha1.Disabled
	})
	p.Status = *backup
	if err := l.kube.Status().Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	l.move("a", func(s *v1alpha1.PilotWaveStatus) { *s = *wave })
	l.start(t)
	l.waves = nil
	l.sim.ResetJournal()
	l.rest()
	l.lag()
	for _, c := range l.changed() {
		if strings.Contains(c, object) && strings.HasPrefix(c, "PUT") && strings.Contains(l.targetsOf(object), "group a-2") {
			t.Errorf("%s, which devices have by %q; %s", c, l.targetsOf(object), l.revisions())
		}
	}
}

// TestPromise13_AllWavesDeletedAfterStable: hold takes its devices back and the next payload reaches nobody.
func TestPromise13_AllWavesDeletedAfterStable(t *testing.T) {
	t.Parallel()
	l := puppets(t)
	l.attempt("a", 1, v1alpha1.PhaseExposing)
	l.rest()
	l.lag()
	l.succeed("a")
	if err := l.kube.Delete(t.Context(), l.wave("a")); err != nil {
		t.Fatal(err)
	}
	l.rest()
	l.mustBe("taken back", l.level(1), "")
	l.lag()
	l.mustBe("hold", l.level(0), "group Everyone")
	l.ask("AzureAD")
	l.ask("")
	l.ask("AzureAD")
	l.lag()
	l.mustBe("reaches nobody", l.level(1), "")
	l.attempt("b", l.policy().Status.Revisions[len(l.policy().Status.Revisions)-1].Number, v1alpha1.PhaseExposing)
	l.rest()
	l.lag()
	l.succeed("b")
	if !strings.Contains(l.revisions(), "Stable") || !strings.Contains(l.level(0), "exclusionGroup b-1") {
		t.Error(l.revisions(), l.level(0))
	}
}
