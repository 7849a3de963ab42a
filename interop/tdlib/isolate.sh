#!/bin/sh
# Runs a command in a network namespace of its own that has only loopback, so
# that nothing it starts can reach another machine. The server under test has to
# be started inside too.
set -eu
flags=-n
[ "$(id -u)" = 0 ] || flags=-rn
exec unshare $flags sh -c 'ip link set lo up && exec "$@"' isolate "$@"
