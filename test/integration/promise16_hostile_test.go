// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/testkit"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
)

// dripping serves tokens as the tenant of a world does, and of everything else a byte now and then, without end. It counts the
// requests that it holds.
func dripping(t *testing.T, w *testkit.World) (srv *httptest.Server, held *atomic.Int64) {
	t.Helper()
	tenant := w.Sim.Handler()
	held = &atomic.Int64{}
	srv = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			tenant.ServeHTTP(rw, r)
			return
		}
		held.Add(1)
		defer held.Add(-1)
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, `{"value":[`)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(rw, " "); err != nil {
				return
			}
			_ = http.NewResponseController(rw).Flush()
			time.Sleep(50 * time.Millisecond)
		}
	}))
	t.Cleanup(srv.Close)
	return srv, held
}

// connect applies a Tenant of its own name and Secret that reaches a host.
func connect(t *testing.T, w *testkit.World, name, url string, ca []byte) {
	t.Helper()
	secret, ten := w.Secret(), w.Tenant()
	secret.Name, ten.Name = name, name
	secret.Labels = map[string]string{"tidegate.dev/tenant": name}
	ten.Spec.Auth.ClientSecret.SecretRef.Name = name
	ten.Spec.Endpoint.GraphURL, ten.Spec.Endpoint.AuthorityURL, ten.Spec.Endpoint.CABundle = url, url, string(ca)
	w.Apply(t, secret, ten)
}

// TestPromise16_DrippingTenantsStarveNobody: more Tenants than the operator has workers for one of them trickle their answers, so
// that each reading goes on and on. One that answers as a tenant does is read meanwhile as if it were alone.
func TestPromise16_DrippingTenantsStarveNobody(t *testing.T) {
	const hostile = 12
	w := testkit.New(t, testkit.Options{NoOperator: true, Devices: 40, Scenario: calm()})
	srv, held := dripping(t, w)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	w.EndpointHosts = []string{hosts.Of(srv.URL)}
	op := w.Run(t)
	defer op.Stop() // before the host, which waits for its requests
	for i := range hostile {
		connect(t, w, fmt.Sprintf("drips-%d", i), srv.URL, ca)
	}
	testkit.Eventually(t, time.Minute, func(context.Context) error {
		if n := held.Load(); n < hostile {
			return fmt.Errorf("the host holds %d requests of %d Tenants", n, hostile)
		}
		return nil
	})
	connect(t, w, "honest", w.SimURL, w.SimCA)
	began := time.Now()
	testkit.Eventually(t, time.Minute, func(ctx context.Context) error {
		ten := &v1alpha1.Tenant{}
		if err := w.Get(ctx, "honest", ten); err != nil {
			return err
		}
		if ready := meta.FindStatusCondition(ten.Status.Conditions, v1alpha1.ConditionReady); ready == nil || string(ready.Status) != string(corev1.ConditionTrue) {
			return fmt.Errorf("not ready: %+v", ten.Status)
		}
		return nil
	})
	if n := held.Load(); n < hostile {
		t.Errorf("when the honest one was ready the host held %d requests: nothing was shown", n)
	}
	t.Logf("ready %s after it was connected", time.Since(began).Round(time.Millisecond))
}
