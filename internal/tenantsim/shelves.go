// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/odata"
	"github.com/tidegate/tidegate/internal/tenantsim/shelf"
)

// shelve puts a new object on its shelf, with an id of its kind.
func shelve[T any, P shelf.Item[T]](s *Server, on *shelf.Shelf[T, P], item *T, kind string) {
	id, sequence := s.nextID(kind)
	on.Add(s.instant(), item, id.String(), sequence)
}

// byID is how a shelf is asked for the object of the path's {id}.
func (c *call) byID() (r *odata.Request, id string, asOf time.Time) {
	return &c.Request, c.params["id"], c.readAsOf()
}
