/**
 * Finds a machine's QEMU again after Drover was away: by the stored record, else by the pid file,
 * else by looking through all processes (Drover may have died between starting QEMU and writing
 * the pid). A process counts only if its command line carries the machine's uuid.
 */
import { readlink } from 'node:fs/promises';

import { systemErrorCode } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import type { ProcessRecord } from '#machines/hypervisor.ts';
import type { MachineDirectory } from './machine-directory.ts';
import { QMP_SOCKET } from './machine-files.ts';
import { findProcesses, readCommandLine, readProcessStat } from './process-table.ts';
import { machineUuid } from './qemu-argv.ts';

export async function findQemu(
  machineId: MachineId,
  directory: MachineDirectory,
  record: ProcessRecord | undefined,
): Promise<ProcessRecord | undefined> {
  const recorded = record && (await check(record.pid, machineId, directory));
  if (recorded !== undefined && recorded.startTicks === record?.startTicks) return recorded;
  const pid = await directory.readPid();
  const written = pid === undefined ? undefined : await check(pid, machineId, directory);
  if (written !== undefined || pid !== undefined || record !== undefined) return written;
  return await search(machineId, directory);
}

async function check(
  pid: number,
  machineId: MachineId,
  directory: MachineDirectory,
): Promise<ProcessRecord | undefined> {
  const [stat, argv] = await Promise.all([readProcessStat(pid), readCommandLine(pid)]);
  if (stat === undefined || stat.isZombie || !isOf(machineId, argv)) return undefined;
  return { pid, startTicks: stat.startTicks, socketPath: directory.file(QMP_SOCKET), argv };
}

function isOf(machineId: MachineId, argv: readonly string[]): boolean {
  const at = argv.indexOf('-uuid');
  return at !== -1 && argv[at + 1] === machineUuid(machineId);
}

async function search(
  machineId: MachineId,
  directory: MachineDirectory,
): Promise<ProcessRecord | undefined> {
  for (const pid of await findProcesses((argv) => isOf(machineId, argv))) {
    // Another Drover on this host may have a machine of the same id, in a folder of its own.
    if ((await workingDirectory(pid)) === directory.path) {
      return await check(pid, machineId, directory);
    }
  }
  return undefined;
}

async function workingDirectory(pid: number): Promise<string | undefined> {
  try {
    return await readlink(`/proc/${pid}/cwd`);
  } catch (thrown) {
    const code = systemErrorCode(thrown);
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return undefined;
    throw thrown;
  }
}
