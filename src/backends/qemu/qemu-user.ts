/** Whom QEMU runs as when Drover is root. */
import { readFile } from 'node:fs/promises';

import { DroverError, systemErrorCode } from '#kernel/errors.ts';

export interface QemuUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The first is for operators who made one of their own; the last is on every Linux. */
const CANDIDATES = ['drover', 'libvirt-qemu', 'nobody'] as const;

/**
 * The named user, or the first of the candidates that exists; undefined when none does. A named
 * one that does not exist, or is root, is refused rather than passed over.
 */
export async function findQemuUser(
  options: {
    /** With KVM, QEMU joins the group that may use /dev/kvm. */
    readonly isKvm: boolean;
    readonly name?: string | undefined;
    readonly passwdPath?: string;
    readonly groupPath?: string;
  } = { isKvm: false },
): Promise<QemuUser | undefined> {
  const users = await readColonFile(options.passwdPath ?? '/etc/passwd');
  const groups = options.isKvm ? await readColonFile(options.groupPath ?? '/etc/group') : [];
  const kvmGid = Number(groups.find(([name]) => name === 'kvm')?.[2] ?? Number.NaN);
  for (const candidate of options.name === undefined ? CANDIDATES : [options.name]) {
    const [name, , uidText, gidText] = users.find(([known]) => known === candidate) ?? [];
    const uid = Number(uidText);
    const gid = Number.isInteger(kvmGid) ? kvmGid : Number(gidText);
    if (name !== undefined && Number.isInteger(uid) && uid > 0 && Number.isInteger(gid)) {
      return { name, uid, gid };
    }
  }
  if (options.name === undefined) return undefined;
  throw new DroverError(
    'failed_precondition',
    `hypervisor.qemuUser: there is no user ${options.name} on this host that is not root`,
    { reason: 'QEMU_USER_MISSING' },
  );
}

async function readColonFile(path: string): Promise<string[][]> {
  try {
    return (await readFile(path, 'utf8')).split('\n').map((line) => line.split(':'));
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}
