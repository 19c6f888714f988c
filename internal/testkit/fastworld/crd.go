// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// crd is what the API server knows of a kind of ours: its schema, ready to be applied.
type crd struct {
	gvk       schema.GroupVersionKind
	shape     *structural.Structural
	validator validation.SchemaValidator
	rules     *cel.Validator
}

// loadCRDs reads the shipped CRDs once; their rules take a while to compile.
var loadCRDs = sync.OnceValues(func() (map[schema.GroupVersionKind]*crd, error) {
	_, here, _, _ := runtime.Caller(0)
	files, err := filepath.Glob(filepath.Join(filepath.Dir(here), "..", "..", "..", "config", "crd", "bases", "*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("fastworld: no CRDs in config/crd/bases: %w", err)
	}
	out := map[schema.GroupVersionKind]*crd{}
	for _, file := range files {
		c, err := loadCRD(file)
		if err != nil {
			return nil, fmt.Errorf("fastworld: %s: %w", file, err)
		}
		out[c.gvk] = c
	}
	return out, nil
})

func loadCRD(file string) (*crd, error) {
	raw, err := os.ReadFile(file) // #nosec G304 -- a file of this repository
	if err != nil {
		return nil, err
	}
	var def apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(raw, &def); err != nil {
		return nil, err
	}
	v := def.Spec.Versions[0]
	inner := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v.Schema.OpenAPIV3Schema, inner, nil); err != nil {
		return nil, err
	}
	out := &crd{gvk: schema.GroupVersionKind{Group: def.Spec.Group, Version: v.Name, Kind: def.Spec.Names.Kind}}
	if out.shape, err = structural.NewStructural(inner); err != nil {
		return nil, err
	}
	if out.validator, _, err = validation.NewSchemaValidator(inner); err != nil {
		return nil, err
	}
	out.rules = cel.NewValidator(out.shape, true, celconfig.PerCallLimit)
	return out, nil
}

// admit prunes, fills in defaults and validates. The CEL rules are asked for what a person wrote: a new object, or one that
// they changed, which was old.
func (c *crd) admit(doc, old map[string]any) error {
	pruning.Prune(doc, c.shape, true)
	defaulting.Default(doc, c.shape)
	errs := validation.ValidateCustomResource(nil, doc, c.validator)
	if uid := nested(doc, "metadata", "uid"); len(errs) == 0 && (old != nil || uid == "") {
		var was any
		if old != nil {
			was = old
		}
		errs, _ = c.rules.Validate(context.Background(), (*field.Path)(nil), c.shape, doc, was, celconfig.RuntimeCELCostBudget)
	}
	if len(errs) == 0 {
		return nil
	}
	return apierrors.NewInvalid(c.gvk.GroupKind(), nested(doc, "metadata", "name"), errs)
}
