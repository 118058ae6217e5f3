#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes a fresh clone ready: npm packages, the native addon and, with --lab, what the lab cluster needs.
# Every npm script calls it first; when nothing is missing it takes a fraction of a second.
#
#   tools/setup.sh [--lab] [--quiet]
set -eu
cd "$(dirname "$0")/.."

lab=no quiet=
for argument; do
  case $argument in
    --lab) lab=yes ;;
    --quiet) quiet=--quiet ;;
    *) echo "setup: found '$argument', want --lab or --quiet" >&2; exit 2 ;;
  esac
done

# node_modules/.lock-installed is a copy of the lockfile that `npm ci` installed.
if ! cmp -s package-lock.json node_modules/.lock-installed; then
  major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
  if [ "$major" -lt 20 ]; then
    echo "setup: Node.js: found '$(node -v 2>/dev/null || echo none)', want 20 or newer to install with (Node 24 comes with npm ci)" >&2
    exit 1
  fi
  echo "setup: installing the npm packages (about a minute, once)" >&2
  # The system's own Node may be older than what some packages ask for; they run on the Node 24 that is among them.
  npm ci --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json node_modules/.lock-installed
fi

PATH=$PWD/node_modules/.bin:$PATH
export PATH
if [ "$lab" = yes ]; then
  node test/lab/prerequisites.ts $quiet
else
  node test/lab/prerequisites.ts $quiet --build-only
fi
node packages/link/build.ts >/dev/null
