// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package badinput

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit"
)

// TestPromise08_NoSecretAnywhere runs a rollout through refused secrets, withdrawn tokens, lost answers and a tenant that
// repeats what it was sent (status 400, and its words are not shown), and looks for secrets in everything that the operator writes on the way.
func TestPromise08_NoSecretAnywhere(t *testing.T) {
	const wrong = "Zq8~wrong-secret/of.an+app"
	w := start(t, testkit.Options{})
	sim := w.Sim.Handler()
	search := func(written map[string]string) {
		t.Helper()
		secrets, _, _ := w.front.Secrets()
		for name, text := range written {
			for _, leak := range leaks(name, text, append(secrets, w.Sim.ClientSecret(), wrong)) {
				t.Error(leak)
			}
		}
	}

	s := w.Secret()
	s.StringData["clientSecret"] = wrong
	w.Apply(t, s, w.Tenant(), w.Policy(), w.WaveOn("pilot", "Pilot"))
	w.stuck(t, tenant(), v1alpha1.ReasonCredentialRefused)
	w.front.Serve(echo(sim, isTokenRequest))
	w.stuck(t, tenant(), v1alpha1.ReasonCredentialRefused, "HTTP 400")
	search(w.written(t))
	w.front.Serve(sim)

	lost := &once{}
	w.front.Lose(lost.write)
	o := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: testkit.SecretName}}
	w.Edit(t, o, func() { o.StringData = w.Secret().StringData })
	w.goesOn(t)
	w.exposes(t, "pilot")
	w.front.Lose(nil)
	if n := lost.count(); n < 4 {
		t.Errorf("%d answers were lost, want those of creates, assignments and members", n)
	}
	search(w.written(t))

	w.change(t, func(sc *tenantsim.Scenario) { sc.RevokeTokens = true })
	w.says(t, policy(), v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonUnauthorized)
	search(w.written(t))
	w.change(t, func(sc *tenantsim.Scenario) { sc.RevokeTokens = false })
	w.goesOn(t)

	w.front.Serve(echo(sim, func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/configurationPolicies") }))
	w.says(t, policy(), v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonInvalid, "HTTP 400")
	search(w.written(t))
	w.front.Serve(echo(sim, func(r *http.Request) bool { return r.URL.Query().Has("sig") })) // the storage host
	if err := w.Sim.Advance(time.Hour); err != nil {                                         // the inventory is due
		t.Fatal(err)
	}
	fails(t, w)
	search(w.written(t))
	w.front.Serve(sim)
	w.says(t, tenant(), v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)

	search(w.written(t))
	search(w.traces(t))
	if _, tokens, links := w.front.Secrets(); tokens < 2 || links < 1 {
		t.Errorf("%d tokens and %d links were in play, want two and one at least", tokens, links)
	}
	w.logIsStructured(t)
}

func isTokenRequest(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/token") }

// echo answers the requests that match with an error that quotes what they carried.
func echo(next http.Handler, match func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !match(r) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		var body any
		if isTokenRequest(r) {
			_ = r.ParseForm() // a form that does not parse is quoted as far as it goes
			w.WriteHeader(http.StatusBadRequest)
			body = map[string]any{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided: " +
				r.PostForm.Get("client_secret") + " in " + r.PostForm.Encode()}
		} else {
			w.WriteHeader(http.StatusBadRequest)
			body = map[string]any{"error": map[string]any{"code": "BadRequest", "message": "Cannot use " + r.Header.Get("Authorization") + " on " + r.URL.String()}}
		}
		_ = json.NewEncoder(w).Encode(body) // a client that hung up is its own affair
	})
}

// fails waits until the tenant is not ready.
func fails(t *testing.T, w *world) {
	t.Helper()
	testkit.Eventually(t, patience, func(ctx context.Context) error {
		o := tenant()
		if err := w.Get(ctx, o.Name, o); err != nil {
			return err
		}
		if o.Status.Reason == v1alpha1.ReasonSucceeded {
			return fmt.Errorf("the tenant is still %s", conditions(o))
		}
		return nil
	})
}

// once picks the first write to each kind of path, so that every create, assignment and membership loses one answer.
type once struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (o *once) write(r *http.Request) bool {
	if r.Method == http.MethodGet || isTokenRequest(r) {
		return false
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen == nil {
		o.seen = map[string]bool{}
	}
	key := r.Method + parts[len(parts)-1]
	first := !o.seen[key]
	o.seen[key] = true
	return first
}

func (o *once) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.seen)
}

// written gathers what people and programs read of an operator, as it is at the moment.
func (w *world) written(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"metrics": scrape(t, w.Registry) + scrape(t, ctrlmetrics.Registry)}
	for name, list := range map[string]client.ObjectList{
		"Tenants": &v1alpha1.TenantList{}, "PasskeyPolicies": &v1alpha1.PasskeyPolicyList{}, "PilotWaves": &v1alpha1.PilotWaveList{},
		"Events": &eventsv1.EventList{}, "WaveLedgers": &v1alpha1.WaveLedgerList{},
	} {
		if err := w.Kube.List(t.Context(), list, client.InNamespace(w.Namespace)); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(text)
	}
	return out
}

// traces gathers what an operator leaves behind in the course of its life: logs, and what a crash would print. It wants
// each kind of output to have something in it.
func (w *world) traces(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"log": w.log.String(), "log of the libraries": processLog.String(), "stacks": stacks(t)}
	all := w.written(t)
	maps.Copy(all, out)
	for name, want := range map[string]string{
		"log": "tenant action", "Tenants": "InventoryFresh", "PasskeyPolicies": "SettingsResolved", "PilotWaves": "AudienceResolved",
		"Events": v1alpha1.ReasonCredentialRefused, "WaveLedgers": "generation", "metrics": "tidegate_graph_requests_total", "stacks": "goroutine",
	} {
		if !strings.Contains(all[name], want) {
			t.Errorf("%s lacks %q: there is nothing to search in", name, want)
		}
	}
	return out
}

func scrape(t *testing.T, g prometheus.Gatherer) string {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// stacks is what a crash would print.
func stacks(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 2); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// logIsStructured wants each line of the log to be one event in JSON, with the keys by which a log store finds it.
func (w *world) logIsStructured(t *testing.T) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
	for _, line := range lines {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("not JSON: %v: %.200s", err, line)
			continue
		}
		for _, key := range []string{"level", "ts", "msg"} {
			if entry[key] == nil {
				t.Errorf("no %q in %.200s", key, line)
			}
		}
		for key, value := range entry {
			if text, ok := value.(string); ok && key != "stacktrace" && strings.Contains(text, "\n") {
				t.Errorf("%q of more than one line in %.300s", key, line)
			}
		}
		switch entry["msg"] {
		case "tenant action", "state changed", "decision", "inventory refreshed":
			if entry["namespace"] != w.Namespace || entry["name"] == nil || entry["controller"] == nil || entry["reconcileID"] == nil {
				t.Errorf("whose event is this? %.300s", line)
			}
		}
	}
	if len(lines) < 50 {
		t.Errorf("%d lines are no log", len(lines))
	}
}
