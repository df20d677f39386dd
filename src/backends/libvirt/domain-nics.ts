/** The NICs of a domain, on networks of libvirt or on bridges of its host. */
import { xmlNode, type XmlNode } from '#kernel/xml-writer.ts';
import type { TargetNic } from '#transfers/target.ts';
import type { MachineKind } from './host-abilities.ts';

export type NicPlace =
  | { readonly kind: 'network'; readonly name: string }
  | { readonly kind: 'bridge'; readonly name: string }
  /** QEMU's own NAT, which needs no rights: the guest reaches out, nobody reaches in. */
  | { readonly kind: 'user' };

export function nicNode(
  nic: TargetNic,
  place: NicPlace | undefined,
  machine: MachineKind,
): XmlNode {
  if (place === undefined) throw new RangeError(`${nic.mac} has no place`);
  // Without PCI Express there is no e1000e; every system that knows it knows its elder as well.
  const model = machine === 'pc' && nic.model === 'e1000e' ? 'e1000' : nic.model;
  return xmlNode(
    'interface',
    { type: place.kind },
    sourceNode(place),
    xmlNode('mac', { address: nic.mac }),
    xmlNode('model', { type: model }),
    nic.isConnected ? undefined : xmlNode('link', { state: 'down' }),
  );
}

function sourceNode(place: NicPlace): XmlNode | undefined {
  switch (place.kind) {
    case 'network':
      return xmlNode('source', { network: place.name });
    case 'bridge':
      return xmlNode('source', { bridge: place.name });
    case 'user':
      return undefined;
  }
}
