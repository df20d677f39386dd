#!/bin/sh
# with-own-tun.sh UID COMMAND [ARGUMENT...]
#
# Runs in a mount namespace of its own and becomes the command: gives it a /dev/net/tun that UID
# may open, while that of the host stays as it is. Which taps it can have is decided by the
# kernel: those that belong to UID.
set -e
mount -t tmpfs -o size=4k,mode=755,nosuid,noexec drover-tun /dev/net
mknod -m 600 /dev/net/tun c 10 200
chown "$1" /dev/net/tun
shift
exec "$@"
