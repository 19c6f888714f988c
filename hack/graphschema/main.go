// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Command graphschema reads the types of Microsoft Graph out of the sources of
// Microsoft's own SDKs for Go and writes those that Tidegate's endpoints touch
// as one JSON file. The SDKs are downloaded by exact version and checksum and
// only parsed: nothing of them is compiled.
//
//	go -C hack/graphschema run . -o ../../internal/testkit/graphschema/schema.json
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// source is one SDK in one version.
type source struct {
	// api is the version of Graph, as it stands in a URL.
	api string
	// module, version and sum pin the SDK.
	module, version, sum string
	// seeds are the types from which the selection starts.
	seeds []string
	// actions are the request and response bodies of actions and functions, as
	// package directory and Go type.
	actions []action
}

var sources = []source{
	{
		api: "beta", module: "github.com/microsoftgraph/msgraph-beta-sdk-go", version: "v0.165.0",
		sum: "h1:a92zkfWfDtBTmJLroc5JbYu0gQPtrWaxme2yqIFRERY=", seeds: append(betaSeeds, commonSeeds...), actions: betaActions,
	},
	{
		api: "v1.0", module: "github.com/microsoftgraph/msgraph-sdk-go", version: "v1.101.0",
		sum: "h1:9Ox6mlDTm9BroNpj9i4B241OIcnyv0kjwJHHNaeXkoY=", seeds: append(stableSeeds, commonSeeds...), actions: stableActions,
	},
}

func main() {
	out := flag.String("o", "", "file to write; empty means standard output")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "graphschema:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	file := document{About: about}
	for i := range sources {
		s := &sources[i]
		dir, err := s.download()
		if err != nil {
			return err
		}
		v, err := s.extract(dir)
		if err != nil {
			return fmt.Errorf("%s %s: %w", s.module, s.version, err)
		}
		file.Versions = append(file.Versions, v)
	}
	raw, err := file.render()
	if err != nil {
		return err
	}
	if out == "" {
		_, err = os.Stdout.Write(raw)
		return err
	}
	return os.WriteFile(filepath.Clean(out), raw, 0o644) // #nosec G306 -- a file of the repository
}

// download fetches the SDK through the module proxy, which checks it against
// the checksum database, and returns its directory in the module cache.
func (s *source) download() (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", s.module+"@"+s.version)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	raw, failed := cmd.Output()
	var got struct{ Dir, Sum, Error string }
	if err := json.Unmarshal(raw, &got); err != nil {
		return "", fmt.Errorf("download %s@%s: %w", s.module, s.version, errors.Join(failed, err))
	}
	switch {
	case got.Error != "":
		return "", fmt.Errorf("download %s@%s: %s", s.module, s.version, got.Error)
	case got.Sum != s.sum:
		return "", fmt.Errorf("%s@%s has checksum %s, want %s: somebody changed what was published", s.module, s.version, got.Sum, s.sum)
	}
	return got.Dir, nil
}

// extract parses one SDK and selects what is needed.
func (s *source) extract(dir string) (version, error) {
	all, err := parsePackage(filepath.Join(dir, "models"), s.module)
	if err != nil {
		return version{}, err
	}
	odata, err := parsePackage(filepath.Join(dir, "models", "odataerrors"), s.module)
	if err != nil {
		return version{}, err
	}
	sel := selection{all: all, out: version{API: s.api, Source: s.module + " " + s.version + " " + s.sum}}
	for _, name := range s.seeds {
		if err := sel.add(name); err != nil {
			return version{}, fmt.Errorf("seed: %w", err)
		}
	}
	for _, a := range s.actions {
		if err := sel.addAction(dir, s.module, a); err != nil {
			return version{}, err
		}
	}
	for _, name := range errorTypes {
		t, ok := odata.types[name]
		if !ok {
			return version{}, fmt.Errorf("odataerrors has no type %s", name)
		}
		sel.out.Errors = append(sel.out.Errors, t)
	}
	return sel.finish(), nil
}
