/**
 * Gives each NIC a tap on a bridge of the host. All state is the kernel's: names follow from ids,
 * devices carry their owner in their alias, and every step finds out what is there before it acts.
 *
 *     attach:  create, enslave (down) ──▶ firewall ∥ rate limits ∥ MAC ──▶ up
 *     detach:  delete devices ──▶ check that they are gone ──▶ firewall
 *
 * Killed at any point, attach or detach can be run again and ends the same.
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';

import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { canonicalAddress } from '#kernel/ip-address.ts';
import type { MachineId } from '#kernel/ids.ts';
import type {
  AttachRequest,
  HostNetwork,
  LeaseRequest,
  NicAttachment,
} from '#machines/host-network.ts';
import type { NicSpec } from '#machines/machine-spec.ts';
import { Firewall } from './firewall.ts';
import type { PortRules } from './firewall-rules.ts';
import { openHostBridge } from './host-bridge.ts';
import { HostTools, parseJsonDocuments } from './host-tools.ts';
import { membersOf, property, textProperty } from './json-shape.ts';
import { planNicLeases } from './lease-plan.ts';
import { limitLines, linkLines, macLine } from './port-batches.ts';
import type { FoundLink, FoundPort, Port } from './port-batches.ts';
import { machineOfAlias, portAlias, portNames, tenantMarks } from './port-names.ts';
import { planTapNetwork } from './tap-network-options.ts';
import type { TapNetworkOptions, TapNetworkPlan } from './tap-network-options.ts';

const TUN_DEVICE = '/dev/net/tun';
/** The kernel takes some 20 ms for each, and a call has a deadline. */
const REMOVALS_A_CALL = 100;

export async function openTapNetwork(
  options: TapNetworkOptions,
  signal: AbortSignal,
): Promise<TapNetwork> {
  const plan = planTapNetwork(options);
  const tools = new HostTools(options.clock, options.netns);
  await openHostBridge(tools, plan, signal);
  await requireTunDevice();
  const firewall = await Firewall.open(tools, plan, signal);
  if (firewall.unenforcedBecause !== undefined) {
    options.log.warn({ why: firewall.unenforcedBecause }, 'guests can send under false addresses');
  }
  return new TapNetwork({ plan, tools, firewall, log: options.log });
}

async function requireTunDevice(): Promise<void> {
  try {
    await access(TUN_DEVICE, constants.R_OK | constants.W_OK);
  } catch (thrown) {
    const isMissing = systemErrorCode(thrown) === 'ENOENT';
    const problem = isMissing ? 'is missing' : 'may not be opened by this user';
    throw new DroverError(
      'failed_precondition',
      `network mode tap needs ${TUN_DEVICE}, which ${problem}; put that right, or use mode user`,
      { reason: 'TUN_UNAVAILABLE', cause: thrown },
    );
  }
}

interface TapNetworkParts {
  readonly plan: TapNetworkPlan;
  readonly tools: HostTools;
  readonly firewall: Firewall;
  readonly log: Log;
}

export class TapNetwork implements HostNetwork {
  readonly mode = 'tap';
  readonly #plan: TapNetworkPlan;
  readonly #tools: HostTools;
  readonly #firewall: Firewall;
  readonly #log: Log;
  /** Attached by this process: never swept, and what their rules are if those get lost. */
  readonly #attached = new Map<MachineId, readonly PortRules[]>();

  constructor({ plan, tools, firewall, log }: TapNetworkParts) {
    this.#plan = plan;
    this.#tools = tools;
    this.#firewall = firewall;
    this.#log = log;
  }

  planLeases(nics: readonly NicSpec[], fields: readonly string[]): readonly LeaseRequest[] {
    return nics.flatMap((nic, index) =>
      planNicLeases(nic, fields[index] ?? `network[${index}]`, this.#plan),
    );
  }

  tapName(machineId: MachineId, nicId: string): string {
    return portNames(machineId, nicId).tap;
  }

  async attach(request: AttachRequest, signal: AbortSignal): Promise<readonly NicAttachment[]> {
    const ports = request.nics.map((nic) => this.#portOf(request.machineId, nic));
    const rules = ports.map((port) => portRulesOf(port, request));
    this.#attached.set(request.machineId, rules);
    const found = await this.#find(ports, signal);
    await this.#createLinks(ports, found, signal);
    await Promise.all([
      this.#firewall.add(rules, signal),
      this.#limit(ports, found, signal),
      this.#claimMacs(ports, signal),
    ]);
    const up = ports.map(({ tap }) => `link set dev ${tap} up`);
    await this.#tools.batch('ip', up, { signal });
    return ports.map(({ nic, tap }) => ({
      kind: 'tap',
      nic: nic.dnsServers.length > 0 ? nic : { ...nic, dnsServers: this.#plan.dnsServers },
      tapDevice: tap,
      bridge: this.#plan.bridge,
      leases: request.leases.filter(({ nicId }) => nicId === nic.id),
    }));
  }

  async detach(machineId: MachineId, nics: readonly NicSpec[], signal: AbortSignal): Promise<void> {
    const ports = nics.map((nic) => this.#portOf(machineId, nic));
    const devices = await this.#tools.links(deviceNames(ports), signal);
    const ours = devices.filter((link) => ports.some((port) => belongsTo(port, link)));
    await this.#removeLinks(namesOf(ours), signal);
    await this.#firewall.remove(
      ports.map(({ tap }) => tap),
      signal,
    );
    this.#attached.delete(machineId);
  }

  async sweep(known: readonly MachineId[], signal: AbortSignal): Promise<readonly string[]> {
    const kept = new Set([...known, ...this.#attached.keys()]);
    // Rules are read before devices: a device is made before its rules, so a rule without one
    // belongs to something that is gone, not to something that is just being made.
    const ruled = [...((await this.#firewall.ruledTaps(signal)) ?? [])];
    const links = await this.#ownLinks(signal);
    const stray = namesWhere(links, ({ machineId }) => !kept.has(machineId));
    await this.#removeLinks(stray, signal);
    const remaining = new Set(namesWhere(links, ({ name }) => !stray.includes(name)));
    await this.#firewall.remove(
      ruled.filter((tap) => !remaining.has(tap)),
      signal,
    );
    return stray.filter((name) => isTap(name));
  }

  async health(
    signal: AbortSignal,
  ): Promise<{ readonly isHealthy: boolean; readonly message: string }> {
    const { bridge } = this.#plan;
    const link = (await this.#tools.links([bridge], signal))[0];
    if (!hasFlag(link, 'UP')) {
      const message = `the bridge ${bridge} is gone or down; restart Drover to make it anew`;
      return { isHealthy: false, message };
    }
    const why = this.#firewall.unenforcedBecause;
    if (why !== undefined) {
      return {
        isHealthy: true,
        message: `bridge ${bridge} is up; guests' source addresses are not enforced: ${why}`,
      };
    }
    const unruled = await this.#restoreRules(signal);
    if (unruled > 0) {
      const lost = `${unruled} taps on ${bridge} lost their firewall rules`;
      const message = `${lost}; shut their machines down and boot them again`;
      return { isHealthy: false, message };
    }
    return { isHealthy: true, message: `bridge ${bridge} is up` };
  }

  /** Somebody may empty the host's firewall under us. Says how many taps stay without rules. */
  async #restoreRules(signal: AbortSignal): Promise<number> {
    const ruled = await this.#firewall.ruledTaps(signal);
    const ports = await this.#tools.list(['link', 'show', 'master', this.#plan.bridge], signal);
    const taps = this.#owned(ports.filter((link) => hasFlag(link, 'UP')));
    const bare = taps.filter(({ name }) => ruled?.has(name) !== true);
    if (bare.length === 0 && ruled !== undefined) return 0;
    const lost = bare.flatMap(
      ({ machineId, name }) =>
        this.#attached.get(machineId)?.filter(({ tap }) => tap === name) ?? [],
    );
    await this.#firewall.restore(lost, signal);
    if (lost.length > 0) {
      const taken = { taps: lost.map(({ tap }) => tap) };
      this.#log.warn(taken, 'firewall rules of guests had been removed; put them back');
    }
    return bare.length - lost.length;
  }

  #portOf(machineId: MachineId, nic: NicSpec): Port {
    const alias = portAlias(this.#plan.bridge, machineId, nic.id);
    return { ...portNames(machineId, nic.id), nic, alias };
  }

  async #find(ports: readonly Port[], signal: AbortSignal): Promise<readonly FoundPort[]> {
    const links = new Map<string | undefined, FoundLink>();
    for (const link of await this.#tools.links(deviceNames(ports), signal)) {
      const name = textProperty(link, 'ifname');
      const port = ports.find(({ tap, shaper }) => name === tap || name === shaper);
      if (port !== undefined && !belongsTo(port, link)) throw notOurs(port);
      const isOpen = hasFlag(link, 'LOWER_UP');
      links.set(name, { qdisc: textProperty(link, 'qdisc'), isOpen });
    }
    return ports.map(({ tap, shaper }) => ({ tap: links.get(tap), shaper: links.get(shaper) }));
  }

  async #createLinks(
    ports: readonly Port[],
    found: readonly FoundPort[],
    signal: AbortSignal,
  ): Promise<void> {
    const lines = ports.flatMap((port, index) =>
      linkLines(port, foundAt(found, index), this.#plan),
    );
    await this.#tools.batch('ip', lines, { signal });
  }

  async #limit(
    ports: readonly Port[],
    found: readonly FoundPort[],
    signal: AbortSignal,
  ): Promise<void> {
    const lines = ports.flatMap((port, index) => limitLines(port, foundAt(found, index)));
    await this.#tools.batch('tc', lines, { signal });
    const idle = ports
      .filter(({ nic }, index) => nic.txLimit === undefined && found[index]?.shaper !== undefined)
      .map(({ shaper }) => `link del dev ${shaper}`);
    await this.#tools.batch('ip', idle, { signal });
  }

  /** Two guests with one MAC on a bridge would get each other's frames. */
  async #claimMacs(ports: readonly Port[], signal: AbortSignal): Promise<void> {
    const lines = ports.map((port) => macLine(port));
    if ((await this.#tools.batch('bridge', lines, { signal, mayFail: true })).isSuccess) return;
    for (const { nic, tap } of ports) {
      const holder = await this.#macHolder(nic.mac, signal);
      if (holder === tap) continue;
      throw new DroverError(
        'failed_precondition',
        `the MAC address ${nic.mac} of NIC ${nic.id} is in use on this host already; use another`,
        { reason: 'MAC_IN_USE', metadata: { mac: nic.mac }, context: { tap, holder } },
      );
    }
  }

  async #macHolder(mac: string, signal: AbortSignal): Promise<string | undefined> {
    const args = ['-j', 'fdb', 'show', 'br', this.#plan.bridge];
    const { stdout } = await this.#tools.run('bridge', { args }, signal);
    const entry = parseJsonDocuments(stdout).find((found) => textProperty(found, 'mac') === mac);
    return textProperty(entry, 'ifname');
  }

  async #removeLinks(names: readonly string[], signal: AbortSignal): Promise<void> {
    if (names.length === 0) return;
    const lines = names.map((name) => `link del dev ${name}`);
    for (let at = 0; at < lines.length; at += REMOVALS_A_CALL) {
      const some = lines.slice(at, at + REMOVALS_A_CALL);
      await this.#tools.batch('ip', some, { signal, mayFail: true });
    }
    const left = namesOf(await this.#tools.links(names, signal));
    if (left.length === 0) return;
    throw new DroverError(
      'unavailable',
      `network devices could not be removed: ${left.join(', ')}; it will be tried again`,
      { reason: 'TEARDOWN_INCOMPLETE', metadata: { devices: left.join(',') } },
    );
  }

  /** The taps and shapers of this bridge, whoever attached them. */
  async #ownLinks(signal: AbortSignal): Promise<readonly OwnLink[]> {
    const kinds = ['tun', 'ifb'].map((kind) =>
      this.#tools.list(['link', 'show', 'type', kind], signal),
    );
    return this.#owned((await Promise.all(kinds)).flat());
  }

  #owned(links: readonly unknown[]): OwnLink[] {
    return links.flatMap((link) => {
      const name = textProperty(link, 'ifname');
      const machineId = machineOfAlias(textProperty(link, 'ifalias') ?? '', this.#plan.bridge);
      return name === undefined || machineId === undefined ? [] : [{ name, machineId }];
    });
  }
}

interface OwnLink {
  readonly name: string;
  readonly machineId: MachineId;
}

/** Not a shaper. */
function isTap(name: string): boolean {
  return /^dt[0-9a-f]{12}$/.test(name);
}

function namesWhere(links: readonly OwnLink[], isWanted: (link: OwnLink) => boolean): string[] {
  return links.filter(isWanted).map(({ name }) => name);
}

function foundAt(found: readonly FoundPort[], index: number): FoundPort {
  return found[index] ?? { tap: undefined, shaper: undefined };
}

function deviceNames(ports: readonly Port[]): string[] {
  return ports.flatMap(({ tap, shaper }) => [tap, shaper]);
}

function namesOf(links: readonly unknown[]): string[] {
  return links.map((link) => textProperty(link, 'ifname')).filter((name) => name !== undefined);
}

function hasFlag(link: unknown, flag: string): boolean {
  return membersOf(property(link, 'flags')).includes(flag);
}

/** No alias: Drover was killed between making the device and marking it. */
function belongsTo(port: Port, link: unknown): boolean {
  const alias = textProperty(link, 'ifalias');
  return alias === undefined || alias === port.alias;
}

function notOurs({ tap }: Port): DroverError {
  return new DroverError(
    'failed_precondition',
    `the host has a device ${tap} that belongs to something else; remove it first`,
    { reason: 'TAP_NOT_OURS', metadata: { device: tap } },
  );
}

function portRulesOf(port: Port, { leases, customerId }: AttachRequest): PortRules {
  const { mac, id } = port.nic;
  // It becomes part of a text that nft reads, so this is checked where it is used.
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) {
    throw new DroverError('internal', 'a NIC has no usable MAC address', { context: { mac } });
  }
  const addresses = (family: 4 | 6) =>
    leases
      .filter((lease) => lease.nicId === id && lease.family === family)
      .map((lease) => canonicalAddress('lease', lease.address));
  return {
    tap: port.tap,
    mac,
    ipv4: addresses(4),
    ipv6: addresses(6),
    marks: tenantMarks(customerId),
  };
}
