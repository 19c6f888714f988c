// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package catalog is the settings catalog of a tenant: the definitions that
// exist, the categories and the templates, and how they change. It knows no
// tenant, no policy and no request.
//
// The built-in data are the Edge definitions of a public dump of the live
// catalog; the file says where from and of when. The dump lacks some members
// and Microsoft's sentences: what a rule fills in (names.go, document.go) is
// marked ASSUMED there. A definition of which only the id is known is not
// served: a made-up shape would teach a client something that is not so.
package catalog
