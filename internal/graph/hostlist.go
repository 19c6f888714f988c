// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// HostList names the hosts, beside Microsoft's own, that a Client may speak to. The zero value names none.
type HostList struct{ names []string }

// ParseHosts reads entries of the form host or host:port; without a port it is 443. A name counts as it is written, in any case:
// no other name of the same machine, no host below it, no other port. An error names the entry and the remedy.
func ParseHosts(entries []string) (HostList, error) {
	var l HostList
	for _, entry := range entries {
		host, port := entry, "443"
		if h, p, err := net.SplitHostPort(entry); err == nil {
			host, port = h, p
		}
		name, err := canonicalHost(strings.Trim(host, "[]"), port)
		switch {
		case err != nil:
			return HostList{}, fmt.Errorf("%q is no host: %w; write host or host:port, such as sim.example:8443", entry, err)
		case microsofts(name):
			return HostList{}, fmt.Errorf("%q is Microsoft's own host: leave it out, it is spoken to without endpoint", entry)
		}
		l.names = append(l.names, name)
	}
	slices.Sort(l.names)
	l.names = slices.Compact(l.names)
	return l, nil
}

// has looks a canonical name up.
func (l HostList) has(name string) bool { return slices.Contains(l.names, name) }

// microsofts says whether a canonical name is that of Graph or of an authority in one of Microsoft's clouds.
func microsofts(name string) bool {
	host := shortHost(name)
	for _, c := range cloudHosts {
		if host == c.graph || host == c.authority || slices.Contains(c.aliases, host) {
			return true
		}
	}
	return false
}

// canonical is the one spelling of the host and port of a URL by which hosts are compared, or why it has none.
func canonical(u *url.URL) (string, error) {
	if u.User != nil {
		return "", errors.New("it carries a user")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return canonicalHost(u.Hostname(), port)
}

// canonicalHost is host:port in lower case. What a resolver or an HTTP library would take for another spelling of a name, a dot at
// its end or letters beyond ASCII, is no name here.
func canonicalHost(host, port string) (string, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return "", errors.New("an address with a zone means another machine to each")
		}
		host = ip.Unmap().String()
		return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
	}
	host = strings.ToLower(host)
	switch {
	case host == "":
		return "", errors.New("the name is empty")
	case strings.HasSuffix(host, "."):
		return "", errors.New("remove the dot at the end of the name")
	}
	for _, r := range host {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_' {
			return "", errors.New("a name has letters, digits, hyphens and dots only, and no wildcard; write an international name in its ASCII form, xn--…")
		}
	}
	return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
}

// shortHost leaves the port of https out, as a person writes it.
func shortHost(name string) string { return strings.TrimSuffix(name, ":443") }

// isLoopback reports whether a host name means this machine.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
