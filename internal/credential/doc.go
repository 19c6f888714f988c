// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package credential reads what a Tenant signs in with, and keeps the Secret that holds it as long as the Tenant needs it.
//
//	credential.go  the credential, or what is wrong with it
//	secrets.go     the finalizer on Secrets
package credential
