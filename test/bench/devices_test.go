// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/testkit/graphschema"
)

// The fleet: 100 pages of 1,000 devices, the largest page that Intune serves (contract k.2).
const (
	devicePages = 100
	pageDevices = 1000
	allDevices  = devicePages * pageDevices
)

// bareDevice holds the members that the product selects, as text.
type bareDevice struct {
	ID                string `json:"id"`
	AzureADDeviceID   string `json:"azureADDeviceId"`
	DeviceName        string `json:"deviceName"`
	OperatingSystem   string `json:"operatingSystem"`
	OSVersion         string `json:"osVersion"`
	ComplianceState   string `json:"complianceState"`
	ManagementAgent   string `json:"managementAgent"`
	OwnerType         string `json:"managedDeviceOwnerType"`
	EnrollmentType    string `json:"deviceEnrollmentType"`
	ManagementState   string `json:"managementState"`
	EnrolledAt        string `json:"enrolledDateTime"`
	LastSyncAt        string `json:"lastSyncDateTime"`
	IsEncrypted       bool   `json:"isEncrypted"`
	AzureADRegistered bool   `json:"azureADRegistered"`
	UserID            string `json:"userId"`
	UserPrincipalName string `json:"userPrincipalName"`
	SerialNumber      string `json:"serialNumber"`
	Manufacturer      string `json:"manufacturer"`
	Model             string `json:"model"`
}

// renderPages renders the answers of the fleet's pages; the server only copies them.
func renderPages(root string) [][]byte {
	pages := make([][]byte, devicePages)
	for p := range pages {
		var b bytes.Buffer
		b.WriteString(`{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#deviceManagement/managedDevices","@odata.count":1000,`)
		if p+1 < devicePages {
			fmt.Fprintf(&b, `"@odata.nextLink":"%s/v1.0/deviceManagement/managedDevices?$skiptoken=%d",`, root, p+1)
		}
		b.WriteString(`"value":[`)
		for i := range pageDevices {
			if i > 0 {
				b.WriteByte(',')
			}
			n := p*pageDevices + i
			fmt.Fprintf(&b, `{"id":"8b1d0f3e-0000-4000-8000-%012d","azureADDeviceId":"2f77aaaa-0000-4000-8000-%012d","deviceName":"PC-%06d","operatingSystem":"Windows",`+
				`"osVersion":"10.0.26100.%d","complianceState":"compliant","managementAgent":"mdm","managedDeviceOwnerType":"company","deviceEnrollmentType":"windowsAzureADJoin",`+
				`"managementState":"managed","enrolledDateTime":"2026-01-02T08:00:12Z","lastSyncDateTime":"2026-10-02T08:%02d:12Z","isEncrypted":true,"azureADRegistered":true,`+
				`"userId":"0f4e0000-0000-4000-8000-%012d","userPrincipalName":"user%06d@contoso.example","serialNumber":"SN%08d","manufacturer":"Contoso","model":"Laptop 7"}`,
				n, n, n, 4000+n%90, n%60, n, n, n)
		}
		b.WriteString(`]}`)
		pages[p] = b.Bytes()
	}
	return pages
}

// newFleet serves the pages on loopback.
func newFleet(b *testing.B) *httptest.Server {
	b.Helper()
	var pages [][]byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("$skiptoken"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(pages[page])
	}))
	b.Cleanup(srv.Close)
	pages = renderPages(srv.URL)
	// Outside of what is measured: the first page and the last, which has no link.
	for _, page := range [][]byte{pages[0], pages[devicePages-1]} {
		if err := graphschema.Validate("v1.0", http.MethodGet, "deviceManagement/managedDevices", graphschema.Response, page); err != nil {
			b.Fatal(err)
		}
	}
	return srv
}

// BenchmarkManagedDevices lists 100,000 devices through the client, against net/http and a streaming decoder on the
// same pages. Promise: at most 2.0 times the floor.
func BenchmarkManagedDevices(b *testing.B) {
	srv := newFleet(b)
	c := newClient(b, srv.URL)
	floor := func() error {
		n, size := 0, 0
		for url := srv.URL + "/v1.0/deviceManagement/managedDevices"; url != ""; {
			var err error
			if url, err = barePage(url, func(d *bareDevice) { n, size = n+1, size+len(d.ID) }); err != nil {
				return err
			}
		}
		return complete(n, size)
	}
	product := func() error {
		n, size := 0, 0
		err := c.ManagedDevices(b.Context(), func(d graph.ManagedDevice) error { n, size = n+1, size+len(d.ID); return nil })
		if err != nil {
			return err
		}
		return complete(n, size)
	}
	turns(b, allDevices, "devices", 2.0, floor, product)
}

// complete checks that a run saw the whole fleet.
func complete(n, size int) error {
	if n != allDevices || size != allDevices*36 {
		return fmt.Errorf("%d devices with %d bytes of ids", n, size)
	}
	return nil
}

// barePage reads one page as a stream and returns the link to the next one.
func barePage(url string, yield func(*bareDevice)) (string, error) {
	resp, err := http.Get(url) //nolint:gosec,noctx // the floor: a server of this test
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	dec := json.NewDecoder(resp.Body)
	next := ""
	for {
		tok, err := dec.Token()
		if err != nil {
			return "", err
		}
		switch tok {
		case "@odata.nextLink":
			if err := dec.Decode(&next); err != nil {
				return "", err
			}
		case json.Delim('['):
			for dec.More() {
				var d bareDevice
				if err := dec.Decode(&d); err != nil {
					return "", err
				}
				yield(&d)
			}
			if _, err := dec.Token(); err != nil {
				return "", err
			}
			return next, nil
		}
	}
}
