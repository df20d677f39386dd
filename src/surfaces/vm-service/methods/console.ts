import type { HandlerContext } from '@connectrpc/connect';
import type { ConsoleRequest } from '#gen/drover/v1/machines_pb.js';
import { isErrorKind } from '#kernel/errors.ts';
import type { Principal } from '#access/principal.ts';
import type { Machine } from '#machines/machine.ts';
import { callerOf } from '#surfaces/edge/rpc/rpc-authentication.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';
import { parseVmId } from './parse-vm-id.ts';

/** Sent one at a time, each only when the one before was taken: memory stays at one of them. */
const CHUNK_BYTES = 64 * 1024;

export function console({ machines }: VmServiceParts) {
  return async function* (request: ConsoleRequest, context: HandlerContext) {
    const principal = callerOf(context);
    const machine = await machines.get(principal, parseVmId(request.vmId));
    const log = await machines.console(principal, machine.id);
    let offset = Number(request.offset);
    for (;;) {
      const { data, nextOffset, ...chunk } = await log.read(offset, CHUNK_BYTES);
      // After the read, so that what was read is known to be this machine's: when it is deleted,
      // its id may be somebody else's next.
      if (!(await isStillThere(machines, principal, machine))) return;
      offset = nextOffset;
      if (data.length > 0) {
        yield {
          offset: BigInt(chunk.offset),
          data,
          nextOffset: BigInt(nextOffset),
          truncated: chunk.isTruncated,
        };
      } else if (request.follow) await log.changed(context.signal);
      else return;
    }
  };
}

async function isStillThere(
  machines: VmServiceParts['machines'],
  principal: Principal,
  { id, createdAt }: Machine,
): Promise<boolean> {
  try {
    return (await machines.get(principal, id)).createdAt === createdAt;
  } catch (thrown) {
    if (isErrorKind(thrown, 'not_found')) return false;
    throw thrown;
  }
}
