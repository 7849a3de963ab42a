package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/chappe-im/chappe"

// file is one Go source of the module.
type file struct {
	path   string // from the root of the module, with slashes
	pkg    string // folder, likewise; "" is the root
	test   bool
	gen    bool // generated
	lines  int
	syntax *ast.File
	fset   *token.FileSet
}

// line is where a part of the file is.
func (f *file) line(pos token.Pos) int { return f.fset.Position(pos).Line }

// imports are the paths of the packages the file imports.
func (f *file) imports() []string {
	var list []string
	for _, spec := range f.syntax.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			list = append(list, p)
		}
	}
	return list
}

// sources parses every Go file of the module, once.
var sources = sync.OnceValues(func() ([]*file, error) {
	root := filepath.Join("..", "..")
	var list []*file
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return enter(root, name, d.Name())
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := read(root, name)
		list = append(list, f)
		return err
	})
	return list, err
})

// enter says whether a folder belongs to the module, as the go command sees it.
func enter(root, name, base string) error {
	hidden := name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_"))
	if hidden || base == "testdata" || base == "node_modules" {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && name != root {
		return filepath.SkipDir // a module of its own
	}
	return nil
}

func read(root, name string) (*file, error) {
	rel, err := filepath.Rel(root, name)
	if err != nil {
		return nil, err
	}
	f := &file{path: filepath.ToSlash(rel), fset: token.NewFileSet()}
	f.pkg = strings.TrimPrefix(path.Dir(f.path), ".")
	f.test = strings.HasSuffix(name, "_test.go") || strings.HasSuffix(f.pkg, "test")
	f.syntax, err = parser.ParseFile(f.fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f.lines = f.fset.File(f.syntax.FileStart).LineCount()
	f.gen = ast.IsGenerated(f.syntax)
	return f, nil
}

// all returns the sources or ends the test.
func all(t *testing.T) []*file {
	t.Helper()
	list, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// graph is what the packages of the module import outside of their tests, by folder. Packages of
// the module go by folder, too, the others by path.
type graph map[string]map[string]bool

func imports(list []*file) graph {
	g := graph{}
	for _, f := range list {
		if f.test {
			continue
		}
		if g[f.pkg] == nil {
			g[f.pkg] = map[string]bool{}
		}
		for _, p := range f.imports() {
			g[f.pkg][strings.TrimPrefix(p, module+"/")] = true
		}
	}
	return g
}

// chain returns how a package comes to import something that match accepts, shortest way first:
// the packages from the first import on. It is nil when there is no way.
func (g graph) chain(from string, match func(string) bool) []string {
	type step struct {
		pkg string
		way []string
	}
	seen := map[string]bool{from: true}
	for queue := []step{{pkg: from}}; len(queue) > 0; queue = queue[1:] {
		for _, next := range slices.Sorted(maps.Keys(g[queue[0].pkg])) {
			if seen[next] {
				continue
			}
			seen[next] = true
			way := append(slices.Clone(queue[0].way), next)
			if match(next) {
				return way
			}
			queue = append(queue, step{next, way})
		}
	}
	return nil
}

// under says whether a package is one of the folders named or inside of one.
func under(pkg string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		return pkg == folder || strings.HasPrefix(pkg, folder+"/")
	})
}
