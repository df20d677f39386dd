/**
 * Decides between KVM and TCG by trying: /dev/kvm may be there, and open, and still run no guest,
 * or run it slower than TCG would. In the trial the firmware starts, finds a disk and loads three
 * instructions from it, which end QEMU with a status that nothing else gives: a tenth of a second
 * where KVM is sound. A shorter trial passes where real guests hang. Nothing is remembered: the
 * answer holds for this process alone.
 */
import { spawn } from 'node:child_process';
import { access, chmod, constants, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Clock } from '#kernel/clock.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { MIB, SECOND_MS } from '#kernel/units.ts';
import type { QemuUser } from './qemu-user.ts';

export type Accelerator = 'kvm' | 'tcg';
export type AcceleratorChoice = 'auto' | Accelerator;

export interface AcceleratorResult {
  readonly accelerator: Accelerator;
  /** Why this one: a sentence for the log and the health page. */
  readonly reason: string;
  /** What went wrong under a KVM that can be used, for whoever else runs guests here. */
  readonly kvmFault?: string;
}

interface Trial {
  readonly obstacle: string | undefined;
  /** QEMU took KVM for good, and the guest did nothing. */
  readonly isHung?: true;
}

export interface ProbeOptions {
  readonly clock: Clock;
  readonly binary?: string;
  /** The user QEMU will run as: it is he who must be able to use KVM. */
  readonly runAs?: QemuUser | undefined;
  readonly kvmPath?: string;
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 2000;
/** Firmware passes over smaller disks. */
const DISK_BYTES = MIB;
const SECTOR_BYTES = 512;
/** Ends a sector that can be booted. */
const BOOT_SIGNATURE = [0x55, 0xaa];
/** mov al,0x20; out 0xf4,al; hlt. The exit device turns the value v into the status 2v+1. */
const TRIAL_CODE = [0xb0, 0x20, 0xe6, 0xf4, 0xf4];
const TRIAL_STATUS = 65;

/** `kvm` when it is asked for but does not work is a failed_precondition. */
export async function probeAccelerator(
  choice: AcceleratorChoice,
  options: ProbeOptions,
): Promise<AcceleratorResult> {
  if (choice === 'tcg') return { accelerator: 'tcg', reason: 'TCG is configured' };
  const { obstacle, isHung } = await tryKvm(options);
  if (obstacle === undefined) {
    return { accelerator: 'kvm', reason: 'a trial guest ran under KVM' };
  }
  if (choice === 'auto') {
    const fault = isHung === true && { kvmFault: obstacle };
    return { accelerator: 'tcg', reason: `TCG (slow): ${obstacle}`, ...fault };
  }
  throw new DroverError(
    'failed_precondition',
    `KVM is configured but does not work: ${obstacle}; use the accelerator "auto" or "tcg"`,
    { reason: 'KVM_UNUSABLE' },
  );
}

/** Runs the trial guest; true when it did what it should. Exported to try it without KVM. */
export async function runTrialGuest(
  accelerator: Accelerator,
  options: ProbeOptions,
): Promise<Trial> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-probe-'));
  try {
    const disk = Buffer.alloc(DISK_BYTES);
    disk.set(TRIAL_CODE);
    disk.set(BOOT_SIGNATURE, SECTOR_BYTES - BOOT_SIGNATURE.length);
    const diskPath = join(directory, 'trial.img');
    await writeFile(diskPath, disk, { mode: 0o644 });
    await chmod(directory, 0o755);
    return await runQemu(trialArguments(accelerator, diskPath), options);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function tryKvm(options: ProbeOptions): Promise<Trial> {
  const path = options.kvmPath ?? '/dev/kvm';
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch (thrown) {
    const isMissing = systemErrorCode(thrown) === 'ENOENT';
    return { obstacle: isMissing ? `this host has no ${path}` : `${path} may not be opened` };
  }
  return await runTrialGuest('kvm', options);
}

function trialArguments(accelerator: Accelerator, diskPath: string): string[] {
  const disk = {
    driver: 'raw',
    'node-name': 'trial',
    'read-only': true,
    file: { driver: 'file', filename: diskPath, 'read-only': true },
  };
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-machine', 'pc', '-m', 'size=32M'],
    // The processor is the one real guests get: some hosts fail on that alone.
    ...['-accel', accelerator, '-cpu', accelerator === 'kvm' ? 'host' : 'max'],
    ...['-blockdev', JSON.stringify(disk), '-device', 'virtio-blk-pci,drive=trial'],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=0x1', '-no-reboot'],
  ];
}

async function runQemu(args: string[], options: ProbeOptions): Promise<Trial> {
  const { clock, runAs, deadlineMs = DEADLINE_MS } = options;
  const child = spawn(options.binary ?? 'qemu-system-x86_64', args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(runAs === undefined ? {} : { uid: runAs.uid, gid: runAs.gid }),
  });
  const ended = Promise.withResolvers<Trial>();
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = `${complaint}${chunk.toString()}`.slice(-500);
  });
  child.on('error', ({ message }) =>
    ended.resolve({ obstacle: `QEMU cannot be started: ${message}` }),
  );
  let isLate = false;
  using deadline = clock.after(deadlineMs, () => {
    isLate = true;
    child.kill('SIGKILL');
  });
  child.on('close', (code) => {
    const seconds = deadlineMs / SECOND_MS;
    if (isLate) {
      ended.resolve({ obstacle: `a trial guest did nothing for ${seconds} s`, isHung: true });
    } else if (code === TRIAL_STATUS) ended.resolve({ obstacle: undefined });
    else {
      const lastWords = complaint.trim().split('\n').at(-1) ?? '';
      const why = lastWords || `QEMU ended with status ${code}`;
      ended.resolve({ obstacle: `a trial guest failed: ${why}` });
    }
  });
  try {
    return await ended.promise;
  } finally {
    deadline.cancel();
  }
}
