package archtest

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

const (
	maxFile     = 500 // lines
	maxFunction = 60  // lines, signature and closing brace included
)

// TestLength holds files and functions to a length that can be read at once. Tables of tests may
// make a function long, so functions of tests are free.
func TestLength(t *testing.T) {
	for _, f := range all(t) {
		if f.gen {
			continue
		}
		if f.lines > maxFile {
			t.Errorf("%s has %d lines, more than %d: split it by meaning", f.path, f.lines, maxFile)
		}
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || strings.HasSuffix(f.path, "_test.go") {
				continue
			}
			if n := f.line(fn.End()) - f.line(fn.Pos()) + 1; n > maxFunction {
				t.Errorf("%s:%d: %s has %d lines, more than %d", f.path, f.line(fn.Pos()), fn.Name.Name, n, maxFunction)
			}
		}
	}
}

// TestPackageDocument holds each package to exactly one document that begins as go doc wants it.
func TestPackageDocument(t *testing.T) {
	documents := map[string]int{}
	for _, f := range all(t) {
		if strings.HasSuffix(f.path, "_test.go") {
			continue
		}
		documents[f.pkg] += 0
		if f.syntax.Doc == nil {
			continue
		}
		documents[f.pkg]++
		text := f.syntax.Doc.Text()
		if !strings.HasPrefix(text, "Package "+f.syntax.Name.Name+" ") && !strings.HasPrefix(text, "Command ") {
			t.Errorf("%s: the package document must begin with Package or Command and the name", f.path)
		}
	}
	for pkg, n := range documents {
		if n != 1 {
			t.Errorf("%s has %d package documents, want one", pkg, n)
		}
	}
}

// unfinished is what a comment of unfinished work begins with or has in capitals.
var unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)

// TestNothingUnfinished keeps notes of work to do out of the tree; they belong to the tracker.
func TestNothingUnfinished(t *testing.T) {
	for _, f := range all(t) {
		for _, group := range f.syntax.Comments {
			for _, c := range group.List {
				if f.pkg != "internal/archtest" && unfinished.MatchString(c.Text) {
					t.Errorf("%s:%d: finish it or leave it out: %s", f.path, f.line(c.Pos()), c.Text)
				}
			}
		}
	}
}

// TestNoInit keeps the wiring visible: nothing happens elsewhere because a package is imported.
// An init function may only set variables of its own, where their initialisation would be a circle.
func TestNoInit(t *testing.T) {
	for _, f := range all(t) {
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && fn.Recv == nil && fn.Name.Name == "init" && !onlyAssigns(fn.Body) {
				t.Errorf("%s:%d: no init functions: app wires by hand", f.path, f.line(fn.Pos()))
			}
		}
	}
}

// onlyAssigns says whether a body does nothing but set variables.
func onlyAssigns(body *ast.BlockStmt) bool {
	for _, s := range body.List {
		a, ok := s.(*ast.AssignStmt)
		if !ok {
			return false
		}
		for _, left := range a.Lhs {
			if _, variable := left.(*ast.Ident); !variable {
				return false
			}
		}
	}
	return true
}

// TestNoSleepingTests keeps waiting out of tests. In a bubble of testing/synctest time costs
// nothing, so files that use it are free.
func TestNoSleepingTests(t *testing.T) {
	for _, f := range all(t) {
		uses := strings.Join(f.imports(), " ")
		if !strings.HasSuffix(f.path, "_test.go") || strings.Contains(uses, "testing/synctest") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Sleep" && isName(s.X, "time") {
				t.Errorf("%s:%d: a test that sleeps is slow or wrong; use testing/synctest", f.path, f.line(n.Pos()))
			}
			return true
		})
	}
}

// statement is how a string begins that is SQL.
var statement = regexp.MustCompile(`(?i)^\s*(select\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s)`)

// TestSQLInStore keeps queries in one place, where both databases run them.
func TestSQLInStore(t *testing.T) {
	for _, f := range all(t) {
		if f.test || under(f.pkg, []string{"internal/store"}) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			s, ok := n.(*ast.BasicLit)
			if ok && s.Kind == token.STRING && statement.MatchString(strings.Trim(s.Value, "`\"")) {
				t.Errorf("%s:%d: SQL outside of internal/store", f.path, f.line(n.Pos()))
			}
			return true
		})
	}
}

func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}
