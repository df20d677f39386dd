/**
 * A vSphere for tests: govmomi's simulator, with a proxy in front that adds what it lacks, and
 * real disks behind both. README.md says what it does, and what it does not.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '#kernel/clock.ts';
import type { Clock } from '#kernel/clock.ts';
import { createTestCertificates } from '#test/certificates.ts';
import type { TestCertificates } from '#test/certificates.ts';
import type { SourceLogin } from '#transfers/connection.ts';
import type { ByteTrouble, ServedDisk } from './byte-trouble.ts';
import type { DiskArea } from './changed-areas.ts';
import type { FixtureVm } from './fixture-vm.ts';
import type { HostedDisk, HostedVm } from './hosted-vm.ts';
import type { LeaseCounts } from './leases.ts';
import { Simulator } from './simulator.ts';
import type { Inventory } from './simulator.ts';
import type { Reference } from './soap-message.ts';
import type { SoapTrouble } from './soap-trouble.ts';
import { VmCreator } from './vm-creator.ts';
import { VSphereProxy } from './vsphere-proxy.ts';

export interface VSphereOptions {
  readonly vms?: readonly FixtureVm[];
  /** VMs without disks behind them, by the thousand; and the hosts and folders they are in. */
  readonly inventory?: Inventory;
  readonly kind?: 'vcenter' | 'esxi';
  readonly username?: string;
  readonly password?: string;
  /** For leases, slow bodies and late answers. */
  readonly clock?: Clock;
  readonly leaseTimeoutSeconds?: number;
  readonly leaseInitializingMs?: number;
  readonly mostObjectsPerPage?: number;
  readonly deniedPrivileges?: readonly string[];
}

export interface VSphereFixture extends AsyncDisposable {
  /** `https://127.0.0.1:PORT/sdk`. */
  readonly url: string;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** All it takes to log in, trusting the authority. */
  readonly login: SourceLogin;
  /** PEM of the authority that signed the certificate. */
  readonly ca: string;
  /** SHA-256 of the certificate, in lower-case hex without colons. */
  readonly thumbprint: string;
  /** Of `vms`, by name. */
  vm(name: string): HostedVm;
  disk(vm: string, label?: string): HostedDisk;

  /** How often a SOAP method was called; all calls without a name. */
  calls(method?: string): number;
  /** Bytes of disks handed out. */
  served(which?: Partial<ServedDisk>): number;
  readonly leases: LeaseCounts;
  readonly openLeases: readonly { readonly vm: string; readonly percent: number }[];
  readonly sessions: number;

  troubleCalls(trouble: SoapTrouble): Disposable;
  troubleBytes(trouble: ByteTrouble): Disposable;
  /** The next calls are not authenticated, until somebody logs in again. */
  expireSessions(): void;
  expireLeases(): Promise<void>;
  setChangedAreas(disk: HostedDisk, changeId: string, areas: readonly DiskArea[]): void;
  /** Properties of an object, as XML elements `<val xsi:type="…">`. */
  setProperties(ref: Reference, values: Readonly<Record<string, string>>): Promise<void>;
  /** Drops connections, sessions and leases, and refuses connections until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const DIR_PREFIX = 'drover-vsphere-double-';

let certificates: TestCertificates | undefined;

export async function openVSphere(options: VSphereOptions = {}): Promise<VSphereFixture> {
  const { kind = 'vcenter', clock = systemClock } = options;
  const { username = 'administrator@vsphere.local', password = 'Pass & <word>' } = options;
  await using stack = new AsyncDisposableStack();
  await removeOrphans();
  const directory = await mkdtemp(join(tmpdir(), `${DIR_PREFIX}${process.pid}-`));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const home = join(directory, 'simulator');
  await mkdir(home);
  const inventory = options.inventory ?? {};
  const simulator = stack.use(
    await Simulator.open({ kind, inventory, username, password, directory: home }),
  );
  certificates ??= createTestCertificates();
  const certificate = new X509Certificate(certificates.server.cert);
  const proxy = stack.use(
    new VSphereProxy({
      ...{ simulator, kind, clock, username, password },
      pair: certificates.server,
      thumbprint: certificate.fingerprint,
      leaseTimeoutSeconds: options.leaseTimeoutSeconds ?? 300,
      leaseInitializingMs: options.leaseInitializingMs ?? 5,
      mostObjectsPerPage: options.mostObjectsPerPage ?? Infinity,
      deniedPrivileges: options.deniedPrivileges ?? [],
    }),
  );
  const creator = new VmCreator(simulator, kind, directory);
  const vms: HostedVm[] = [];
  for (const vm of options.vms ?? []) vms.push(await creator.create(vm));
  for (const vm of vms) proxy.host(vm);
  await proxy.start();
  const owned = stack.move();
  return createFixture({ proxy, simulator, vms, certificates, username, password }, () =>
    owned.disposeAsync(),
  );
}

/** The directories of those whose owner was killed. Each bears the owner's process id. */
async function removeOrphans(): Promise<void> {
  for (const directory of globSync(join(tmpdir(), `${DIR_PREFIX}*-*`))) {
    const pid = Number(directory.split('-').at(-2));
    if (pid > 0 && !existsSync(`/proc/${pid}`))
      await rm(directory, { recursive: true, force: true });
  }
}

interface Parts {
  readonly proxy: VSphereProxy;
  readonly simulator: Simulator;
  readonly vms: readonly HostedVm[];
  readonly certificates: TestCertificates;
  readonly username: string;
  readonly password: string;
}

function createFixture(parts: Parts, dispose: () => Promise<void>): VSphereFixture {
  const { proxy, simulator, vms, username, password } = parts;
  const ca = parts.certificates.ca.cert;
  const host = `127.0.0.1:${proxy.port}`;
  const url = `https://${host}/sdk`;
  const certificate = new X509Certificate(parts.certificates.server.cert);
  const trust = { ca, thumbprint: undefined, isInsecure: false };
  const findVm = (name: string) => {
    const found = vms.find((vm) => vm.name === name);
    if (found === undefined) throw new Error(`the double has no VM ${name} of its own`);
    return found;
  };
  return {
    ...{ url, host, ca },
    login: { kind: 'vsphere', url, username, password, datacenter: undefined, trust },
    thumbprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    vm: findVm,
    disk(name, label) {
      const found = findVm(name).disks.find((disk) => (label ?? disk.label) === disk.label);
      if (found === undefined) throw new Error(`the VM ${name} of the double has no disk ${label}`);
      return found;
    },
    calls: (method) =>
      [...proxy.calls].reduce((sum, [name, n]) => sum + ((method ?? name) === name ? n : 0), 0),
    served: (which) => proxy.served(which),
    get leases() {
      return proxy.leases.counts;
    },
    get openLeases() {
      return proxy.leases.open;
    },
    get sessions() {
      return proxy.sessions.count;
    },
    troubleCalls: (trouble) => proxy.soapTroubles.add(trouble),
    troubleBytes: (trouble) => proxy.byteTroubles.add(trouble),
    expireSessions: () => proxy.sessions.removeAll(),
    expireLeases: () => proxy.leases.expireAll(),
    setChangedAreas: (disk, changeId, areas) => proxy.changedAreas.set(disk, changeId, areas),
    setProperties: (ref, values) => simulator.change(ref, values),
    stop: () => proxy.stop(),
    start: () => proxy.start(),
    [Symbol.asyncDispose]: dispose,
  };
}
