/**
 * The bridge the guests' taps are ports of. It stays when Drover ends, as the machines do; opening
 * it again finds it and puts right what differs from the plan.
 */
import { createHash } from 'node:crypto';

import { DroverError } from '#kernel/errors.ts';
import { isIpAddress, networkOf, parseIpAddress } from '#kernel/ip-address.ts';
import type { HostTools } from './host-tools.ts';
import { membersOf, property, textProperty } from './json-shape.ts';
import { machineOfAlias } from './port-names.ts';
import { overlaps } from './subnet.ts';
import type { Subnet } from './subnet.ts';
import type { TapNetworkPlan } from './tap-network-options.ts';

const BRIDGE_ALIAS = 'drover';

export async function openHostBridge(
  tools: HostTools,
  plan: TapNetworkPlan,
  signal: AbortSignal,
): Promise<void> {
  const addresses = await tools.list(['addr', 'show'], signal);
  refuseOverlap(addresses, plan);
  const found = (await tools.links([plan.bridge], signal))[0];
  const isOurs = found === undefined || isOurBridge(found, plan);
  if (!isOurs) refuseForeign(found, plan);
  await tools.batch(
    'ip',
    [
      ...(found === undefined ? [creation(plan)] : []),
      ...(isOurs ? [`link set dev ${plan.bridge} alias ${BRIDGE_ALIAS}`] : []),
      ...(isOurs ? staleAddresses(addresses, plan) : []),
      `addr replace ${plan.ipv4.gateway}/${plan.ipv4.prefixLength} dev ${plan.bridge}`,
      // Without a port there is no carrier, and looking for a duplicate would never end.
      ...(plan.ipv6 === undefined
        ? []
        : [`addr replace ${plan.ipv6.gateway}/${plan.ipv6.prefixLength} dev ${plan.bridge} nodad`]),
      `link set dev ${plan.bridge} up`,
      ...(await portFlags(tools, plan, signal)),
    ],
    { signal },
  );
  if (isOurs) await refuseRouters(tools, plan, signal);
  if (plan.masquerade) {
    const args = ['/proc/sys/net/ipv4/ip_forward'];
    await tools.run('tee', { args, stdin: '1\n' }, signal);
  }
}

/** How a tap keeps to itself. Guests are where their MAC says, so nothing has to be learned. */
export function portFlagsOf({ isolation }: Pick<TapNetworkPlan, 'isolation'>): string {
  return `isolated ${isolation === 'machine' ? 'on' : 'off'} learning off flood off`;
}

function creation(plan: TapNetworkPlan): string {
  // A fixed address: otherwise it changes with the ports, and guests lose their gateway.
  const address = bridgeMac(plan);
  return `link add name ${plan.bridge} address ${address} type bridge mcast_snooping 0`;
}

function bridgeMac({ hostId, bridge }: TapNetworkPlan): string {
  const digits = createHash('sha256').update(`bridge\n${hostId}\n${bridge}`).digest('hex');
  return `02:${(digits.slice(0, 10).match(/../g) ?? []).join(':')}`;
}

/** By its alias, or by its MAC if Drover was killed before it could set that. */
function isOurBridge(link: unknown, plan: TapNetworkPlan): boolean {
  const kind = textProperty(property(link, 'linkinfo'), 'info_kind');
  if (kind !== 'bridge') return false;
  const alias = textProperty(link, 'ifalias');
  if (alias === undefined) return textProperty(link, 'address') === bridgeMac(plan);
  return alias === BRIDGE_ALIAS;
}

function refuseForeign(link: unknown, plan: TapNetworkPlan): void {
  const kind = textProperty(property(link, 'linkinfo'), 'info_kind') ?? 'network device';
  if (kind === 'bridge' && plan.adoptBridge) return;
  const advice =
    kind === 'bridge' ? 'choose another name, or allow it to be adopted' : 'choose another name';
  throw new DroverError(
    'failed_precondition',
    `the ${kind} ${plan.bridge} exists and was not made by Drover; ${advice}`,
    { reason: 'BRIDGE_NOT_OURS', metadata: { bridge: plan.bridge } },
  );
}

function subnetsOf(plan: TapNetworkPlan): Subnet[] {
  return plan.ipv6 === undefined ? [plan.ipv4] : [plan.ipv4, plan.ipv6];
}

function refuseOverlap(links: readonly unknown[], plan: TapNetworkPlan): void {
  for (const link of links) {
    const device = textProperty(link, 'ifname') ?? '';
    if (device === plan.bridge) continue;
    for (const { local, prefixLength } of addressesOf(link)) {
      const network = networkOf(parseIpAddress('address', local), prefixLength);
      const subnet = subnetsOf(plan).find(({ range }) => overlaps(range, network));
      if (subnet === undefined) continue;
      const taken = `${local}/${prefixLength} of ${device}`;
      throw new DroverError(
        'failed_precondition',
        `the network ${subnet.cidr} for guests overlaps this host's ${taken}; choose another`,
        { reason: 'SUBNET_OVERLAP', metadata: { subnet: subnet.cidr, device } },
      );
    }
  }
}

/** What an earlier plan gave our bridge. */
function staleAddresses(links: readonly unknown[], plan: TapNetworkPlan): string[] {
  const bridge = links.find((link) => textProperty(link, 'ifname') === plan.bridge);
  const wanted = subnetsOf(plan).map((subnet) => `${subnet.gateway}/${subnet.prefixLength}`);
  return addressesOf(bridge)
    .filter(({ scope }) => scope === 'global')
    .map(({ local, prefixLength }) => `${local}/${prefixLength}`)
    .filter((address) => !wanted.includes(address))
    .map((address) => `addr del ${address} dev ${plan.bridge}`);
}

interface FoundAddress {
  readonly local: string;
  readonly prefixLength: number;
  readonly scope: string | undefined;
}

function addressesOf(link: unknown): FoundAddress[] {
  return membersOf(property(link, 'addr_info')).flatMap((info) => {
    const local = textProperty(info, 'local');
    const prefixLength = property(info, 'prefixlen');
    if (local === undefined || !isIpAddress(local) || typeof prefixLength !== 'number') return [];
    return [{ local, prefixLength, scope: textProperty(info, 'scope') }];
  });
}

/** Running guests' taps follow a changed isolation at once. */
async function portFlags(
  tools: HostTools,
  plan: TapNetworkPlan,
  signal: AbortSignal,
): Promise<string[]> {
  const { isSuccess, stdout } = await tools.run(
    'ip',
    { args: ['-j', 'link', 'show', 'master', plan.bridge], mayFail: true },
    signal,
  );
  // It fails while there is no such bridge, which then has no ports.
  const links = isSuccess ? membersOf(JSON.parse(stdout === '' ? '[]' : stdout)) : [];
  return links.flatMap((link) => {
    const device = textProperty(link, 'ifname');
    const owner = machineOfAlias(textProperty(link, 'ifalias') ?? '', plan.bridge);
    if (device === undefined || owner === undefined) return [];
    return [`link set dev ${device} type bridge_slave ${portFlagsOf(plan)}`];
  });
}

/** A guest must not become the host's router; without IPv6 there is nothing to turn off. */
async function refuseRouters(
  tools: HostTools,
  { bridge }: TapNetworkPlan,
  signal: AbortSignal,
): Promise<void> {
  const args = [`/proc/sys/net/ipv6/conf/${bridge}/accept_ra`];
  await tools.run('tee', { args, stdin: '0\n', mayFail: true }, signal);
}
