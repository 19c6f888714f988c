// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package thief is a host that wants what is not its own: a server on loopback that keeps all that it hears.
package thief

import (
	"bytes"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Server is the host. Its answers are those of the handler that it was made with.
type Server struct {
	*httptest.Server
	mu    sync.Mutex
	heard []string
	conns int
}

// New starts a host with TLS and ends it with the test. A nil handler answers 200 with nothing.
func New(t testing.TB, answer http.HandlerFunc) *Server {
	t.Helper()
	s := &Server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var said bytes.Buffer
		said.WriteString(r.Method + " " + r.URL.String() + "\n")
		if err := r.Header.Write(&said); err != nil {
			t.Error(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		said.Write(body)
		s.mu.Lock()
		s.heard = append(s.heard, said.String())
		s.mu.Unlock()
		if r.Body = io.NopCloser(bytes.NewReader(body)); answer != nil {
			answer(w, r)
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Listener = &counting{s.Listener, s}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// CA is the certificate to trust, as PEM.
func (s *Server) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// Heard is everything that was said to it, in one text.
func (s *Server) Heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.heard, "\n")
}

// Untouched fails when anything reached the host, a connection without a word included.
func (s *Server) Untouched(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns != 0 || len(s.heard) != 0 {
		t.Errorf("%d connections; it heard %q", s.conns, s.heard)
	}
}

// counting is a listener that counts connections.
type counting struct {
	net.Listener
	s *Server
}

// Accept implements net.Listener.
func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.s.mu.Lock()
		l.s.conns++
		l.s.mu.Unlock()
	}
	return c, err
}
