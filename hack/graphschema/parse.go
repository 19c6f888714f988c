// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// typeDef is one structured type as the SDK models it.
type typeDef struct {
	// goName is the name of the Go type, name that of the OData type.
	goName, name string
	// base is the Go name of the embedded type; empty for a root.
	base string
	// properties are the type's own, not those of its bases.
	properties map[string]property
}

// property is a JSON member of a type.
type property struct {
	// kind is an Edm type, or empty when goType names a model or enum.
	kind string
	// goType is the Go name of the model or enum, with its package below models
	// where it has one.
	goType     string
	enum       bool
	collection bool
}

// enumDef is an enumeration.
type enumDef struct {
	members []string
	flags   bool
}

// pkg is what one package of the SDK declares.
type pkg struct {
	types map[string]typeDef
	enums map[string]enumDef
}

// parsePackage reads every Go file of a directory, several at a time.
func parsePackage(dir, module string) (pkg, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return pkg{}, err
	}
	if len(files) == 0 {
		return pkg{}, fmt.Errorf("%s holds no Go file", dir)
	}
	var (
		out   = pkg{types: map[string]typeDef{}, enums: map[string]enumDef{}}
		mu    sync.Mutex
		fails []error
		work  = make(chan string)
		group sync.WaitGroup
	)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for file := range work {
				one, err := parseFile(file, module)
				mu.Lock()
				maps.Copy(out.types, one.types)
				maps.Copy(out.enums, one.enums)
				if err != nil {
					fails = append(fails, fmt.Errorf("%s: %w", filepath.Base(file), err))
				}
				mu.Unlock()
			}
		})
	}
	for _, file := range files {
		work <- file
	}
	close(work)
	group.Wait()
	return out, errors.Join(fails...)
}

// parseFile reads one file. The generator writes one type to each.
func parseFile(path, module string) (pkg, error) {
	raw, err := os.ReadFile(path) // #nosec G304 -- a file of the module cache
	if err != nil {
		return pkg{}, err
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, raw, parser.SkipObjectResolution)
	if err != nil {
		return pkg{}, err
	}
	p := fileParser{imports: modelImports(f, module), out: pkg{types: map[string]typeDef{}, enums: map[string]enumDef{}}}
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok {
			p.structs(g)
		}
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			if err := p.function(fn); err != nil {
				return p.out, err
			}
		}
	}
	return p.out, nil
}

// modelImports maps the local names of imported model packages to the part of
// their path below models, with a dot: "" for models itself.
func modelImports(f *ast.File, module string) map[string]string {
	out := map[string]string{}
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil || spec.Name == nil {
			continue
		}
		if rest, ok := strings.CutPrefix(path, module+"/models"); ok {
			if rest = strings.Trim(rest, "/"); rest != "" {
				rest += "."
			}
			out[spec.Name.Name] = rest
		}
	}
	return out
}

type fileParser struct {
	imports map[string]string
	out     pkg
}

// structs records the struct types and what they embed.
func (p *fileParser) structs(g *ast.GenDecl) {
	for _, spec := range g.Specs {
		ts, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		st, ok := ts.Type.(*ast.StructType)
		if !ok || strings.Contains(ts.Name.Name, "RequestBuilder") {
			continue
		}
		t := typeDef{goName: ts.Name.Name, name: lowerFirst(ts.Name.Name), properties: map[string]property{}}
		for _, field := range st.Fields.List {
			if len(field.Names) == 0 {
				t.base = p.reference(field.Type)
			}
		}
		p.out.types[t.goName] = t
	}
}

// function reads the functions that tell something about a type.
func (p *fileParser) function(fn *ast.FuncDecl) error {
	receiver := receiverOf(fn)
	switch {
	case fn.Name.Name == "GetFieldDeserializers" && receiver != "":
		t, ok := p.out.types[receiver]
		if !ok {
			return nil
		}
		return p.properties(fn, t.properties)
	case receiver == "" && strings.HasPrefix(fn.Name.Name, "Parse") && len(fn.Type.Params.List) == 1:
		p.out.enums[strings.TrimPrefix(fn.Name.Name, "Parse")] = enumOf(fn)
	case receiver == "" && strings.HasPrefix(fn.Name.Name, "New"):
		p.odataName(fn)
	}
	return nil
}

func receiverOf(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) != 1 {
		return ""
	}
	t := fn.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// properties reads the assignments res["name"] = func(n ParseNode) error {…}.
func (p *fileParser) properties(fn *ast.FuncDecl, into map[string]property) error {
	var fails []error
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		as, ok := n.(*ast.AssignStmt)
		if !ok || len(as.Lhs) != 1 || len(as.Rhs) != 1 {
			return true
		}
		name, ok := memberName(as.Lhs[0])
		if !ok {
			return true
		}
		if name == "@odata.type" {
			return false
		}
		prop, err := p.property(as.Rhs[0])
		if err != nil {
			fails = append(fails, fmt.Errorf("property %s: %w", name, err))
		}
		into[name] = prop
		return false
	})
	return errors.Join(fails...)
}

// memberName reads res["name"].
func memberName(e ast.Expr) (string, bool) {
	ix, ok := e.(*ast.IndexExpr)
	if !ok {
		return "", false
	}
	lit, ok := ix.Index.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	name, err := strconv.Unquote(lit.Value)
	return name, err == nil
}

// property finds the first call n.Get…Value…() in a deserializer.
func (p *fileParser) property(e ast.Expr) (property, error) {
	var (
		found  *property
		failed error
	)
	ast.Inspect(e, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || found != nil {
			return found == nil
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !isIdent(sel.X, "n") {
			return true
		}
		prop, err := p.read(sel.Sel.Name, call.Args)
		found, failed = &prop, err
		return false
	})
	if found == nil {
		return property{}, errors.New("no read of the parse node")
	}
	return *found, failed
}

// edm maps the readers of a parse node to the types of OData.
var edm = map[string]string{
	"GetStringValue": "Edm.String", "GetBoolValue": "Edm.Boolean", "GetByteValue": "Edm.Byte", "GetInt8Value": "Edm.SByte",
	"GetInt32Value": "Edm.Int32", "GetInt64Value": "Edm.Int64", "GetFloat32Value": "Edm.Single", "GetFloat64Value": "Edm.Double",
	"GetTimeValue": "Edm.DateTimeOffset", "GetDateOnlyValue": "Edm.Date", "GetTimeOnlyValue": "Edm.TimeOfDay",
	"GetISODurationValue": "Edm.Duration", "GetUUIDValue": "Edm.Guid", "GetByteArrayValue": "Edm.Binary",
}

// edmPrimitives maps the names that GetCollectionOfPrimitiveValues takes.
var edmPrimitives = map[string]string{
	"string": "Edm.String", "bool": "Edm.Boolean", "int32": "Edm.Int32", "int64": "Edm.Int64", "float64": "Edm.Double",
	"uuid": "Edm.Guid", "time": "Edm.DateTimeOffset", "dateonly": "Edm.Date", "timeonly": "Edm.TimeOfDay",
	"isoduration": "Edm.Duration", "byte": "Edm.Byte", "float32": "Edm.Single",
}

func (p *fileParser) read(method string, args []ast.Expr) (property, error) {
	if kind, ok := edm[method]; ok {
		return property{kind: kind}, nil
	}
	collection := strings.HasPrefix(method, "GetCollectionOf")
	if len(args) != 1 {
		return property{}, fmt.Errorf("%s has %d arguments", method, len(args))
	}
	if method == "GetCollectionOfPrimitiveValues" {
		lit, ok := args[0].(*ast.BasicLit)
		if !ok {
			return property{}, errors.New("a collection of something that is not named")
		}
		kind, ok := edmPrimitives[strings.Trim(lit.Value, `"`)]
		if !ok {
			return property{}, fmt.Errorf("a collection of unknown primitive %s", lit.Value)
		}
		return property{kind: kind, collection: true}, nil
	}
	name := p.reference(args[0])
	at := strings.LastIndexByte(name, '.') + 1
	dir, base := name[:at], name[at:]
	switch method {
	case "GetEnumValue", "GetCollectionOfEnumValues":
		return property{goType: dir + strings.TrimPrefix(base, "Parse"), enum: true, collection: collection}, nil
	case "GetObjectValue", "GetCollectionOfObjectValues":
		base = strings.TrimSuffix(strings.TrimPrefix(base, "Create"), "FromDiscriminatorValue")
		if base == "UntypedNode" {
			return property{kind: "Edm.Untyped", collection: collection}, nil
		}
		return property{goType: dir + base, collection: collection}, nil
	}
	return property{}, fmt.Errorf("unknown reader %s", method)
}

// reference renders an identifier, with its package where that is a model
// package below models; "x." stands for any package that is none.
func (p *fileParser) reference(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		if id, ok := x.X.(*ast.Ident); ok {
			if dir, known := p.imports[id.Name]; known {
				return dir + x.Sel.Name
			}
		}
		if strings.HasPrefix(x.Sel.Name, "CreateUntypedNode") {
			return x.Sel.Name
		}
		return "x." + x.Sel.Name
	}
	return ""
}

// enumOf reads the cases of a Parse function. Flags are those that take the
// text apart at commas.
func enumOf(fn *ast.FuncDecl) enumDef {
	var e enumDef
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.CaseClause:
			for _, v := range x.List {
				if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if text, err := strconv.Unquote(lit.Value); err == nil {
						e.members = append(e.members, text)
					}
				}
			}
		case *ast.SelectorExpr:
			if isIdent(x.X, "strings") && x.Sel.Name == "Split" {
				e.flags = true
			}
		}
		return true
	})
	return e
}

// odataName takes the exact name of a type from its constructor, where that
// sets one.
func (p *fileParser) odataName(fn *ast.FuncDecl) {
	goName := strings.TrimPrefix(fn.Name.Name, "New")
	t, ok := p.out.types[goName]
	if !ok {
		return
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				if name, ok := strings.CutPrefix(text, "#microsoft.graph."); ok {
					t.name = name
				}
			}
		}
		return true
	})
	p.out.types[goName] = t
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// lowerFirst turns a Go name into an OData name: only the first letter differs.
func lowerFirst(name string) string {
	for i, r := range name {
		return string(unicode.ToLower(r)) + name[i+len(string(r)):]
	}
	return ""
}

// sortedKeys lists the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
