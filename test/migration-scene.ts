/** A vSphere with VMs, a libvirtd for them to go to, and requests that move them there. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MIB } from '#kernel/units.ts';
import { LibvirtFixture } from '#test/libvirt/libvirt-fixture.ts';
import { LibvirtGate } from '#test/migration-gate.ts';
import { assertSameDisk, assertSound } from '#test/qemu-img.ts';
import {
  openVSphere,
  type VSphereFixture,
  type VSphereOptions,
} from '#test/vsphere/open-vsphere.ts';

export interface SceneOptions {
  /** By name of the VM, the size of each disk in MiB. */
  readonly vms: Readonly<Record<string, readonly number[]>>;
  readonly vsphere?: Partial<VSphereOptions>;
}

export interface RequestChanges {
  readonly method?: 'nfc' | 'datastore';
  readonly id?: string;
  /** Of vSphere, when something is in front of it. */
  readonly url?: string;
  readonly directory?: string;
  readonly mostAttempts?: number;
  readonly options?: object;
}

const FOLDER = 'Production';

export class MigrationScene implements AsyncDisposable {
  readonly vsphere: VSphereFixture;
  readonly libvirt: LibvirtFixture;
  /** Where disks go. */
  readonly images: string;
  readonly #gates: ReadonlyMap<string, LibvirtGate>;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    parts: Pick<MigrationScene, 'vsphere' | 'libvirt' | 'images'>,
    gates: ReadonlyMap<string, LibvirtGate>,
    owned: AsyncDisposableStack,
  ) {
    this.vsphere = parts.vsphere;
    this.libvirt = parts.libvirt;
    this.images = parts.images;
    this.#gates = gates;
    this.#owned = owned;
  }

  static async open({ vms, vsphere: options }: SceneOptions): Promise<MigrationScene> {
    await using stack = new AsyncDisposableStack();
    const libvirt = stack.use(await LibvirtFixture.open());
    const { libvirtd, directory } = libvirt;
    const gates = new Map<string, LibvirtGate>();
    for (const [at, vm] of Object.keys(vms).entries()) {
      gates.set(vm, stack.use(await LibvirtGate.open(join(directory, `g${at}`), libvirtd.uri)));
    }
    const images = await libvirtd.makeDirectory('moved');
    const disks = new Map<number, string>();
    for (const mib of new Set(Object.values(vms).flat())) {
      disks.set(mib, await writeHoleyDisk(join(directory, `${mib}.raw`), mib));
    }
    const vsphere = stack.use(
      await openVSphere({
        vms: Object.entries(vms).map(([name, sizes]) => ({
          ...{ name, folder: FOLDER, memoryMib: 32 },
          disks: sizes.map((mib) => ({ path: disks.get(mib) ?? '' })),
          nics: [{ network: 'VM Network' }],
        })),
        ...options,
      }),
    );
    return new MigrationScene({ vsphere, libvirt, images }, gates, stack.move());
  }

  /** Each VM comes to libvirtd through one of its own. */
  gate(vm: string): LibvirtGate {
    const gate = this.#gates.get(vm);
    if (gate === undefined) throw new Error(`the scene has no VM ${vm}`);
    return gate;
  }

  request(vm: string, changes: RequestChanges = {}): object {
    const { method, id, url, directory, mostAttempts, options } = changes;
    const { login } = this.vsphere;
    const { username, password, trust } = login;
    return {
      ...(id !== undefined && { id }),
      ...(mostAttempts !== undefined && { max_attempts: mostAttempts }),
      vm_path: `DC0/vm/${FOLDER}/${vm}`,
      source: { type: 'vsphere', vcenter_url: url ?? login.url, username, password, ca: trust.ca },
      destination: {
        ...{ type: 'kvm', libvirt_uri: this.gate(vm).uri, directory: directory ?? this.images },
      },
      options: {
        ...{ conversion_method: method ?? 'datastore', start: false, prepare: 'never' },
        network_mapping: { 'VM Network': 'user' },
        ...options,
      },
    };
  }

  /** What `drover up` needs to know so as to take such requests. */
  get settings() {
    return { directories: [this.images], session: this.libvirt.libvirtd.environment };
  }

  /** The disks are at the target, whole, and nothing else of the VM's is there. */
  async assertMoved(vm: string): Promise<void> {
    const { disks } = this.vsphere.vm(vm);
    for (const [at, disk] of disks.entries()) {
      const image = { path: join(this.images, `${vm}-${at}.qcow2`), format: 'qcow2' } as const;
      await assertSound(image);
      await assertSameDisk({ path: disk.rawPath, format: 'raw' }, image);
    }
    const expected = disks.map((_disk, at) => `${vm}-${at}.qcow2`);
    assert.deepEqual(await this.filesOf(vm), expected);
    assert.ok((await this.domains()).includes(vm), `${vm} is defined`);
  }

  /** No disk, no part of one, no domain, and at the source no lease. */
  async assertNothingLeft(vm: string): Promise<void> {
    assert.deepEqual(await this.filesOf(vm), []);
    assert.ok(!(await this.domains()).includes(vm), `${vm} is not defined`);
    assert.deepEqual(this.leasesOf(vm), []);
  }

  leasesOf(vm: string): readonly { readonly vm: string }[] {
    return this.vsphere.openLeases.filter((lease) => lease.vm === vm);
  }

  async filesOf(vm: string, directory = this.images): Promise<readonly string[]> {
    if (!existsSync(directory)) return [];
    const names = await readdir(directory);
    return names.filter((name) => name.replace(/^\./, '').startsWith(`${vm}-`)).toSorted();
  }

  async domains(): Promise<readonly string[]> {
    return (await this.libvirt.virsh('list', '--all', '--name')).split('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

/** Three quarters are random, the rest was never written. */
async function writeHoleyDisk(path: string, mib: number): Promise<string> {
  await using file = await open(path, 'wx', 0o644);
  await file.truncate(mib * MIB);
  for (let at = 0; at < mib; at += 4) {
    await file.write(randomBytes(3 * MIB), 0, 3 * MIB, at * MIB);
  }
  return path;
}
