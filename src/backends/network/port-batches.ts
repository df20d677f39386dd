/** The lines for `ip`, `bridge` and `tc` that make a NIC's devices what they should be. */
import type { NicSpec } from '#machines/machine-spec.ts';
import { portFlagsOf } from './host-bridge.ts';
import type { PortNames } from './port-names.ts';
import { tokenBucketArgs, tokenBucketOf } from './rate-limit.ts';
import type { TapNetworkPlan } from './tap-network-options.ts';

export interface Port extends PortNames {
  readonly nic: NicSpec;
  readonly alias: string;
}

/** What `ip link show` said of a device; undefined: it does not exist. */
export interface FoundLink {
  readonly qdisc: string | undefined;
  /** It has a carrier: a guest has it open. */
  readonly isOpen: boolean;
}

export interface FoundPort {
  readonly tap: FoundLink | undefined;
  readonly shaper: FoundLink | undefined;
}

function tapCreation(port: Port, { tapOwner }: TapNetworkPlan): string {
  const owner = tapOwner === undefined ? '' : ` user ${tapOwner.uid} group ${tapOwner.gid}`;
  return `tuntap add dev ${port.tap} mode tap${owner} vnet_hdr`;
}

/** All but bringing the tap up, which waits until its rules are in force. */
export function linkLines(port: Port, found: FoundPort, plan: TapNetworkPlan): string[] {
  // The host keeps no address of its own on a port, so that it does not speak to the guest there.
  const settings = `alias ${port.alias} addrgenmode none`;
  const needsShaper = port.nic.txLimit !== undefined;
  return [
    // One that nobody has open may be of another owner, or half made: it is made anew.
    ...(found.tap?.isOpen === false ? [`link del dev ${port.tap}`] : []),
    ...(found.tap?.isOpen === true ? [] : [tapCreation(port, plan)]),
    `link set dev ${port.tap} ${settings} master ${plan.bridge}`,
    `link set dev ${port.tap} type bridge_slave ${portFlagsOf(plan)}`,
    ...(needsShaper && found.shaper === undefined ? [`link add name ${port.shaper} type ifb`] : []),
    ...(needsShaper ? [`link set dev ${port.shaper} ${settings} up`] : []),
  ];
}

/**
 * What goes to the guest waits at the tap. What comes from it is led through a device of its own
 * and waits there: a queue is kinder to TCP than dropping whatever exceeds the rate.
 */
export function limitLines(port: Port, found: FoundPort): string[] {
  const { tap, shaper, nic } = port;
  const lines: string[] = [];
  if (nic.rxLimit !== undefined) {
    const bucket = tokenBucketArgs(tokenBucketOf(nic.rxLimit));
    lines.push(`qdisc replace dev ${tap} root ${bucket}`);
  } else if (found.tap?.isOpen === true && found.tap.qdisc === 'tbf') {
    lines.push(`qdisc del dev ${tap} root`);
  }
  if (nic.txLimit !== undefined) {
    const bucket = tokenBucketArgs(tokenBucketOf(nic.txLimit));
    lines.push(
      `qdisc replace dev ${shaper} root ${bucket}`,
      `qdisc replace dev ${tap} clsact`,
      `filter replace dev ${tap} ingress protocol all prio 1 handle 800::800 ` +
        `u32 match u32 0 0 action mirred egress redirect dev ${shaper}`,
    );
  } else if (found.tap?.isOpen === true && found.shaper !== undefined) {
    lines.push(`qdisc del dev ${tap} clsact`);
  }
  return lines;
}

/** An address that is another port's already is refused by the kernel. */
export function macLine(port: Port): string {
  return `fdb add ${port.nic.mac} dev ${port.tap} master static`;
}
