// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/testkit/thief"
)

// TestParseHosts: an entry is one host and one port; whatever would mean more than it says is refused with the remedy.
func TestParseHosts(t *testing.T) {
	for entry, want := range map[string]string{
		"sim.example": "sim.example:443", "SIM.example:8443": "sim.example:8443", "127.0.0.1:1": "127.0.0.1:1", "[::1]:8443": "[::1]:8443", "::1": "[::1]:443",
		"[::ffff:127.0.0.1]:9": "127.0.0.1:9", "xn--bcher-kva.example": "xn--bcher-kva.example:443",
	} {
		if l, err := ParseHosts([]string{entry}); err != nil || strings.Join(l.names, ",") != want {
			t.Errorf("%q: %v, %v; want %s", entry, l.names, err, want)
		}
	}
	for entry, says := range map[string]string{
		"": "empty", "sim.example.": "remove the dot", "*.example": "no wildcard", "bücher.example": "ASCII form", "https://sim.example": "no host", "user@sim.example": "no host",
		"sim.example:0": "port", "sim.example:65536": "port", "sim.example/x": "no host", "fe80::1%eth0": "zone", "graph.microsoft.com": "Microsoft's own", "LOGIN.windows.net:443": "Microsoft's own",
	} {
		if _, err := ParseHosts([]string{"ok.example", entry}); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), fmt.Sprintf("%q", entry)) {
			t.Errorf("%q: %v, want %q", entry, err, says)
		}
	}
}

// use makes every kind of call.
func use(ctx context.Context, c *Client) []error {
	var errs []error
	_, err := c.Permissions(ctx)
	errs = append(errs, err)
	_, err = c.Group(ctx, "g1")
	errs = append(errs, err, c.ManagedDevices(ctx, func(ManagedDevice) error { return nil }))
	_, err = c.AddMembers(ctx, "g1", []string{"11111111-2222-3333-4444-555555555555"})
	errs = append(errs, err)
	_, err = c.Export(ctx, ExportRequest{Report: "Devices", Select: []string{"DeviceId"}}, func(Row) error { return nil })
	errs = append(errs, err)
	_, err = c.ConfigurationPolicies(ctx, "")
	return append(errs, err)
}

// TestPromise16_EndpointBesideMicrosoft: no spelling of an endpoint makes the operator sign in to Microsoft for another host, or
// to another host for Microsoft, and none that is not listed is spoken to at all.
func TestPromise16_EndpointBesideMicrosoft(t *testing.T) {
	evil, other := thief.New(t, nil), thief.New(t, nil)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("federated.token.canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	const login, graph = "https://login.microsoftonline.com", "https://graph.microsoft.com"
	identity := Auth{WorkloadIdentity: &WorkloadIdentity{ClientID: "app", TokenFile: token}}
	for name, tt := range map[string]struct {
		graph, authority string
		auth             Auth
		says             string
	}{
		"not listed":                        {other.URL, other.URL, Auth{}, "--allow-endpoint-hosts"},
		"Graph not listed":                  {other.URL, evil.URL, Auth{}, "endpoint.graphURL names host"},
		"authority not listed":              {evil.URL, other.URL, Auth{}, "endpoint.authorityURL names host"},
		"another name of it":                {strings.Replace(evil.URL, "127.0.0.1", "localhost", 1), evil.URL, Auth{}, "--allow-endpoint-hosts"},
		"another spelling of it":            {strings.Replace(evil.URL, "127.0.0.1", "127.1", 1), evil.URL, Auth{}, "--allow-endpoint-hosts"},
		"Microsoft signs in for it":         {evil.URL, login, Auth{}, "Microsoft's own"},
		"Microsoft in capitals":             {evil.URL, "https://LOGIN.MicrosoftOnline.com", Auth{}, "Microsoft's own"},
		"Microsoft by its other name":       {evil.URL, "https://sts.windows.net", Auth{}, "Microsoft's own"},
		"Microsoft of another cloud":        {evil.URL, "https://login.chinacloudapi.cn:443", Auth{}, "Microsoft's own"},
		"Microsoft with a dot":              {evil.URL, "https://login.microsoftonline.com.", Auth{}, "remove the dot"},
		"Microsoft by a fold":               {evil.URL, "https://login.micro\u017foftonline.com", Auth{}, "ASCII"},
		"Microsoft as a user":               {evil.URL, "https://login.microsoftonline.com@127.0.0.1", Auth{}, "remove user"},
		"it signs in for Microsoft":         {graph, evil.URL, Auth{}, "Microsoft's own"},
		"both are Microsoft":                {graph, login, Auth{}, "leave endpoint out"},
		"workload identity to a listed one": {evil.URL, evil.URL, identity, "auth.workloadIdentity signs in to Microsoft only"},
		"workload identity by Microsoft":    {evil.URL, login, identity, "auth.workloadIdentity signs in to Microsoft only"},
		"no authority":                      {evil.URL, "", Auth{}, "is not a URL"},
	} {
		cfg := Config{TenantID: testTenant, Endpoint: &Endpoint{GraphURL: tt.graph, AuthorityURL: tt.authority, CABundle: evil.CA()}, AllowedHosts: allow(evil.URL), Auth: tt.auth}
		if tt.auth == (Auth{}) {
			cfg.Auth = Auth{ClientSecret: &ClientSecret{ClientID: "app", Secret: testSecret}}
		}
		c, err := New(cfg)
		if err == nil {
			use(t.Context(), c)
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
		if strings.Contains(tt.says, "--allow") != errors.Is(err, ErrHostNotAllowed) && !strings.Contains(tt.says, "names host") {
			t.Errorf("%s: %v is told apart wrongly", name, err)
		}
	}
	evil.Untouched(t)
	other.Untouched(t)
}

// TestPromise16_ListedHostCannotSendElsewhere: a host that is allowed answers with redirects and links to one that is not, and
// with a token endpoint there. Neither a credential, nor a token, nor a bare request arrives.
func TestPromise16_ListedHostCannotSendElsewhere(t *testing.T) {
	robber := thief.New(t, nil)
	for name, lure := range map[string]func(a *authority){
		"another authority": func(a *authority) { a.base = robber.URL },
		"token endpoint":    func(a *authority) { a.elsewhere = robber.URL },
		"redirected sign-in": func(a *authority) {
			a.onToken = func(w http.ResponseWriter, _ int64) {
				w.Header().Set("Location", robber.URL+"/token")
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
		},
		"redirected Graph": func(a *authority) {
			a.onGraph = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", robber.URL+"/v1.0/groups/g1")
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
		},
		"links": func(a *authority) {
			a.onGraph = func(w http.ResponseWriter, r *http.Request) {
				switch {
				case strings.Contains(r.URL.Path, "exportJobs"):
					answer(w, 200, `{"id":"x1","status":"completed","url":%q}`, robber.URL+"/file.zip")
				case strings.Contains(r.URL.Path, "$batch"):
					answer(w, 200, `{"responses":[{"id":"0","status":307,"headers":{"Location":%q}}]}`, robber.URL)
				case strings.Contains(r.URL.Path, "/groups/"):
					answer(w, 200, groupJSON)
				default:
					answer(w, 200, `{"value":[],"@odata.nextLink":%q,"@odata.deltaLink":%q}`, robber.URL+"/v1.0/next", robber.URL+"/v1.0/delta")
				}
			}
		},
		"redirected export": func(a *authority) {
			a.onGraph = func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/file.zip") {
					http.Redirect(w, r, robber.URL+"/file.zip", http.StatusFound)
					return
				}
				answer(w, 200, `{"id":"x1","status":"completed","url":%q}`, a.URL+"/v1.0/file.zip")
			}
		},
		"link over http": func(a *authority) {
			a.onGraph = func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "exportJobs") {
					answer(w, 200, `{"id":"x1","status":"completed","url":"http://%s/file.zip"}`, robber.Listener.Addr())
					return
				}
				answer(w, 200, `{"value":[],"@odata.nextLink":"http://%s/v1.0/next"}`, robber.Listener.Addr())
			}
		},
		"link with a user": func(a *authority) {
			a.onGraph = func(w http.ResponseWriter, r *http.Request) {
				host := strings.TrimPrefix(a.URL, "https://")
				answer(w, 200, `{"id":"x1","status":"completed","url":"https://%s@%s/f.zip","value":[],"@odata.nextLink":"https://%s@%s/v1.0/next"}`,
					host, robber.Listener.Addr(), host, robber.Listener.Addr())
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAuthorityAny(t)
			lure(a)
			for i, err := range use(t.Context(), a.client(t, func(cfg *Config) {
				cfg.Endpoint.CABundle = append(cfg.Endpoint.CABundle, robber.CA()...)
				cfg.ExportPollInterval = time.Millisecond
			})) {
				if err == nil && name == "redirected Graph" && i > 0 {
					t.Errorf("call %d: followed", i)
				}
			}
			robber.Untouched(t)
		})
	}
}

// TestPromise16_ExportsComeFromStorage: the link of an export is followed to the storage of the tenant's own cloud, to Graph, or
// to a host that is listed.
func TestPromise16_ExportsComeFromStorage(t *testing.T) {
	for link, clouds := range map[string]string{
		"https://acct.blob.core.windows.net/x?sig=y":     "Global",
		"https://ACCT.blob.core.windows.net:443/x":       "Global",
		"https://acct.z12.blob.storage.azure.net/x":      "Global",
		"https://acct.blob.core.usgovcloudapi.net/x":     "USGovernmentL4 USGovernmentL5",
		"https://acct.blob.core.chinacloudapi.cn/x":      "China",
		"https://listed.example:8443/x":                  "Global USGovernmentL4 USGovernmentL5 China",
		"https://graph.microsoft.com/x":                  "Global",
		"https://listed.example/x":                       "",
		"https://acct.blob.core.windows.net:8443/x":      "",
		"http://acct.blob.core.windows.net/x":            "",
		"https://acct.blob.core.windows.net./x":          "",
		"https://acct.blob.core.windows.net.evil.test/x": "",
		"https://evilblob.core.windows.net/x":            "",
		"https://.blob.core.windows.net/x":               "",
		"https://u@acct.blob.core.windows.net/x":         "",
		"https://169.254.169.254/metadata":               "",
		"http://127.0.0.1:10255/pods":                    "",
		"https://kubernetes.default.svc/api":             "",
		"file:///var/run/secrets/token":                  "",
	} {
		for cloud := range cloudHosts {
			h, err := Config{TenantID: testTenant, Cloud: cloud, AllowedHosts: allow("https://listed.example:8443")}.resolve()
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := false
			for name := range strings.FieldsSeq(clouds) {
				want = want || name == string(cloud)
			}
			if err := h.checkStorage(req.URL); (err == nil) != want {
				t.Errorf("%s in %s: %v, want it followed: %t", link, cloud, err, want)
			}
		}
	}
}

// TestPromise16_ForeignWordsAreNotShown: an endpoint that answers with what only the operator can read, in whatever shape, shows
// status and request id and none of it; the same answer of Microsoft's is shown, as an administrator needs it.
func TestPromise16_ForeignWordsAreNotShown(t *testing.T) {
	const canary = "canary-of-an-internal-service"
	shapes := map[string]string{
		"plain":       canary,
		"page":        "<html><body>" + canary + "</body></html>",
		"json":        `{"internal":"` + canary + `"}`,
		"OData":       `{"error":{"code":"` + canary + `","message":"` + canary + `","innerError":{"code":"x-` + canary + `"}}}`,
		"scopes":      `{"error":{"code":"Forbidden","message":"must have one of the following scopes: ` + canary + `.internal, Group.Read.All"}}`,
		"OAuth":       `{"error":"` + canary + `","error_description":"` + canary + `"}`,
		"AADSTS":      `{"error":"invalid_client","error_description":"AADSTS7000215: ` + canary + `"}`,
		"list":        `{"value":[{"id":` + canary + `}]}`,
		"time":        `{"value":[{"id":"x1","lastSyncDateTime":"` + canary + `"}]}`,
		"half a JSON": `{"access_token":"` + canary,
		"base64":      `{"responses":[{"id":"0","status":400,"body":"` + base64.StdEncoding.EncodeToString([]byte(canary)) + `"}]}`,
		"batch":       `{"responses":[{"id":"0","status":403,"body":{"error":{"code":"c","message":"` + canary + `"}}}]}`,
		"link":        `{"value":[],"@odata.nextLink":"https://` + canary + `.internal/x"}`,
		"export":      `{"id":"x1","status":"completed","url":"https://` + canary + `.internal/x"}`,
		"failed job":  `{"id":"` + canary + `","status":"failed"}`,
		"slow job":    `{"id":"` + canary + `","status":"` + canary + `"}`,
		"body's id":   `{"error":{"code":"c","message":"m","innerError":{"request-id":"` + canary + `"}},"trace_id":"` + canary + `"}`,
	}
	for name, body := range shapes {
		for _, status := range []int{200, 302, 401, 404, 429, 500} {
			for _, signIn := range []bool{true, false} {
				a := newAuthorityAny(t)
				write := func(w http.ResponseWriter) {
					w.Header().Set("Content-Type", canary+"/json")
					w.Header().Set("request-id", "req-77")
					w.Header().Set("WWW-Authenticate", `Bearer error="`+canary+`"`)
					w.WriteHeader(status)
					_, _ = io.WriteString(w, body)
				}
				a.onGraph = func(w http.ResponseWriter, _ *http.Request) { write(w) }
				if signIn {
					a.onToken = func(w http.ResponseWriter, _ int64) { write(w) }
				}
				quick := func(cfg *Config) {
					cfg.ExportPollInterval, cfg.ExportMaxWait, cfg.MaxAttempts, cfg.ConfirmDelay = time.Millisecond, 5*time.Millisecond, 1, time.Millisecond
				}
				for i, err := range use(t.Context(), a.client(t, quick)) {
					for e := err; e != nil; e = errors.Unwrap(e) {
						if text := fmt.Sprintf("%v %+v %s", e, e, Readable(e)); strings.Contains(text, canary) {
							t.Errorf("%s, %d, sign-in %t, call %d: %s", name, status, signIn, i, text)
						}
					}
					if i == 1 && !signIn && status >= 400 && (!strings.Contains(Readable(err), fmt.Sprintf("HTTP %d", status)) || !strings.Contains(err.Error(), "req-77")) {
						t.Errorf("%s, %d: neither status nor request id: %v", name, status, err)
					}
				}
			}
		}
	}
	a := newAuthorityAny(t)
	a.onGraph = func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, "%s", shapes["OData"]) }
	if _, err := a.client(t, a.asMicrosoft("https://login.microsoftonline.com")).Group(t.Context(), "g1"); !strings.Contains(Readable(err), canary) {
		t.Errorf("Microsoft's own words: %v", err)
	}
}

// TestPromise16_NotHTTPIsNotShown: what speaks something else over TLS is not quoted either.
func TestPromise16_NotHTTPIsNotShown(t *testing.T) {
	const canary = "SSH-2.0-canary"
	srv := thief.New(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, canary+"\r\n\r\n")
		_ = conn.Close()
	})
	c, err := New(Config{TenantID: testTenant, Endpoint: &Endpoint{GraphURL: srv.URL, AuthorityURL: srv.URL, CABundle: srv.CA()}, AllowedHosts: allow(srv.URL),
		Auth: Auth{ClientSecret: &ClientSecret{ClientID: "app", Secret: testSecret}}, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	plain := testClient(t, srv.URL, func(cfg *Config) { cfg.Endpoint.CABundle, cfg.MaxAttempts = srv.CA(), 1 })
	for _, err := range append(use(t.Context(), c), use(t.Context(), plain)[1:]...) {
		if err == nil || strings.Contains(fmt.Sprintf("%+v %s", err, Readable(err)), canary) {
			t.Errorf("%v", err)
		}
	}
	if srv.Heard() == "" {
		t.Error("nobody asked")
	}
}
