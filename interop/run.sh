#!/bin/sh
# Runs the compiled interop test with the arguments of a test binary. TDLib needs a network
# namespace, so everything runs inside one; see README.md. Called by make interop.
set -eu
cd "$(dirname "$0")"
CHAPPE=$PWD/../bin/chappe
CHAPPE_GOTD=$PWD/../bin/interop-gotd
CHAPPE_GOTD152=$PWD/../bin/interop-gotd152
export CHAPPE CHAPPE_GOTD CHAPPE_GOTD152

if [ "$(uname -sm)" = 'Linux x86_64' ] && tdlib/isolate.sh true && node tdlib/setup.js; then
	CHAPPE_TDLIB=1
	export CHAPPE_TDLIB
	exec tdlib/isolate.sh ../bin/interop.test "$@"
fi
if [ "${CI-}" = true ]; then
	echo 'TDLib cannot run here, and CI=true leaves out nothing' >&2
	exit 1
fi
echo 'left out: TDLib. It needs Linux on x86_64, unshare (util-linux), ip (iproute2) and the right to make a network namespace.'
exec ../bin/interop.test "$@"
