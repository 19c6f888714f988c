// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// devicePages renders pages of managed devices with the members that the client selects.
func devicePages(pages int, root func() string) http.Handler {
	var items bytes.Buffer
	for i := range 1000 {
		if i > 0 {
			items.WriteByte(',')
		}
		fmt.Fprintf(&items, `{"id":"8b1d0f3e-0000-0000-0000-%012d","azureADDeviceId":"2f77aaaa-0000-0000-0000-%012d","deviceName":"PC-%06d","operatingSystem":"Windows","osVersion":"10.0.26100.4061","complianceState":"compliant","managementAgent":"mdm","managedDeviceOwnerType":"company","deviceEnrollmentType":"windowsAzureADJoin","managementState":"managed","enrolledDateTime":"2026-01-02T08:00:12Z","lastSyncDateTime":"2026-10-02T08:00:12Z","isEncrypted":true,"azureADRegistered":true,"userId":"0f4e","userPrincipalName":"ann@contoso.example","serialNumber":"SN%d","manufacturer":"Contoso","model":"M1"}`, i, i, i, i)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var page int
		_, _ = fmt.Sscanf(r.URL.Query().Get("$skiptoken"), "%d", &page)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"value":[`))
		_, _ = w.Write(items.Bytes())
		_, _ = w.Write([]byte(`]`))
		if page+1 < pages {
			_, _ = fmt.Fprintf(w, `,"@odata.nextLink":"%s/v1.0/deviceManagement/managedDevices?$skiptoken=%d"`, root(), page+1)
		}
		_, _ = w.Write([]byte(`}`))
	})
}

// BenchmarkListManagedDevices lists 100,000 devices, through the client and with nothing but net/http and a
// streaming decoder of the same pages.
func BenchmarkListManagedDevices(b *testing.B) {
	const pages = 100
	var srv *httptest.Server
	srv = httptest.NewServer(devicePages(pages, func() string { return srv.URL }))
	b.Cleanup(srv.Close)
	cfg := testConfig(srv.URL).withDefaults()
	h, err := cfg.resolve()
	if err != nil {
		b.Fatal(err)
	}
	c, err := newClient(cfg, h, newBaseTransport(nil), staticTokens)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("client", func(b *testing.B) {
		for b.Loop() {
			n := 0
			if err := c.ManagedDevices(b.Context(), func(ManagedDevice) error { n++; return nil }); err != nil || n != pages*1000 {
				b.Fatal(n, err)
			}
		}
		b.ReportMetric(float64(pages*1000*b.N)/b.Elapsed().Seconds(), "devices/s")
	})
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for page := range pages {
				n += bareDecode(b, fmt.Sprintf("%s/v1.0/deviceManagement/managedDevices?$skiptoken=%d", srv.URL, page))
			}
			if n != pages*1000 {
				b.Fatal(n)
			}
		}
		b.ReportMetric(float64(pages*1000*b.N)/b.Elapsed().Seconds(), "devices/s")
	})
}

// bareDecode reads one page with the least that can be done.
func bareDecode(b *testing.B, url string) int {
	resp, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	dec := json.NewDecoder(resp.Body)
	for {
		tok, err := dec.Token()
		if err != nil {
			b.Fatal(err)
		}
		if tok == json.Delim('[') {
			break
		}
	}
	n := 0
	for dec.More() {
		var d wireManagedDevice
		if err := dec.Decode(&d); err != nil {
			b.Fatal(err)
		}
		n++
	}
	return n
}
