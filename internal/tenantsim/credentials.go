// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// DefaultAudience is the audience of federated tokens in the public cloud
// (contract l.3).
const DefaultAudience = "api://AzureADTokenExchange"

// FederatedCredential lets tokens of another issuer stand for the application,
// as a Kubernetes service account does with workload identity (contract l.3).
type FederatedCredential struct {
	// Issuer, Subject and Audience are compared as exact text. Audience defaults
	// to DefaultAudience.
	Issuer, Subject, Audience string
	// Keys are the issuer's public keys by key id. A real tenant fetches them;
	// see ParseJWKS.
	Keys map[string]*rsa.PublicKey
}

// checkCredentials completes and refuses what was registered.
func (o *Options) checkCredentials() error {
	for i, c := range o.Certificates {
		if c == nil {
			return fmt.Errorf("certificates[%d] is nil", i)
		}
		if _, isRSA := c.PublicKey.(*rsa.PublicKey); !isRSA {
			return fmt.Errorf("certificates[%d] holds a key of type %T: register an RSA certificate", i, c.PublicKey)
		}
	}
	o.FederatedCredentials = slices.Clone(o.FederatedCredentials) // the caller's stay as they are
	for i := range o.FederatedCredentials {
		f := &o.FederatedCredentials[i]
		setText(&f.Audience, DefaultAudience)
		if f.Issuer == "" || f.Subject == "" || len(f.Keys) == 0 {
			return fmt.Errorf("federatedCredentials[%d] needs issuer, subject and at least one key", i)
		}
	}
	return nil
}

// ParseCertificates reads the certificates of a PEM file; other blocks, such as
// a private key, are passed over.
func ParseCertificates(raw []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(out)+1, err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errors.New("no PEM block of type CERTIFICATE")
	}
	return out, nil
}

// ParseJWKS reads a JSON Web Key Set, such as "kubectl get --raw /openid/v1/jwks"
// prints, and returns its RSA keys by key id.
func ParseJWKS(raw []byte) (map[string]*rsa.PublicKey, error) {
	var set struct {
		Keys []struct {
			Type     string `json:"kty"`
			ID       string `json:"kid"`
			Modulus  string `json:"n"`
			Exponent string `json:"e"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	out := map[string]*rsa.PublicKey{}
	for i, k := range set.Keys {
		if k.Type != "RSA" {
			continue
		}
		n, errN := base64.RawURLEncoding.DecodeString(k.Modulus)
		e, errE := base64.RawURLEncoding.DecodeString(k.Exponent)
		if errN != nil || errE != nil || len(n) == 0 || len(e) == 0 || len(e) > 4 {
			return nil, fmt.Errorf("key set: keys[%d] has no usable n and e", i)
		}
		out[k.ID] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	if len(out) == 0 {
		return nil, errors.New("key set: it holds no RSA key")
	}
	return out, nil
}
