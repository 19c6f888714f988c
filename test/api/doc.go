// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package api tests what a cluster makes of the API and of config/: each CEL rule, pattern and bound of the CRDs, the
// defaults, the admission policies, the tables and explanations that kubectl prints, the samples and the installation.
//
// All tests share one API server. Those that need it are skipped in short mode.
package api
