// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformancesdk

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	kjson "github.com/microsoft/kiota-serialization-json-go"
	ktext "github.com/microsoft/kiota-serialization-text-go"
	"github.com/microsoftgraph/msgraph-beta-sdk-go/devicemanagement"
	"github.com/microsoftgraph/msgraph-sdk-go-core"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/tenantsim"
	"github.com/tidegate/tidegate/internal/testkit/graphschema"
	"github.com/tidegate/tidegate/internal/testkit/hosts"
)

// tenant is the simulator as a program of its own, behind a proxy that keeps what
// was sent.
type tenant struct {
	*devicemanagement.DeviceManagementRequestBuilder
	adapter  abs.RequestAdapter
	url      string
	ca       []byte
	id, app  string
	mu       sync.Mutex
	recorded []sent
}

// sent is one request with a body.
type sent struct {
	method, path string
	body         []byte
}

// connection is what the simulator prints.
type connection struct {
	BaseURL, TenantID, ClientID, CAFile string
}

// startTenant builds and runs cmd/tenantsim.
func startTenant(t *testing.T) *tenant {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "tenantsim")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", binary, "./cmd/tenantsim")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the simulator: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(context.Background(), binary, "--devices", "60", "--speed", "0", "-o", "json", "--ca-file", filepath.Join(t.TempDir(), "ca.pem"),
		"--ideal", "the official beta SDK does not wait: what is asked of it here is that it and the simulator speak one language")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Errorf("stop the simulator: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			t.Logf("the simulator ended with %v", err)
		}
	})
	var c connection
	if err := json.NewDecoder(out).Decode(&c); err != nil {
		t.Fatalf("read what the simulator prints: %v", err)
	}
	tn := &tenant{id: c.TenantID, app: c.ClientID}
	tn.proxy(t, c)
	register()
	adapter, err := msgraphgocore.NewGraphRequestAdapterBaseWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(
		token(tn.token(t)), msgraphgocore.GraphClientOptions{GraphServiceVersion: "beta", GraphServiceLibraryVersion: "0.165.0"}, nil, nil, tn.httpClient(t))
	if err != nil {
		t.Fatal(err)
	}
	adapter.SetBaseUrl(tn.url + "/beta")
	tn.adapter = adapter
	tn.DeviceManagementRequestBuilder = devicemanagement.NewDeviceManagementRequestBuilderInternal(map[string]string{"baseurl": tn.url + "/beta"}, adapter)
	return tn
}

// proxy stands before the simulator and keeps request bodies.
func (tn *tenant) proxy(t *testing.T, c connection) {
	t.Helper()
	target, err := url.Parse(c.BaseURL)
	if err != nil {
		t.Fatal(err)
	}
	pemBytes, err := os.ReadFile(c.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pemBytes) {
		t.Fatal("the simulator's CA file holds no certificate")
	}
	forward := &httputil.ReverseProxy{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // next links must lead back here
		},
	}
	server := httptest.NewTLSServer(graphschema.Handler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read a request: %v", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if len(body) > 0 && r.Header.Get("Content-Encoding") == "" {
			tn.mu.Lock()
			tn.recorded = append(tn.recorded, sent{r.Method, r.URL.Path, body})
			tn.mu.Unlock()
		}
		forward.ServeHTTP(w, r)
	})))
	t.Cleanup(server.Close)
	tn.url = server.URL
	tn.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// httpClient is the SDK's default client with one more trusted certificate.
func (tn *tenant) httpClient(t *testing.T) *http.Client {
	t.Helper()
	options := msgraphgocore.GraphClientOptions{GraphServiceVersion: "beta", GraphServiceLibraryVersion: "0.165.0"}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(tn.ca) {
		t.Fatal("no certificate")
	}
	// The SDK's middleware ends in http.DefaultTransport.
	def, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t.Fatal("http.DefaultTransport is something else")
	}
	def.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return msgraphgocore.GetDefaultClient(&options)
}

func (tn *tenant) token(t *testing.T) string {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(tn.ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	resp, err := client.PostForm(tn.url+"/"+tn.id+"/oauth2/v2.0/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {tn.app},
		"client_secret": {tenantsim.DefaultSecret}, "scope": {"https://graph.microsoft.com/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || got.Token == "" {
		t.Fatalf("no token: %v", err)
	}
	return got.Token
}

// client is this project's client for the same tenant.
func (tn *tenant) client(t *testing.T) *graph.Client {
	t.Helper()
	c, err := graph.New(graph.Config{TenantID: tn.id, Auth: graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: tn.app, Secret: tenantsim.DefaultSecret}},
		Endpoint: &graph.Endpoint{GraphURL: tn.url, AuthorityURL: tn.url, CABundle: tn.ca}, AllowedHosts: hosts.Allow(t, tn.url)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// last returns the newest body that was sent by a method to a path that ends so.
func (tn *tenant) last(t *testing.T, method, suffix string) []byte {
	t.Helper()
	tn.mu.Lock()
	defer tn.mu.Unlock()
	for i := len(tn.recorded) - 1; i >= 0; i-- {
		if s := tn.recorded[i]; s.method == method && bytes.HasSuffix([]byte(s.path), []byte(suffix)) {
			return s.body
		}
	}
	t.Fatalf("nobody sent %s …%s", method, suffix)
	return nil
}

// token authenticates with a fixed token.
type token string

// AuthenticateRequest adds the token.
func (t token) AuthenticateRequest(_ context.Context, request *abs.RequestInformation, _ map[string]any) error {
	request.Headers.Add("Authorization", "Bearer "+string(t))
	return nil
}

// register does what the constructor of the SDK's service client does.
func register() {
	abs.RegisterDefaultSerializer(func() serialization.SerializationWriterFactory { return kjson.NewJsonSerializationWriterFactory() })
	abs.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory { return kjson.NewJsonParseNodeFactory() })
	abs.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory { return ktext.NewTextParseNodeFactory() })
}

// decode reads a body with a model of the SDK and fails for every member that the
// model does not know.
func decode[T serialization.Parsable](t *testing.T, body []byte, factory serialization.ParsableFactory) T {
	t.Helper()
	node, err := kjson.NewJsonParseNode(body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := node.GetObjectValue(factory)
	if err != nil {
		t.Fatalf("the SDK cannot read %s: %v", body, err)
	}
	out, ok := got.(T)
	if !ok {
		t.Fatalf("the SDK made a %T", got)
	}
	for _, unknown := range strangers(out, fmt.Sprintf("%T", out)) {
		t.Errorf("the SDK does not know %s in %s", unknown, body)
	}
	return out
}
