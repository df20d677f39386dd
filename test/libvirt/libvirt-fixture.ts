/** A private libvirtd, targets at it, and VMs to go there. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LibvirtTarget, type LibvirtTargetOptions } from '#backends/libvirt/libvirt-target.ts';
import { parseLibvirtUri } from '#transfers/libvirt-uri.ts';
import { ProcessVirsh } from '#backends/libvirt/virsh.ts';
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import type { TargetVm } from '#transfers/target.ts';
import { PrivateLibvirtd } from './private-libvirtd.ts';

const run = promisify(execFile);

export class LibvirtFixture implements AsyncDisposable {
  readonly libvirtd: PrivateLibvirtd;
  readonly directory: string;
  #count = 0;

  private constructor(libvirtd: PrivateLibvirtd, directory: string) {
    this.libvirtd = libvirtd;
    this.directory = directory;
  }

  static async open(): Promise<LibvirtFixture> {
    // Short, since libvirt puts sockets deep down in it, and their paths have a limit.
    const directory = mkdtempSync(join(tmpdir(), 'dl-'));
    // libvirtd and QEMU run as another account and have to come through here.
    chmodSync(directory, 0o755);
    const home = join(directory, 'd');
    await mkdir(home);
    try {
      return new LibvirtFixture(await PrivateLibvirtd.open(home), directory);
    } catch (thrown) {
      await rm(directory, { recursive: true, force: true });
      throw thrown;
    }
  }

  /** A target with a directory for its disks, unless the options say otherwise. */
  async target(options: Partial<LibvirtTargetOptions> = {}): Promise<TestTarget> {
    this.#count += 1;
    const name = `images-${this.#count}`;
    const images = await this.libvirtd.makeDirectory(name);
    const uri = parseLibvirtUri(this.libvirtd.uri);
    const { environment } = this.libvirtd;
    const workDirectory = join(this.directory, `work-${this.#count}`);
    const target = new LibvirtTarget({
      ...{ uri, virsh: new ProcessVirsh({ uri, clock: systemClock, environment }) },
      ...{ clock: systemClock, log: silentLog, workDirectory, accelerator: 'tcg' },
      ...(options.pool === undefined ? { directory: images } : {}),
      ...options,
    });
    return { target, images, workDirectory };
  }

  /** What the real virsh prints. */
  async virsh(...args: readonly string[]): Promise<string> {
    const all = ['--quiet', '--connect', this.libvirtd.uri, ...args];
    return (await run('virsh', all, { env: this.libvirtd.environment })).stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.libvirtd[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}

export interface TestTarget {
  readonly target: LibvirtTarget;
  readonly images: string;
  readonly workDirectory: string;
}

export function targetVm(overrides: Partial<TargetVm> = {}): TargetVm {
  return {
    ...{ name: 'web', owner: 'job-1', uuid: undefined, guestId: 'ubuntu64Guest' },
    ...{ cpus: 1, coresPerSocket: undefined, memoryMib: 32 },
    ...{ firmware: 'bios', isSecureBoot: false, hasTpm: false },
    disks: [
      {
        ...{ key: '2000', capacityBytes: 1024 * 1024, format: 'raw' },
        ...{ bus: 'sata', storage: undefined },
      },
    ],
    nics: [],
    ...overrides,
  };
}
