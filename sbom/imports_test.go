package sbom

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"strings"
	"testing"
)

// TestImports keeps the package away from the world and from the rest of the module.
func TestImports(t *testing.T) {
	//lint:ignore SA1019 there are no build tags here
	files, err := parser.ParseDir(token.NewFileSet(), ".", func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range files["sbom"].Files {
		for _, spec := range file.Imports {
			path := strings.Trim(spec.Path.Value, `"`)
			if path == "os" || strings.HasPrefix(path, "os/") || path == "net" || path == "net/http" || strings.Contains(path, "releaseassay/assay") {
				t.Errorf("%s imports %s", name, path)
			}
			if strings.Contains(path, "cyclonedx-go") && name != "cyclonedx.go" && name != "xml.go" {
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && (s.Sel.Name == "Now" || s.Sel.Name == "Since") {
					t.Errorf("%s asks the clock", name)
				}
			}
			if f, ok := n.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function", name)
			}
			return true
		})
	}
}
