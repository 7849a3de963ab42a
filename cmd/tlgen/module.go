package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// canonicalVersion is the gotd version whose layer the server speaks.
const canonicalVersion = "v0.160.0"

// ownDir returns the folder of the gotd version that go.mod names, which every
// machine that builds the module has.
func ownDir() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", "github.com/gotd/td").Output()
	if err != nil {
		return "", fmt.Errorf("find gotd: %w", err)
	}
	version, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if version != canonicalVersion {
		return "", fmt.Errorf("go.mod has gotd %s, tlgen has %s: move them together", version, canonicalVersion)
	}
	return dir, nil
}

// moduleDir returns the folder of a version of github.com/gotd/td in the
// module cache, downloading it when it is missing. It runs outside the module
// so that go.mod and go.sum stay as they are.
func moduleDir(version string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", "github.com/gotd/td@"+version)
	cmd.Dir = os.TempDir()
	cmd.Stderr = os.Stderr
	out, runErr := cmd.Output()
	var module struct{ Dir, Error string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", fmt.Errorf("download gotd %s: %w", version, errorOr(runErr, err))
	}
	if module.Error != "" {
		return "", fmt.Errorf("download gotd %s: %s", version, module.Error)
	}
	return module.Dir, nil
}

// errorOr returns the first error that is set.
func errorOr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}
