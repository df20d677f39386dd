/** The table of mounts, and which of them are worth measuring. */

export interface FilesystemMount {
  readonly device: string;
  readonly mountPoint: string;
  readonly fsType: string;
  readonly isReadOnly: boolean;
  /** Whether only this kernel has to be asked about it: nobody elsewhere can keep it waiting. */
  readonly isLocal: boolean;
}

export interface MountFilter {
  readonly mountPointsExclude: RegExp;
  readonly fsTypesExclude: RegExp;
}

/** What node_exporter leaves out when it is not told otherwise. */
export const DEFAULT_MOUNT_FILTER: MountFilter = {
  mountPointsExclude: new RegExp(
    '^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|' + 'var/lib/containers/storage/.+)($|/)',
  ),
  fsTypesExclude: new RegExp(
    '^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|' +
      'iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|' +
      'squashfs|sysfs|tracefs)$',
  ),
};

/** Their statfs is answered from memory, even when the disk beneath is gone. */
const LOCAL_TYPES = new Set([
  ...['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'bcachefs', 'f2fs', 'jfs', 'reiserfs'],
  ...['nilfs2', 'vfat', 'msdos', 'exfat', 'ntfs3', 'hfsplus', 'udf', 'iso9660', 'squashfs'],
  ...['erofs', 'tmpfs', 'ramfs', 'rootfs', 'minix'],
]);

/** `text` is /proc/PID/mounts. Equal lines are one mount; the hidden ones below it do not count. */
export function parseMounts(text: string, filter: MountFilter): FilesystemMount[] {
  const lines = text.split('\n').flatMap((line) => {
    const [device, mountPoint, fsType, options] = line.split(' ').map(unescapeField);
    if (device === undefined || mountPoint === undefined || fsType === undefined) return [];
    return [{ device, mountPoint, fsType, isReadOnly: (options ?? '').split(',').includes('ro') }];
  });
  // To look at a path is to ask every filesystem on the way to it.
  const remotePoints = lines
    .filter(({ fsType }) => !LOCAL_TYPES.has(fsType) && !filter.fsTypesExclude.test(fsType))
    .map(({ mountPoint }) => mountPoint);
  const found = new Map<string, FilesystemMount>();
  for (const line of lines) {
    if (filter.mountPointsExclude.test(line.mountPoint)) continue;
    if (filter.fsTypesExclude.test(line.fsType)) continue;
    const isLocal =
      LOCAL_TYPES.has(line.fsType) &&
      !remotePoints.some((point) => point !== '/' && isWithin(line.mountPoint, point));
    const mount = { ...line, isLocal };
    const key = mountKey(mount);
    if (!found.has(key)) found.set(key, mount);
  }
  return [...found.values()];
}

export function mountKey({ device, mountPoint, fsType }: FilesystemMount): string {
  return [device, mountPoint, fsType].join('\0');
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** Blanks and backslashes are written as three octal digits. */
function unescapeField(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
