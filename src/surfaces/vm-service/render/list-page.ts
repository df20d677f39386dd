/** One page of a listing, the same over RPC and REST. */
import { customerScopeOf, type Principal } from '#access/principal.ts';
import type { MachineState } from '#machines/machine.ts';
import { createPageToken, parsePageSize, parsePageToken } from '#surfaces/edge/paging.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { vmRowToWire } from './vm-info.ts';

export interface PageRequest {
  readonly states: readonly MachineState[];
  readonly pageSize: unknown;
  readonly pageToken: unknown;
}

export async function listPage(
  parts: VmServiceParts,
  principal: Principal,
  { states, pageSize, pageToken }: PageRequest,
) {
  // A token goes on with the listing it came from; with another filter it would mean nothing.
  const filter = `${customerScopeOf(principal) ?? '*'}|${states.toSorted().join(',')}`;
  const page = await parts.machines.list(principal, {
    states,
    limit: parsePageSize(pageSize),
    position: parsePageToken(pageToken, filter) ?? { kind: 'start' },
  });
  const last = page.machines.at(-1);
  return {
    vms: page.machines.map((machine) => vmRowToWire(parts, machine)),
    nextPageToken: page.hasMore && last !== undefined ? createPageToken(last, filter) : '',
    totalCount: page.total,
  };
}
