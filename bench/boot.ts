/**
 * How long a machine takes.
 *
 *   boot/ready  CreateVm and BootVm until the guest prints its ready line, beside the very command
 *               line that Drover starts QEMU with, started by nothing. (ms, microvm)
 *   boot/call   CreateVm and BootVm until they return, beside `virsh create` of the same guest
 *               under a libvirtd of its own. (ms, q35, since libvirt has no microvm)
 *
 * The peers find their disk overlays made, Drover makes its own while the clock runs. virsh stays
 * connected, so that its start does not count. The guest is the demo image without a NIC.
 */
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromJson, type JsonValue, type MessageInitShape } from '@bufbuild/protobuf';
import type { Client } from '@connectrpc/connect';
import type { BuiltImage } from '#apps/drover/image/built-image.ts';
import { buildDemoImage } from '#apps/drover/image/demo-image.ts';
import { VmConfigSchema, type VmService } from '#gen/vmprovisioner/v1/vm_pb.js';
import { findAccount } from '#test/libvirt/private-libvirtd.ts';
import { killAtExit } from './at-exit.ts';
import {
  createOverlay,
  overlaysOf,
  readCommandLine,
  timeBareBoot,
  waitForText,
  type CommandLine,
} from './bare-qemu.ts';
import { openChildServer, repositoryRoot } from './child-server.ts';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { createVmClient } from './drover-client.ts';
import { measureInTurn } from './pair.ts';
import { openPrivateLibvirt, type Virsh } from './private-libvirt.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const READY = 'drover-demo ready:';
const GOALS = {
  ready: { of: 'ratio', atMost: 1.05 },
  call: { of: 'ratio', atMost: 0.5 },
} as const;

type KernelMachine = 'microvm' | 'q35';
type VmConfig = MessageInitShape<typeof VmConfigSchema>;

export const boot: Benchmark = {
  name: 'boot',
  summary: 'a machine until it is ready, beside bare QEMU; until the call returns, beside virsh',
  async *run(options) {
    await using scratch = await openScratchDirectory();
    const { path: dir } = scratch;
    // QEMU and libvirtd run as another account and have to come through here.
    await chmod(dir, 0o755);
    const image = await buildDemoImage({
      imagesDir: join(dir, 'images'),
      workDir: join(repositoryRoot, 'node_modules/.cache/drover/packages'),
      signal: new AbortController().signal,
      progress: options.progress,
    });
    yield await compareReady(dir, image, options);
    yield await compareCall(dir, image, options);
  },
};

/** Drover with QEMU, and machines of the demo image on it, one at a time. */
class DroverGuests implements AsyncDisposable {
  readonly #vms: Client<typeof VmService>;
  readonly #config: VmConfig;
  readonly #server: AsyncDisposable;
  #count = 0;

  private constructor(vms: Client<typeof VmService>, config: VmConfig, server: AsyncDisposable) {
    this.#vms = vms;
    this.#config = config;
    this.#server = server;
  }

  static async open(dir: string, image: BuiltImage, machine: KernelMachine): Promise<DroverGuests> {
    const server = await openChildServer({
      script: 'src/apps/drover/main.ts',
      args: [
        ...['up', '--port', '0', '--data', join(dir, machine), '--network-mode', 'user'],
        ...['--images-directories', join(dir, 'images')],
        ...['--hypervisor-kernel-machine', machine],
      ],
    });
    // Operators are told the process id.
    const vms = createVmClient(server.url, 'Bearer dev_operator');
    const template = { ...image.config, network: [] };
    const config = fromJson(VmConfigSchema, template as JsonValue);
    return new DroverGuests(vms, config, server);
  }

  /** Boots one and removes it again; `use` runs in between. */
  async boot<T>(use: (calledMs: number, pid: number, startedMs: number) => Promise<T>): Promise<T> {
    this.#count += 1;
    const vmId = `bench-${this.#count}`;
    const startedMs = performance.now();
    await this.#vms.createVm({ vmId, config: this.#config, customerId: 'bench' });
    try {
      await this.#vms.bootVm({ vmId });
      const calledMs = performance.now() - startedMs;
      const { backendInfo } = await this.#vms.getVmInfo({ vmId });
      const pid = Number(backendInfo['process_id']);
      // It would outlive the server, as it should.
      using _duty = killAtExit({ pid });
      return await use(calledMs, pid, startedMs);
    } finally {
      await this.#vms.deleteVm({ vmId, force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

async function compareReady(
  dir: string,
  image: BuiltImage,
  { isQuick, progress }: BenchmarkOptions,
): Promise<Comparison> {
  await using guests = await DroverGuests.open(dir, image, 'microvm');
  const commandLine = await guests.boot((_called, pid) => readCommandLine(pid));
  const paired = await measureInTurn(
    {
      runs: isQuick ? 3 : 15,
      warmups: 1,
      onPair: ({ ours, peer }) =>
        progress(`ready: ${ours.toFixed(0)} against ${peer.toFixed(0)} ms`),
    },
    {
      ours: () =>
        guests.boot(async (_called, pid, startedMs) => {
          const { directory } = await readCommandLine(pid);
          await waitForText(join(directory, 'console.log'), READY);
          return performance.now() - startedMs;
        }),
      peer: async () => {
        const directory = await mkdtemp(join(dir, 'bare-'));
        return await timeBareBoot(commandLine, { directory, ready: READY });
      },
    },
  );
  const against = 'the same QEMU command line started bare';
  return { bench: 'boot/ready', ...paired, unit: 'ms', against, goal: GOALS.ready };
}

async function compareCall(
  dir: string,
  image: BuiltImage,
  { isQuick, progress }: BenchmarkOptions,
): Promise<Comparison> {
  await using guests = await DroverGuests.open(dir, image, 'q35');
  const commandLine = await guests.boot((_called, pid) => readCommandLine(pid));
  const directory = join(dir, 'libvirt');
  await mkdir(directory);
  await using virsh = await openPrivateLibvirt(directory);
  const paired = await measureInTurn(
    {
      runs: isQuick ? 3 : 15,
      warmups: 2,
      onPair: ({ ours, peer }) =>
        progress(`call: ${ours.toFixed(0)} against ${peer.toFixed(0)} ms`),
    },
    {
      ours: () => guests.boot((calledMs) => Promise.resolve(calledMs)),
      peer: () => timeVirshCreate(virsh, commandLine, directory),
    },
  );
  const against = 'virsh create under libvirtd';
  return { bench: 'boot/call', ...paired, unit: 'ms', against, goal: GOALS.call };
}

async function timeVirshCreate(
  virsh: Virsh,
  commandLine: CommandLine,
  directory: string,
): Promise<number> {
  const disk = join(directory, 'disk.qcow2');
  const [overlay] = overlaysOf(commandLine);
  if (overlay === undefined) throw new Error('the demo guest has a disk of its own');
  await rm(disk, { force: true });
  await createOverlay({ ...overlay, file: disk });
  const account = await findAccount();
  if (account !== undefined) await chown(disk, account.uid, account.gid);
  const file = join(directory, 'domain.xml');
  await writeFile(file, domainXml(commandLine, { directory, disk }), { mode: 0o644 });
  const startedMs = performance.now();
  await virsh.run(`create ${file}`, "Domain 'bench' created");
  const calledMs = performance.now() - startedMs;
  await virsh.run('destroy bench', "Domain 'bench' destroyed");
  return calledMs;
}

/** What the command line says, in libvirt's words. */
function domainXml(
  { program, args }: CommandLine,
  { directory, disk }: { readonly directory: string; readonly disk: string },
): string {
  const valueOf = (name: string) => args[args.indexOf(name) + 1] ?? '';
  const memoryMib = /size=(\d+)M/.exec(valueOf('-m'))?.[1] ?? '';
  const vcpus = /cpus=(\d+)/.exec(valueOf('-smp'))?.[1] ?? '';
  const type = valueOf('-accel').startsWith('kvm') ? 'kvm' : 'qemu';
  return `<domain type='${type}'>
  <name>bench</name>
  <memory unit='MiB'>${memoryMib}</memory>
  <vcpu>${vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>${valueOf('-kernel')}</kernel>
    <initrd>${valueOf('-initrd')}</initrd>
    <cmdline>${valueOf('-append')}</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='maximum'/>
  <devices>
    <emulator>${program.startsWith('/') ? program : `/usr/bin/${program}`}</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='${disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <controller type='usb' model='none'/>
    <serial type='file'>
      <source path='${join(directory, 'console.log')}'/>
      <target port='0'/>
    </serial>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <memballoon model='none'/>
  </devices>
</domain>
`;
}
