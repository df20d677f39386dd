/** What QEMU complained of when it did not start → an error that says what to do about it. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { DroverError, systemErrorCode, type DroverErrorOptions } from '#kernel/errors.ts';
import type { QemuUser } from './qemu-user.ts';

interface Complaint {
  readonly pattern: RegExp;
  readonly error: (match: RegExpExecArray, options: Parameters<typeof make>[3]) => DroverError;
}

const COMPLAINTS: readonly Complaint[] = [
  {
    pattern: /Failed to get (?:shared )?"\w+" lock|Is another process using the image/,
    error: (_, options) =>
      make(
        'failed_precondition',
        'DISK_IN_USE',
        'a disk of the VM is in use by another VM',
        options,
      ),
  },
  {
    pattern: /[Nn]o space left on device/,
    error: (_, { cause, context }) => diskFullError(cause, { context }),
  },
  {
    pattern: /[Cc]annot (?:set up guest memory|allocate memory)/,
    error: (_, options) =>
      make('resource_exhausted', 'HOST_MEMORY_EXHAUSTED', 'this host lacks the memory', options),
  },
  {
    pattern: /could not configure \/dev\/net\/tun|could not open \/dev\/net\/tun/,
    error: (_, options) =>
      make('unavailable', 'TAP_UNUSABLE', 'QEMU could not open the network device', options),
  },
  {
    pattern: /Property '[^']*\.([\w.-]+)' not found/,
    error: (match, options) => {
      const message = `config.cpu.features: this host knows no CPU feature ${match[1] ?? ''}`;
      return make('failed_precondition', 'CPU_FEATURE_UNKNOWN', message, options);
    },
  },
  {
    pattern: /[Ii]nvalid (?:SMP )?CPU topology|cpu topology/,
    error: (_, options) => {
      const message = 'config.cpu.topology does not multiply up to the number of vCPUs';
      return make('failed_precondition', 'CPU_TOPOLOGY_INVALID', message, options);
    },
  },
];

export function launchError(log: string, runAs: QemuUser | undefined, cause: unknown): DroverError {
  const lines = log.trim().split('\n');
  const lastLine = lines.at(-1) ?? '';
  const options = { cause, context: { qemu: lastLine, log: log.slice(-2000), user: runAs?.name } };
  for (const { pattern, error } of COMPLAINTS) {
    const match = pattern.exec(log);
    if (match !== null) return error(match, options);
  }
  return make('internal', 'QEMU_FAILED', 'QEMU did not start; see the log of the server', options);
}

/** What a file of the machine meets when there is no room for it, as what the caller can mend. */
export function withDiskFullTold(thrown: unknown): unknown {
  const cause = thrown instanceof DroverError ? thrown.cause : thrown;
  const code = systemErrorCode(cause);
  return code === 'ENOSPC' || code === 'EDQUOT' ? diskFullError(thrown) : thrown;
}

export function diskFullError(cause: unknown, options: DroverErrorOptions = {}): DroverError {
  return new DroverError('resource_exhausted', 'the disk of this host is full', {
    reason: 'HOST_DISK_FULL',
    ...options,
    cause,
  });
}

/**
 * QEMU must read the kernel and the disks as its own user. Said before it is tried, by the bits
 * of the files' modes: the commonest mistake of a new host is images in root's home.
 */
export async function assertReadable(
  what: string,
  path: string,
  { runAs, isWritten }: { readonly runAs: QemuUser | undefined; readonly isWritten: boolean },
): Promise<void> {
  if (runAs === undefined) return;
  const need = isWritten ? 6 : 4;
  if (!(await allows(path, runAs, need))) {
    const hint = isWritten ? `chown ${runAs.name} ${path}` : `chmod o+r ${path}`;
    throw unreadable(what, { path, runAs, hint });
  }
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (!(await allows(folder, runAs, 1))) {
      throw unreadable(what, { path: folder, runAs, hint: `chmod o+x ${folder}` });
    }
    if (folder === '/') return;
  }
}

export async function allows(path: string, { uid, gid }: QemuUser, need: number): Promise<boolean> {
  const { mode, uid: owner, gid: group } = await stat(path);
  const shift = owner === uid ? 6 : group === gid ? 3 : 0;
  return ((mode >> shift) & need) === need;
}

function unreadable(
  what: string,
  at: { readonly path: string; readonly runAs: QemuUser; readonly hint: string },
): DroverError {
  const { path, runAs, hint } = at;
  return new DroverError(
    'failed_precondition',
    `${what}: QEMU runs as the user ${runAs.name}, who may not use ${path}; try: ${hint}`,
    { reason: 'IMAGE_UNREADABLE', metadata: { user: runAs.name } },
  );
}

function make(
  kind: ConstructorParameters<typeof DroverError>[0],
  reason: string,
  message: string,
  options: { readonly cause: unknown; readonly context: Readonly<Record<string, unknown>> },
): DroverError {
  return new DroverError(kind, message, { reason, ...options });
}
