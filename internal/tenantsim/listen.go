// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"
)

// listening is a server that was started.
type listening struct {
	http   *http.Server
	socket *socket
	done   chan struct{}
	stop   chan struct{}
	cancel context.CancelFunc
}

// settleInterval is how often a running server lets devices live, so that a
// request after a long pause does not wait for all of them.
const settleInterval = 200 * time.Millisecond

// Start serves the tenant with TLS on addr, such as "127.0.0.1:0", and returns
// its base URL and the certificate of the generated authority that signed the
// server. Close ends it.
func (s *Server) Start(addr string) (baseURL string, caPEM []byte, err error) {
	return s.StartBehind(addr, func(tenant http.Handler) http.Handler { return tenant })
}

// StartBehind is Start with something that sees every request before the tenant
// does and every answer after it, such as a check of what they carry.
func (s *Server) StartBehind(addr string, before func(tenant http.Handler) http.Handler) (baseURL string, caPEM []byte, err error) {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	if s.listener != nil {
		return "", nil, errors.New("tenantsim: the server was started before")
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return "", nil, fmt.Errorf("tenantsim: listen: %w", err)
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("tenantsim: listen address: %w", err), l.Close())
	}
	certificate, caPEM, err := newCertificate(host)
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("tenantsim: %w", err), l.Close())
	}
	door := newSocket(l)
	// Close ends requests that a fault holds.
	base, cancel := context.WithCancel(context.Background())
	run := &listening{socket: door, done: make(chan struct{}), stop: make(chan struct{}), cancel: cancel, http: &http.Server{
		ConnState: door.track, BaseContext: func(net.Listener) context.Context { return base },
		Handler: before(s.Handler()), ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		// Clients that give up during a handshake are no news here.
		ErrorLog: log.New(discard{}, "", 0),
	}}
	s.listener = run
	go func() {
		defer close(run.done)
		// ServeTLS always returns an error: ErrServerClosed after Close.
		_ = run.http.ServeTLS(door, "", "")
	}()
	go s.live(run.stop)
	return "https://" + net.JoinHostPort(host, port), caPEM, nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// live settles the fleet while the server runs.
func (s *Server) live(stop <-chan struct{}) {
	tick := time.NewTicker(settleInterval)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			s.mu.Lock()
			s.settle(s.clock.Now())
			s.mu.Unlock()
		}
	}
}

// Close stops a started server: requests in flight get five seconds. A server
// that was not started needs no Close.
func (s *Server) Close() error {
	s.listenMu.Lock()
	run := s.listener
	s.listener = nil
	s.listenMu.Unlock()
	if run == nil {
		return nil
	}
	close(run.stop)
	run.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := run.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("tenantsim: shut down: %w", err), run.http.Close())
	}
	<-run.done
	return err
}

// newCertificate makes an authority and a server certificate for loopback and
// the given host.
func newCertificate(host string) (tls.Certificate, []byte, error) {
	now := time.Now()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("generate the authority key: %w", err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "tenantsim authority"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("create the authority certificate: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("generate the server key: %w", err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano() + 1), Subject: pkix.Name{CommonName: "tenantsim"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(host); ip != nil {
		leaf.IPAddresses = append(leaf.IPAddresses, ip)
	} else {
		leaf.DNSNames = append(leaf.DNSNames, host)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("create the server certificate: %w", err)
	}
	caPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	return tls.Certificate{Certificate: [][]byte{leafDER, caDER}, PrivateKey: key}, caPEM, nil
}
