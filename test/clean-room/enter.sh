#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs a program in the clean room. Called by main.ts in mount and process namespaces of its own, which take all of this along when they end.
#
#   enter.sh ROOM "FOLDERS OF THIS MACHINE" COMMAND...
set -eu
room=$1 folders=$2
shift 2

# The root of a chroot must be a mount of its own: `ip -n` changes how it is shared.
mount --bind "$room" "$room"
mount -t proc proc "$room/proc"
mount -t sysfs sysfs "$room/sys"
mount --rbind /sys/fs/cgroup "$room/sys/fs/cgroup"
mount --rbind /dev "$room/dev"
mount -t tmpfs tmpfs "$room/run"
mount -t tmpfs tmpfs "$room/tmp"
for folder in $folders; do
  mkdir -p "$room$folder"
  mount --bind "$folder" "$room$folder"
  mount -o remount,bind,ro "$room$folder"
done
cp -L /etc/resolv.conf "$room/etc/resolv.conf"
[ ! -e /etc/hosts ] || cp -L /etc/hosts "$room/etc/hosts"

exec chroot "$room" "$@"
