// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// cloudHosts holds the authority and the Graph of each cloud (contract l.4), the other names under which the
// authority answers, and the storage that serves exports. A token endpoint may be under any of these names: the document
// of the authority says under which. Names: MSAL's list of trusted hosts. Storage: the blob endpoints of Azure's environments;
// blob.storage.azure.net has the accounts with a DNS zone of their own, ASSUMED to serve exports as well.
var cloudHosts = map[Cloud]struct {
	authority, graph string
	aliases          []string
	storage          []string
}{
	CloudGlobal: {"login.microsoftonline.com", "graph.microsoft.com",
		[]string{"login.microsoft.com", "login.windows.net", "sts.windows.net"}, []string{".blob.core.windows.net", ".blob.storage.azure.net"}},
	CloudUSGovernmentL4: {"login.microsoftonline.us", "graph.microsoft.us",
		[]string{"login.usgovcloudapi.net"}, []string{".blob.core.usgovcloudapi.net"}},
	CloudUSGovernmentL5: {"login.microsoftonline.us", "dod-graph.microsoft.us",
		[]string{"login.usgovcloudapi.net"}, []string{".blob.core.usgovcloudapi.net"}},
	CloudChina: {"login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn",
		[]string{"login.partner.microsoftonline.cn"}, []string{".blob.core.chinacloudapi.cn"}},
}

// Endpoint replaces the hosts of a cloud, to reach a server that is not Microsoft's own. Both hosts have to be among
// [Config].AllowedHosts.
type Endpoint struct {
	// GraphURL is the root of Graph without a version, for example https://127.0.0.1:8443.
	GraphURL string
	// AuthorityURL is the root of the token authority without the tenant.
	AuthorityURL string
	// CABundle holds PEM certificates. When it is set, these and no others are trusted.
	CABundle []byte
}

// ErrHostNotAllowed is found by errors.Is in the error for an Endpoint whose host is not among Config.AllowedHosts.
var ErrHostNotAllowed = errors.New("the host is not among those that the operator may speak to")

// hostNotAllowed says which host is refused and who can change that.
type hostNotAllowed struct{ field, host string }

// Error names the field, the host and the remedy.
func (e *hostNotAllowed) Error() string {
	return fmt.Sprintf("%s names host %s, to which this operator does not speak: whoever runs the operator can allow it by --allow-endpoint-hosts=%s; "+
		"for Microsoft's own hosts leave endpoint out", e.field, e.host, e.host)
}

// Unwrap makes it an ErrHostNotAllowed.
func (e *hostNotAllowed) Unwrap() error { return ErrHostNotAllowed }

// hosts is where one client may send requests, and what for.
type hosts struct {
	graph, authority *url.URL
	roots            *x509.CertPool // nil: the roots of the system
	// custom says that they are not Microsoft's: what they answer is not shown, see Error.Foreign.
	custom bool
	// scope is what a token is asked for: the application permissions on the very host that it is sent to.
	scope string
	// signIn are the hosts that the credential may be sent to, storage the ends of those that exports are fetched from.
	signIn, storage []string
	allowed         HostList
}

// resolve turns cloud and endpoint into URLs, or says which field is wrong and what to write.
func (cfg Config) resolve() (hosts, error) {
	if cfg.TenantID == "" {
		return hosts{}, errors.New("tenantID is empty: write the directory id that the Entra admin centre shows for the tenant")
	}
	known, ok := cloudHosts[cfg.Cloud]
	if !ok {
		return hosts{}, fmt.Errorf("cloud %q is unknown: write Global, USGovernmentL4, USGovernmentL5 or China", cfg.Cloud)
	}
	h := hosts{custom: cfg.Endpoint != nil, allowed: cfg.AllowedHosts}
	h.graph = &url.URL{Scheme: "https", Host: known.graph}
	h.authority = &url.URL{Scheme: "https", Host: known.authority}
	h.storage = known.storage
	for _, name := range append([]string{known.authority}, known.aliases...) {
		h.signIn = append(h.signIn, name+":443")
	}
	if h.custom {
		if err := h.replace(cfg); err != nil {
			return hosts{}, err
		}
	}
	h.scope = h.graph.String() + "/.default" // contract l.1, l.4
	return h, nil
}

// replace takes the hosts of an endpoint. Nothing of Microsoft's is sent there: neither the operator's own identity nor a token
// that Microsoft would honour.
func (h *hosts) replace(cfg Config) error {
	if cfg.Auth.WorkloadIdentity != nil {
		return errors.New("auth.workloadIdentity signs in to Microsoft only: remove endpoint, or set auth.clientSecret or auth.clientCertificate beside it")
	}
	var err error
	if h.graph, err = h.parse("endpoint.graphURL", cfg.Endpoint.GraphURL, true); err != nil {
		return err
	}
	// azidentity refuses an authority without TLS, so it is refused here with a better sentence.
	if h.authority, err = h.parse("endpoint.authorityURL", cfg.Endpoint.AuthorityURL, false); err != nil {
		return err
	}
	own, err := canonical(h.authority)
	if err != nil {
		return err
	}
	h.signIn, h.storage = []string{own}, nil
	if len(cfg.Endpoint.CABundle) > 0 {
		h.roots = x509.NewCertPool()
		if !h.roots.AppendCertsFromPEM(cfg.Endpoint.CABundle) {
			return errors.New("endpoint.caBundle holds no certificate: write one or more PEM blocks of type CERTIFICATE")
		}
	}
	return nil
}

// parse checks the root URL of a host that stands in for Microsoft's. Plain http is only good for a server on the same machine.
func (h *hosts) parse(field, text string, allowLoopbackHTTP bool) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%s %q is not a URL: write scheme and host, for example https://127.0.0.1:8443", field, text)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%s must hold only scheme, host, port and path: remove user, query and fragment", field)
	}
	if u.Scheme != "https" && (!allowLoopbackHTTP || u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("%s %q does not use https: a token must not travel in the clear", field, text)
	}
	name, err := canonical(u)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %q: %w", field, text, err)
	case microsofts(name):
		return nil, fmt.Errorf("%s names %s, which is Microsoft's own: leave endpoint out to reach Microsoft, as no token of Microsoft's is sent to another host and none of another's to Microsoft",
			field, shortHost(name))
	case !h.allowed.has(name):
		return nil, &hostNotAllowed{field, shortHost(name)}
	}
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

// checkHost refuses a host that is not the tenant's Graph: a link in an answer must not carry the token away
// (contract k.2).
func (h *hosts) checkHost(u *url.URL) error {
	want, err := canonical(h.graph)
	if err != nil {
		return err
	}
	if got, err := canonical(u); err == nil && u.Scheme == h.graph.Scheme && got == want {
		return nil
	}
	return fmt.Errorf("refused to follow a link to %s: the token of this tenant belongs to %s only",
		cleanText(u.Scheme+"://"+u.Host, 200), h.graph.Host)
}

// checkStorage refuses the link of an export that does not lead to the cloud's storage, to the tenant's own Graph or to a host
// that is allowed: whoever answers for Graph must not have the operator read what only the operator can reach.
func (h *hosts) checkStorage(u *url.URL) error {
	name, err := canonical(u)
	switch {
	case err != nil:
		return err
	case u.Scheme == h.graph.Scheme && h.checkHost(u) == nil:
		return nil
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return errors.New("it is not an https URL")
	case h.allowed.has(name):
		return nil
	}
	for _, suffix := range h.storage {
		if account, ok := strings.CutSuffix(name, suffix+":443"); ok && account != "" && u.Scheme == "https" {
			return nil
		}
	}
	return fmt.Errorf("host %s is neither storage of the tenant's cloud nor among --allow-endpoint-hosts", cleanText(name, 200))
}

// strayLink is a link of an answer that leads elsewhere. It stays so until whoever answers is another.
func (c *Client) strayLink(op call, message string) *Error {
	e := invalid(op.op, "%s", message)
	if c.hosts.custom {
		e.Foreign, e.Hint = true, "an answer links to a host to which this tenant's requests do not go: the link is not followed"
	}
	return e
}

// signInTransport lets token requests reach the authority and nobody else: the document of an authority says where its token
// endpoint is, and must not send the credential away.
type signInTransport struct {
	next  http.RoundTripper
	hosts *hosts
}

// signInKey is the context key of where the failure of the last token request goes, nil when that got an answer.
type signInKey struct{}

// RoundTrip implements http.RoundTripper.
func (t *signInTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.send(req)
	if failed, ok := req.Context().Value(signInKey{}).(*atomic.Pointer[error]); ok {
		if failed.Store(nil); err != nil {
			failed.Store(&err)
		}
	}
	return resp, err
}

// send sends a request to the authority, and no other.
func (t *signInTransport) send(req *http.Request) (*http.Response, error) {
	name, err := canonical(req.URL)
	if err == nil && req.URL.Scheme == "https" {
		for _, host := range t.hosts.signIn {
			if host == name {
				return t.next.RoundTrip(req)
			}
		}
	}
	closeBody(req)
	return nil, &notSentError{fmt.Errorf("the authority names a token endpoint on another host, to which no credential is sent: check that %s is the authority itself", t.hosts.authority.Host)}
}
