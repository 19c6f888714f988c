package fastworld

import (
	"testing"
	"time"

	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/internal/tenantsim"
)

func calm(specs ...tenantsim.GroupSpec) tenantsim.Scenario {
	none := func() *float64 { return ptr.To(0.0) }
	sc := tenantsim.Scenario{Groups: append(specs, tenantsim.GroupSpec{DisplayName: Everyone, From: "everything", Percent: 100})}
	sc.StalePercent, sc.NeverPercent, sc.UnenrolledPercent = none(), none(), none()
	sc.MissingPrerequisitePercent, sc.UnencryptedPercent, sc.OfficeHoursPercent = none(), none(), none()
	sc.Churn = tenantsim.NoChurn()
	return sc
}

func TestSmoke(t *testing.T) {
	for i := range 3 {
		began := time.Now()
		w := New(t, Options{Seed: uint64(i), Devices: 40, Catalog: tenantsim.CatalogMacOSPasskeys, Trace: testing.Verbose(),
			Scenario: calm(tenantsim.GroupSpec{DisplayName: "A", Count: 8, From: "windows"}, tenantsim.GroupSpec{DisplayName: "B", Count: 8, From: "windows"})})
		t.Log("new", time.Since(began))
		if err := w.Apply(t.Context(), w.Tenant(), w.Policy(), w.Wave("a", "A"), w.Wave("b", "B", "a")); err != nil {
			t.Fatal(err)
		}
		ok, err := w.Run(t.Context(), 20*24*time.Hour, func() bool {
			for _, wave := range w.Waves() {
				if wave.Status.Phase != "Succeeded" {
					return false
				}
			}
			return true
		})
		t.Log(ok, err, w.Steps, time.Since(began), w.Clock.Now().Sub(Start))
		if !ok {
			for _, wave := range w.Waves() {
				t.Logf("%s %+v", wave.Name, wave.Status.Decision)
			}
			for _, p := range w.Policies() {
				t.Logf("%+v", p.Status.Conditions)
			}
			st := w.Story()
			if len(st) > 120 {
				st = st[:120]
			}
			for _, l := range st {
				t.Log(l)
			}
			t.FailNow()
		}
	}
}
