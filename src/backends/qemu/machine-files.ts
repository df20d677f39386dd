/** What lies in a machine's directory, by the names QEMU sees from inside it. */
import { createHash } from 'node:crypto';

export const QMP_SOCKET = 'qmp.sock';
export const AGENT_SOCKET = 'agent.sock';
export const PID_FILE = 'qemu.pid';
export const QEMU_LOG_FILE = 'qemu.log';
export const CONSOLE_FILE = 'console.log';
export const LAUNCH_FILE = 'launch.json';
export const EFI_VARS_FILE = 'efi-vars.fd';
export const DISKS_DIRECTORY = 'disks';
/** Console output under the name that was asked for is found in here. */
export const OUTPUT_DIRECTORY = 'output';

const PLAIN_DISK_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** A disk keeps its overlay as long as it keeps its id, whatever characters that is made of. */
export function overlayFile(diskId: string): string {
  const isPlain = PLAIN_DISK_ID.test(diskId);
  const name = isPlain ? diskId : `.${createHash('sha256').update(diskId).digest('hex')}`;
  return `${DISKS_DIRECTORY}/${name}.qcow2`;
}
