#!/bin/busybox sh
# shellcheck shell=dash
#
# /init of the lab's guest: loads the modules, puts a writable layer over the tree of the host
# (shared read-only by 9p), mounts what a booted system has, and hands over to the real PID 1.
set -e
export PATH=/bin
/bin/busybox --install -s /bin

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module.ko"; done </modules/order

# The tree cannot change under the guest as far as a run is concerned, so it may be cached; the
# shared folder may not: the host reads it while the guest writes.
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /lower
mount -t tmpfs -o size=75% upper /upper
mkdir /upper/changes /upper/work /host
mount -t overlay -o lowerdir=/lower,upperdir=/upper/changes,workdir=/upper/work root /host

mkdir -p /host/dev /host/proc /host/sys /host/run /host/tmp
mount --move /dev /host/dev
mount --move /proc /host/proc
mount --move /sys /host/sys
mkdir -p /host/dev/pts /host/dev/shm
mount -t devpts -o mode=620,gid=5,ptmxmode=666 devpts /host/dev/pts
mount -t tmpfs -o nosuid,nodev shm /host/dev/shm
mount -t tmpfs -o nosuid,nodev,mode=755 run /host/run
mkdir -p /host/run/lab /host/run/systemd/system
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none share /host/run/lab

ip link set lo up
hostname lab

if grep -qw lab=systemd /host/proc/cmdline; then
    cp /host/run/lab/lab.service /host/run/systemd/system/
    rm -f /host/.dockerenv   # systemd would take the guest for a container
    exec switch_root /host /lib/systemd/systemd --unit=lab.service
fi
mount -t cgroup2 -o nsdelegate cgroup2 /host/sys/fs/cgroup
exec switch_root /host /bin/bash /run/lab/pid1.sh
