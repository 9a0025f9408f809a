package verify_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestImports holds the two packages that decide to what they may touch: no
// network, no disk, no clock, under any build tag.
func TestImports(t *testing.T) {
	forbidden := map[string]bool{"net": true, "net/http": true, "os": true, "os/exec": true, "os/user": true, "io/ioutil": true, "syscall": true, "log": true, "unsafe": true}
	clock := map[string]bool{"Now": true, "Since": true, "Until": true, "After": true, "AfterFunc": true, "Sleep": true, "Tick": true, "NewTimer": true, "NewTicker": true}
	for _, dir := range []string{".", filepath.Join("..", "policy")} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		files := 0
		for _, e := range entries {
			if e.IsDir() || !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			files++
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, filepath.Join(dir, e.Name()), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			times := map[string]bool{}
			for _, i := range f.Imports {
				path := must(strconv.Unquote(i.Path.Value))
				name := path[strings.LastIndexByte(path, '/')+1:]
				if i.Name != nil {
					name = i.Name.Name
				}
				switch {
				case forbidden[path] || strings.HasPrefix(path, "net/http/"):
					t.Errorf("%s imports %s", set.Position(i.Pos()), path)
				case path == "time" && (name == "." || name == "_"):
					t.Errorf("%s imports time as %s, so that its clock cannot be seen", set.Position(i.Pos()), name)
				case path == "time":
					times[name] = true
				}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && times[x.Name] && clock[s.Sel.Name] {
						t.Errorf("%s asks the clock: time.%s", set.Position(s.Pos()), s.Sel.Name)
					}
				}
				return true
			})
		}
		if files < 5 {
			t.Errorf("found %d files in %s", files, dir)
		}
	}
}
