/**
 * The questions and commands that a migration has for one libvirt. Domains go by their UUID: virsh
 * would take a name such as `42` for the number of a running domain of somebody else.
 */
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import { parseXml, type XmlElement } from '#kernel/xml.ts';
import { OWNER_NAMESPACE } from './domain-xml.ts';
import { parseAbilities, type HostAbilities, type MachineKind } from './host-abilities.ts';
import type { Virsh } from './virsh.ts';

export interface KnownDomain {
  readonly uuid: string;
  readonly name: string;
}

export interface OwnedDomain extends KnownDomain {
  /** Undefined for a domain that no migration made. */
  readonly owner: string | undefined;
}

export interface Pool {
  readonly name: string;
  /** `dir`, `logical`… */
  readonly type: string;
  readonly path: string | undefined;
}

export const ACCELERATORS = ['auto', 'kvm', 'tcg'] as const;
export type Accelerator = (typeof ACCELERATORS)[number];

const ALL_DOMAINS = ['--all', '--uuid', '--name'] as const;
const UNDEFINE = [
  'undefine',
  ...['--managed-save', '--snapshots-metadata', '--checkpoints-metadata', '--nvram'],
] as const;

/** Where in an answer the list begins. */
const LISTED = /^\s*[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12} /m;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const END_OF_POOL = '</pool>';

export class LibvirtHost {
  readonly virsh: Virsh;

  constructor(virsh: Virsh) {
    this.virsh = virsh;
  }

  async abilities(
    machine: MachineKind,
    accelerator: Accelerator,
    signal: AbortSignal,
  ): Promise<HostAbilities> {
    const virtType = { auto: [], kvm: ['--virttype=kvm'], tcg: ['--virttype=qemu'] }[accelerator];
    const asked = ['--arch=x86_64', `--machine=${machine}`, ...virtType];
    // The first that asks makes libvirt try out each QEMU it has.
    const call = { signal, timeoutMs: 120_000 };
    return parseAbilities(await this.virsh.run(['domcapabilities', ...asked], call));
  }

  async memoryMib(signal: AbortSignal): Promise<number | undefined> {
    const text = await this.virsh.run(['nodeinfo'], { signal });
    const kib = /^Memory size:\s+(\d{1,15}) KiB$/m.exec(text)?.[1];
    return kib === undefined ? undefined : Math.floor(Number(kib) / 1024);
  }

  async domains(signal: AbortSignal): Promise<readonly KnownDomain[]> {
    return parseDomains(await this.virsh.run(['list', ...ALL_DOMAINS], { signal }));
  }

  async destroy(uuid: string, signal: AbortSignal): Promise<void> {
    await this.virsh.run(['destroy', `--domain=${uuid}`], { signal });
  }

  async undefine(uuid: string, signal: AbortSignal): Promise<void> {
    await this.virsh.run([...UNDEFINE, `--domain=${uuid}`], { signal });
  }

  /**
   * Stops it, if it runs, and undefines it by one virsh, which may be a login by ssh. virsh goes on
   * when a command is refused; what counts is whether the domain is still there, as is answered.
   */
  async forceAway(uuid: string, signal: AbortSignal): Promise<boolean> {
    if (!UUID.test(uuid)) throw new Error(`${uuid} is no UUID`);
    const commands = [
      `destroy --domain=${uuid}`,
      `${UNDEFINE.join(' ')} --domain=${uuid}`,
      `list ${ALL_DOMAINS.join(' ')}`,
    ];
    const left = parseDomains(await this.virsh.run([commands.join('; ')], { signal }));
    return left.some((domain) => domain.uuid === uuid);
  }

  /** Undefined for a domain that no migration made. */
  async ownerOf(uuid: string, signal: AbortSignal): Promise<string | undefined> {
    const asked = [`--domain=${uuid}`, `--uri=${OWNER_NAMESPACE}`];
    const text = await this.#answerOf(['metadata', ...asked], signal);
    return text === undefined ? undefined : ownerIn(text);
  }

  /** By one virsh, which may be a login by ssh, wherever that takes a name for nothing else. */
  async findNamed(name: string, signal: AbortSignal): Promise<OwnedDomain | undefined> {
    // virsh goes on when a command is refused, and ends as the last one does.
    const owner = `metadata --domain=${name} --uri=${OWNER_NAMESPACE}; `;
    const list = `list ${ALL_DOMAINS.join(' ')}`;
    const text = await this.virsh.run([isPlainName(name) ? owner + list : list], { signal });
    const found = parseDomains(text).find((domain) => domain.name === name);
    if (found === undefined) return undefined;
    const told = text.slice(0, text.search(LISTED)).trim();
    return {
      ...found,
      // Where nothing was told, why not is to be known: it may not be a domain without an owner.
      owner: told === '' ? await this.ownerOf(found.uuid, signal) : ownerIn(told),
    };
  }

  /** As it is now, or as it will be at the next start. */
  async describe(uuid: string, signal: AbortSignal): Promise<XmlElement> {
    return parseXml(await this.virsh.run(['dumpxml', `--domain=${uuid}`], { signal }));
  }

  /** `running`, `shut off`…, and why. */
  async stateOf(
    uuid: string,
    signal: AbortSignal,
  ): Promise<{ readonly state: string; readonly reason: string }> {
    const text = await this.virsh.run(['domstate', `--domain=${uuid}`, '--reason'], { signal });
    const found = /^([a-z ]+?)(?: \((.*)\))?$/.exec(text.trim());
    return { state: found?.[1] ?? 'unknown', reason: found?.[2] ?? 'unknown' };
  }

  async names(kind: 'net' | 'pool', which: 'active' | 'all', signal: AbortSignal) {
    const all = which === 'all' ? ['--all'] : [];
    const text = await this.virsh.run([`${kind}-list`, '--name', ...all], { signal });
    return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
  }

  /** Undefined when libvirt does not know: it may have no driver for interfaces. */
  async isBridge(name: string, signal: AbortSignal): Promise<boolean | undefined> {
    try {
      const text = await this.virsh.run(['iface-dumpxml', `--interface=${name}`], { signal });
      return parseXml(text).attribute('type') === 'bridge';
    } catch (thrown) {
      if (isErrorKind(thrown, 'not_found')) return false;
      if (isErrorKind(thrown, 'failed_precondition')) return undefined;
      throw thrown;
    }
  }

  /** Refuses a pool that is not there, naming those that are, and one that is not active. */
  async pool(name: string, signal: AbortSignal): Promise<Pool> {
    const asked = `--pool=${quote(name)}`;
    const text = await this.#answerOf([`pool-dumpxml ${asked}; pool-info ${asked}`], signal);
    if (text === undefined) throw poolMissing(name, await this.names('pool', 'all', signal));
    const end = text.indexOf(END_OF_POOL) + END_OF_POOL.length;
    if (!/^State:\s+running$/m.test(text.slice(end))) throw poolInactive(name);
    const xml = parseXml(text.slice(0, end));
    return {
      name,
      type: xml.attribute('type') ?? 'unknown',
      path: xml.child('target')?.textOf('path'),
    };
  }

  /** Undefined when libvirt has nothing so named. */
  async #answerOf(
    args: readonly [string, ...string[]],
    signal: AbortSignal,
  ): Promise<string | undefined> {
    try {
      return await this.virsh.run(args, { signal });
    } catch (thrown) {
      if (isErrorKind(thrown, 'not_found')) return undefined;
      throw thrown;
    }
  }
}

/** For several commands in one argument, which virsh takes apart itself. */
function quote(value: string): string {
  return `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** virsh takes digits alone for the number of a running domain, and 36 characters for a UUID. */
function isPlainName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && !/^\d+$/.test(name) && name.length !== 36;
}

function ownerIn(metadata: string): string | undefined {
  return parseXml(metadata).attribute('owner');
}

function parseDomains(text: string): readonly KnownDomain[] {
  return text.split('\n').flatMap((line) => {
    const [uuid = '', ...rest] = line.trimStart().split(' ');
    return UUID.test(uuid) ? [{ uuid, name: rest.join(' ').trim() }] : [];
  });
}

function poolMissing(name: string, all: readonly string[]): DroverError {
  const there = all.length === 0 ? 'it has none' : `it has ${all.slice(0, 20).join(', ')}`;
  return new DroverError('failed_precondition', `libvirt has no storage pool ${name}; ${there}`, {
    reason: 'POOL_MISSING',
    metadata: {
      pool: name,
      remedy: 'name one of them, a directory, or make the pool with virsh pool-define-as',
    },
  });
}

function poolInactive(name: string): DroverError {
  return new DroverError('failed_precondition', `the storage pool ${name} is not active`, {
    reason: 'POOL_INACTIVE',
    metadata: { pool: name, remedy: `start it: virsh pool-start ${name}` },
  });
}
