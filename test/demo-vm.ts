/** Machines of the demo image over the API: their configuration, their console, their events. */
import assert from 'node:assert/strict';

import { createClient } from '@connectrpc/connect';
import type { Client } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';

import { Machines } from '#gen/drover/v1/machines_pb.js';
import type { WatchResponse } from '#gen/drover/v1/machines_pb.js';
import { ask, call, CUSTOMER, OPERATOR, type Json } from '#test/api-client.ts';

interface Server {
  readonly url: string;
}

interface DemoOptions {
  readonly id?: string;
  readonly token?: string;
  /** Instead of Linux: see test/bare-kernel.ts. */
  readonly guest?: 'bare' | 'deaf';
  /** Kernel arguments beyond what the image needs, such as `demo.ticks`. */
  readonly args?: string;
  /** A script the guest runs when it is up. */
  readonly script?: string;
  readonly memoryMib?: number;
  /** Disks beside the root. */
  readonly disks?: readonly Json[];
  readonly network?: readonly Json[];
  readonly config?: Json;
}

/** For tests to which their guest is all one: it is ready at once, and hears the power button. */
export const BARE: DemoOptions = { guest: 'bare' };
/** The same, and it hears nothing. */
export const DEAF: DemoOptions = { guest: 'deaf' };

export const READY = /drover-demo ready: [^\n]*\n/;
const ROOT = '/assets/demo/rootfs.ext4';

export function demoConfig(options: DemoOptions = {}): Json {
  const { guest, memoryMib = 128, disks = [], network = [], config = {} } = options;
  return {
    cpu: { vcpu_count: 1 },
    memory: { size_bytes: memoryMib * 1024 * 1024 },
    boot: guest === undefined ? bootLinux(options) : { kernel_path: `/assets/${guest}` },
    storage: [{ device_id: 'rootfs', path_on_host: ROOT, is_root_device: true }, ...disks],
    network,
    ...config,
  };
}

function bootLinux({ args = '', script }: DemoOptions): Json {
  const run = script === undefined ? '' : `demo.run=${Buffer.from(script).toString('base64')}`;
  const fixed = 'console=ttyS0 reboot=k panic=1 quiet cryptomgr.notests root=/dev/vda rw';
  return {
    kernel_path: '/assets/demo/vmlinuz',
    initrd_path: '/assets/demo/initrd.img',
    kernel_args: [fixed, args, run].filter((words) => words !== '').join(' '),
  };
}

/** Creates one and answers its id. */
export async function createDemo(server: Server, options: DemoOptions = {}): Promise<string> {
  const { id = '', token = CUSTOMER } = options;
  const request = { vm_id: id, config: demoConfig(options) };
  return (await ask(server, 'CreateVm', request, token)).vm_id;
}

/** Creates and boots one, and returns when the guest says that it is ready. */
export async function runDemo(server: Server, options: DemoOptions = {}): Promise<string> {
  const { token = CUSTOMER } = options;
  const vmId = await createDemo(server, options);
  await ask(server, 'BootVm', { vm_id: vmId }, token);
  await consoleSays(server, vmId, READY, { token });
  return vmId;
}

export async function infoOf(server: Server, vmId: string, token = OPERATOR): Promise<Json> {
  return await ask(server, 'GetVmInfo', { vm_id: vmId }, token);
}

export async function stateOf(server: Server, vmId: string): Promise<string> {
  return (await infoOf(server, vmId)).state;
}

/** A call that is to be refused: its error. */
export async function refused(
  server: Server,
  method: string,
  body: Json,
  token = CUSTOMER,
): Promise<Json> {
  const answer = await call(server, method, body, token);
  assert.notEqual(answer.status, 200, `${method} was not refused: ${answer.text}`);
  return { ...answer, ...answer.json, reason: answer.json?.details?.[0]?.reason };
}

export function machinesClient(server: Server): Client<typeof Machines> {
  return createClient(
    Machines,
    createConnectTransport({ baseUrl: server.url, httpVersion: '1.1', useBinaryFormat: true }),
  );
}

export const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

/** All that is on the console now. */
export async function readConsole(
  server: Server,
  vmId: string,
  { token = CUSTOMER, offset = 0 }: { readonly token?: string; readonly offset?: number } = {},
): Promise<{ readonly text: string; readonly nextOffset: number }> {
  const chunks: Uint8Array[] = [];
  let nextOffset = offset;
  const request = { vmId, offset: BigInt(offset), follow: false };
  for await (const chunk of machinesClient(server).console(request, bearer(token))) {
    chunks.push(chunk.data);
    nextOffset = Number(chunk.nextOffset);
  }
  return { text: Buffer.concat(chunks).toString(), nextOffset };
}

interface Wait {
  readonly token?: string;
  readonly offset?: number;
  readonly timeoutMs?: number;
}

/** Follows the console until it matches; answers the match, with all the text before it. */
export async function consoleSays(
  server: Server,
  vmId: string,
  pattern: RegExp,
  { token = CUSTOMER, offset = 0, timeoutMs = 60_000 }: Wait = {},
): Promise<RegExpExecArray> {
  const signal = AbortSignal.timeout(timeoutMs);
  let data = Buffer.alloc(0);
  try {
    const request = { vmId, offset: BigInt(offset), follow: true };
    const options = { ...bearer(token), signal };
    for await (const chunk of machinesClient(server).console(request, options)) {
      data = Buffer.concat([data, chunk.data]);
      const match = pattern.exec(data.toString());
      if (match !== null) return match;
    }
  } catch (cause) {
    if (!signal.aborted) throw cause;
  }
  return assert.fail(`the console of ${vmId} never said ${pattern}:\n${data.toString()}`);
}

/** The first event of the machine that passes, from the oldest on, waited for if need be. */
export async function eventOf(
  server: Server,
  vmId: string,
  passes: (event: WatchResponse) => boolean,
  { timeoutMs = 30_000, after = 0n }: { timeoutMs?: number; after?: bigint } = {},
): Promise<WatchResponse> {
  const signal = AbortSignal.timeout(timeoutMs);
  const seen: string[] = [];
  try {
    const request = { vmIds: [vmId], afterEventId: after };
    const options = { ...bearer(OPERATOR), signal };
    for await (const event of machinesClient(server).watch(request, options)) {
      if (passes(event)) return event;
      seen.push(`${event.kind} ${event.reason}`);
    }
  } catch (cause) {
    if (!signal.aborted) throw cause;
  }
  return assert.fail(`no such event of ${vmId}; there were: ${seen.join(', ')}`);
}
