// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/tidegate/tidegate/internal/testkit/simtest"
)

// remembered is a tenant whose settings catalog is searched once in a process for each question: every new operator reads it
// anew, and it is the largest answer of all. Catalogs differ by what they say of themselves.
type remembered struct{ sim *simtest.Tenant }

// catalogAnswers are answers by catalog and question.
var catalogAnswers sync.Map

type catalogAnswer struct {
	header http.Header
	body   []byte
}

// ServeHTTP implements http.Handler.
func (m remembered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/deviceManagement/configurationSettings") {
		m.sim.Handler().ServeHTTP(w, r)
		return
	}
	key := fmt.Sprint(m.sim.CatalogState(), r.URL.RequestURI())
	known, _ := catalogAnswers.Load(key)
	if answer, ok := known.(catalogAnswer); ok {
		answer.send(w)
		return
	}
	got := httptest.NewRecorder()
	m.sim.Handler().ServeHTTP(got, r)
	answer := catalogAnswer{got.Header(), got.Body.Bytes()}
	if got.Code == http.StatusOK {
		catalogAnswers.Store(key, answer)
		answer.send(w)
		return
	}
	maps.Copy(w.Header(), answer.header)
	w.WriteHeader(got.Code)
	_, _ = w.Write(answer.body) // a recorder takes everything
}

func (a catalogAnswer) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	_, _ = w.Write(bytes.Clone(a.body)) // a recorder takes everything
}
