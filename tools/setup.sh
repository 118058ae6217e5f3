#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes a fresh clone ready: npm packages, the native addon and, with --lab, what the lab cluster needs; with --lint, what looks at the
# source. Every npm script calls it first; when nothing is missing it takes a fraction of a second.
#
# A command behind -- is run then, with a PATH that holds only programs of Debian's base and of the packages that
# test/lab/debian-packages.ts declares: a program that no one declared is missing on every machine, not only on a fresh one.
#
#   tools/setup.sh [--lab | --lint] [--quiet] [-- COMMAND...]
set -eu
cd "$(dirname "$0")/.."

purpose=build quiet=
while [ $# -gt 0 ]; do
  argument=$1
  shift
  case $argument in
    --lab) purpose=everything ;;
    --lint) purpose=lint ;;
    --quiet) quiet=--quiet ;;
    --) break ;;
    *) echo "setup: found '$argument', want --lab, --lint, --quiet or -- COMMAND" >&2; exit 2 ;;
  esac
done

# A command for another version of Kubernetes needs that one built, not the default.
previous=
for argument; do
  if [ "$previous" = --kubernetes ]; then BERTH_LAB_KUBERNETES=$argument; fi
  case $argument in
    --kubernetes=*) BERTH_LAB_KUBERNETES=${argument#*=} ;;
  esac
  previous=$argument
done
if [ -n "${BERTH_LAB_KUBERNETES:-}" ]; then export BERTH_LAB_KUBERNETES; fi

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

# What a person starts in the lab, such as an editor, is found where that person has it.
BERTH_CALLER_PATH=${BERTH_CALLER_PATH:-$PATH}
bin=$PWD/node_modules/.bin
PATH=$bin:$PATH
export PATH BERTH_CALLER_PATH
# shellcheck disable=SC2086  # no option is no word
node test/lab/prerequisites.ts $quiet --for=$purpose
# Where there is no dpkg the folder does not exist, and the PATH stays.
if [ -d build/programs ]; then PATH=$PWD/build/programs:$bin; fi
node packages/link/build.ts >/dev/null
if [ $# -gt 0 ]; then exec "$@"; fi
