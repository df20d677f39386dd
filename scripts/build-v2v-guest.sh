#!/usr/bin/env bash
# Makes the disk that test/e2e/virt-v2v.test.ts has prepared: a Debian that boots by BIOS from SATA
# and knows nothing of virtio. As root, with debootstrap and qemu-utils; it takes some minutes.
#
#   scripts/build-v2v-guest.sh guest.qcow2
set -euo pipefail

if [[ $# != 1 || $(id -u) != 0 ]]; then
  echo 'usage, as root: scripts/build-v2v-guest.sh FILE' >&2
  exit 2
fi
# What is mounted in the guest's tree below is gone when this ends.
[[ ${IN_NAMESPACE:-} == yes ]] || IN_NAMESPACE=yes exec unshare --mount "$0" "$@"

export DEBIAN_FRONTEND=noninteractive LC_ALL=C
readonly bytes=$((2 << 30)) start=$((1 << 20)) id=6f1ed0c4-5b3d-4c7e-9a53-0b5f3e0c1a77
work=$(mktemp -d /var/tmp/drover-v2v-guest.XXXXXX)
trap 'umount -q "$work/root/proc" || true; rm -rf --one-file-system "$work"' EXIT
root=$work/root disk=$work/disk.raw

install() { chroot "$root" apt-get install -y -qq --no-install-recommends "$@" </dev/null; }
debootstrap --variant=minbase bookworm "$root"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
install initramfs-tools
sed -i 's/^MODULES=.*/MODULES=list/' "$root/etc/initramfs-tools/initramfs.conf"
printf 'ahci\nsd_mod\next4\n' >>"$root/etc/initramfs-tools/modules"
install linux-image-amd64 grub-pc systemd-sysv udev kmod
umount "$root/proc"
rm "$root/usr/sbin/policy-rc.d"

# By the name that the disk has on SATA, for virt-v2v to change.
echo '/dev/sda1 / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
sed -i 's/^GRUB_CMDLINE_LINUX=.*/GRUB_CMDLINE_LINUX="console=ttyS0"/' "$root/etc/default/grub"
wants=$root/etc/systemd/system/getty.target.wants
mkdir -p "$wants" "$root/boot/grub/i386-pc"
ln -s /lib/systemd/system/serial-getty@.service "$wants/serial-getty@ttyS0.service"
kernel=$(cd "$root/boot" && echo vmlinuz-*)
cat >"$root/boot/grub/grub.cfg" <<END
set timeout=0
search --no-floppy --fs-uuid --set=root $id
menuentry Debian {
  linux /boot/$kernel root=/dev/sda1 ro console=ttyS0
  initrd /boot/initrd.img-${kernel#vmlinuz-}
}
END
grub=$root/usr/lib/grub/i386-pc
cp "$grub"/*.{mod,lst} "$root/boot/grub/i386-pc"
chroot "$root" grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' -o /core.img \
  biosdisk part_msdos ext2 normal linux search search_fs_uuid

# One partition that is booted; between it and its table lies GRUB.
truncate -s "$bytes" "$disk"
mke2fs -q -b 4096 -t ext4 -U "$id" -d "$root" -E "offset=$start" "$disk" $(((bytes - start) / 4096))
dd if="$grub/boot.img" of="$disk" bs=440 count=1 conv=notrunc status=none
dd if="$root/core.img" of="$disk" bs=512 seek=1 conv=notrunc status=none
le32() { printf '\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24)); }
entry="\x80\xfe\xff\xff\x83\xfe\xff\xff$(le32 $((start / 512)))$(le32 $(((bytes - start) / 512)))"
printf "$entry" | dd of="$disk" bs=1 seek=446 conv=notrunc status=none
printf '\x55\xaa' | dd of="$disk" bs=1 seek=510 conv=notrunc status=none
qemu-img convert -O qcow2 "$disk" "$1"
