package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
)

// cluster is a running PostgreSQL server.
type cluster struct {
	dir       string // its folder, which has the socket too
	admin     *sql.DB
	databases atomic.Int64
	alive     io.Closer // the server ends when this is closed
}

var startOnce = func() func(bin string) (*cluster, error) {
	var once sync.Once
	var started *cluster
	var err error
	return func(bin string) (*cluster, error) {
		once.Do(func() { started, err = start(bin) })
		return started, err
	}
}()

// startTimeout bounds the start of a server on a machine with much to do.
const startTimeout = time.Minute

func start(bin string) (*cluster, error) {
	dir, err := os.MkdirTemp("/tmp", "chappe-pg-") // the path of a socket is 107 bytes at most
	if err != nil {
		return nil, err
	}
	attributes, err := dropRoot(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"),
		"--pgdata", data, "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, attributes
	if output, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, output)
	}
	alive, err := serve(bin, dir, data, attributes)
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, alive: alive}
	if c.admin, err = sql.Open("pgx", c.dsn("postgres")); err != nil {
		return nil, err
	}
	return c, c.await()
}

// serve starts the server under a shell that waits for the end of its input,
// which comes when this process ends, however it ends.
func serve(bin, dir, data string, attributes *syscall.SysProcAttr) (io.Closer, error) {
	const script = `"$0" -D "$1" -k "$2" -c listen_addresses= -c max_connections=200 >"$2/log" 2>&1 &
read -r line; kill -QUIT $!; wait; cd /; rm -rf "$2"`
	shell := exec.Command("sh", "-c", script, filepath.Join(bin, "postgres"), data, dir)
	shell.Dir, shell.SysProcAttr = dir, attributes
	attributes.Setsid = true // ^C is for the test, which ends this by ending
	input, err := shell.StdinPipe()
	if err != nil {
		return nil, err
	}
	return input, shell.Start()
}

// dropRoot arranges for PostgreSQL, which refuses to run as root, to run as
// postgres or nobody.
func dropRoot(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		if account, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
	}, os.Chown(dir, int(uid), int(gid))
}

func (c *cluster) dsn(database string) string {
	query := url.Values{"host": {c.dir}, "user": {"postgres"}}
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}).String()
}

// await returns when the server answers.
func (c *cluster) await() error {
	deadline := time.Now().Add(startTimeout)
	for {
		err := c.admin.Ping()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(c.dir, "log")) // the error is already there
			return errors.Join(err, errors.New(string(log)))
		}
		time.Sleep(20 * time.Millisecond) // the server has no other way to say that it is ready
	}
}

func (c *cluster) newDatabase(ctx context.Context) (dsn string, err error) {
	name := fmt.Sprintf("test%d", c.databases.Add(1))
	_, err = c.admin.ExecContext(ctx, "CREATE DATABASE "+name)
	return c.dsn(name), err
}
