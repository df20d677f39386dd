/**
 * `GET /v1/abilities`: what machines may be made of here, and what the caller may do. For whoever
 * is about to send something large, and wants to know before whether it will be taken.
 */
import type { FastifyInstance } from 'fastify';
import { mayChange } from '#access/principal.ts';
import { EXTENTS_TYPE } from '#machines/disk-extents.ts';
import { DISK_FORMATS } from '#machines/disk.ts';
import { DISK_BUSES, NIC_MODELS } from '#machines/machine-spec.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { parseCustomer } from './parse-disk.ts';

export function registerAbilities(
  app: FastifyInstance,
  { disks, hasUefi }: VmServiceParts,
  version: string,
): void {
  app.get('/v1/abilities', async (request) => {
    const principal = principalOf(request);
    const room = await disks.room(principal, parseCustomer(request));
    return {
      ...{ version, may_change: mayChange(principal) },
      firmware: (await hasUefi()) ? ['bios', 'uefi'] : ['bios'],
      upload_types: ['application/octet-stream', EXTENTS_TYPE],
      ...{ disk_formats: DISK_FORMATS, disk_interfaces: DISK_BUSES, nic_models: NIC_MODELS },
      disks: {
        ...{ count: room.disks, max_count: finite(room.maxDisks), bytes: room.bytes },
        ...{ max_bytes: finite(room.maxBytes), available_bytes: room.availableBytes },
      },
    };
  });
}

/** Null is no limit. */
function finite(limit: number): number | null {
  return limit === Infinity ? null : limit;
}
