// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// socket is a listener that can leave its port for a while, so that clients
// meet "connection refused" from the operating system.
type socket struct {
	addr net.Addr
	mu   sync.Mutex
	// inner is nil while the port is left; ready is closed when it is back.
	inner  net.Listener
	ready  chan struct{}
	closed bool
	timer  *time.Timer
	conns  map[net.Conn]bool
}

func newSocket(l net.Listener) *socket {
	return &socket{addr: l.Addr(), inner: l, conns: map[net.Conn]bool{}}
}

// Accept waits for a connection, through the times when the port is left.
func (d *socket) Accept() (net.Conn, error) {
	for {
		d.mu.Lock()
		inner, ready, closed := d.inner, d.ready, d.closed
		d.mu.Unlock()
		switch {
		case closed:
			return nil, net.ErrClosed
		case inner == nil:
			<-ready
			continue
		}
		conn, err := inner.Accept()
		if err != nil && errors.Is(err, net.ErrClosed) && d.left(inner) {
			continue
		}
		return conn, err
	}
}

// left reports whether the listener was closed on purpose, to come back.
func (d *socket) left(inner net.Listener) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.closed && d.inner != inner
}

// Close ends the listener for good.
func (d *socket) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	if d.timer != nil {
		d.timer.Stop()
	}
	if d.inner == nil {
		close(d.ready)
		return nil
	}
	return d.inner.Close()
}

// Addr returns the address, which stays the same.
func (d *socket) Addr() net.Addr { return d.addr }

// track remembers open connections; it is the server's ConnState.
func (d *socket) track(conn net.Conn, state http.ConnState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(d.conns, conn)
		return
	}
	d.conns[conn] = true
}

// leave closes the port and every connection, and takes the port again after d.
func (d *socket) leave(span time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.inner == nil {
		return
	}
	inner := d.inner
	d.inner, d.ready = nil, make(chan struct{})
	_ = inner.Close() // a listener that is gone already is what is wanted
	for conn := range d.conns {
		if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
			conn = t.NetConn() // without the goodbye of TLS, which can block
		}
		_ = conn.Close() // likewise
	}
	d.timer = time.AfterFunc(span, d.back)
}

// back takes the port again. If somebody else has it, it tries until Close.
func (d *socket) back() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	inner, err := new(net.ListenConfig).Listen(context.Background(), "tcp", d.addr.String())
	if err != nil {
		d.timer = time.AfterFunc(50*time.Millisecond, d.back)
		return
	}
	d.inner = inner
	close(d.ready)
}

// RefuseConnections closes the port of a started server and all connections for
// so long in real time. It returns false when the server was not started.
func (s *Server) RefuseConnections(span time.Duration) bool {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	if s.listener == nil {
		return false
	}
	s.listener.socket.leave(span)
	return true
}
