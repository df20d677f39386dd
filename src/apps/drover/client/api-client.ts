/** The clients of the API that the commands use. Failures come out as DroverErrors. */
import { createClient } from '@connectrpc/connect';
import type { Client } from '@connectrpc/connect';

import type { Invocation } from '#apps/drover/command.ts';
import { Machines } from '#gen/drover/v1/machines_pb.js';
import { VmService } from '#gen/vmprovisioner/v1/vm_pb.js';
import { toDroverError } from '#kernel/errors.ts';
import { apiErrorToDrover } from './api-error.ts';
import { readServerTarget } from './server-target.ts';

export interface ApiClient {
  readonly vms: Client<typeof VmService>;
  readonly machines: Client<typeof Machines>;
  readonly url: string;
  /** Awaits one answer; a failure says which server it is about. */
  call<T>(answer: Promise<T>): Promise<T>;
}

export async function openApiClient(
  { options, env, connect, signal }: Invocation,
  role: 'customer' | 'operator' = 'customer',
): Promise<ApiClient> {
  const target = await readServerTarget(options, env, role);
  const transport = await connect(target);
  const { url } = target;
  return {
    vms: createClient(VmService, transport),
    machines: createClient(Machines, transport),
    url,
    async call(answer) {
      try {
        return await answer;
      } catch (thrown) {
        throw callError(thrown, { url, signal });
      }
    },
  };
}

/** Whatever a call throws once the user pressed Ctrl-C, the user's reason is the true one. */
export function callError(
  thrown: unknown,
  { url, signal }: { readonly url: string; readonly signal: AbortSignal },
) {
  return signal.aborted ? toDroverError(signal.reason) : apiErrorToDrover(thrown, url);
}
