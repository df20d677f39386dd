/**
 * Calls of GetVmInfo a second, over Connect with JSON and over gRPC, beside connect-node on its
 * own answering the same message as a constant. What lies between the two is all that Drover does
 * for a call: listener, request id, log line, histogram, authentication, the store, the message.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import {
  GetVmInfoRequestSchema,
  GetVmInfoResponseSchema,
  type GetVmInfoResponse,
} from '#gen/vmprovisioner/v1/vm_pb.js';
import { openChildServer, type ChildServer } from './child-server.ts';
import type { Benchmark, BenchmarkOptions, Comparison } from './comparison.ts';
import { createVmClient, devToken, everydayConfig } from './drover-client.ts';
import { loadHttp1, type Load } from './http1-load.ts';
import { loadHttp2 } from './http2-load.ts';
import { measureInTurn, summarizePairs, type Pair } from './pair.ts';
import { readCpuMs } from './process-usage.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const VM_ID = 'vm_0123456789abcdef';
const TOKEN = devToken('bench');
const PATH = '/vmprovisioner.v1.VmService/GetVmInfo';
const AT_ONCE = 32;
const SESSIONS = 4;
const GOAL = { of: 'ratio', atLeast: 0.6 } as const;
const AGAINST = 'connect-node answering a constant';

interface Protocol {
  readonly name: string;
  readonly httpVersion: 'http1' | 'http2';
  readonly load: (port: number, durationMs: number) => Promise<Load>;
}

const PROTOCOLS: readonly Protocol[] = [
  { name: 'rpc/connect-json', httpVersion: 'http1', load: loadConnectJson },
  { name: 'rpc/grpc', httpVersion: 'http2', load: loadGrpc },
];

export const rpc: Benchmark = {
  name: 'rpc',
  summary: 'GetVmInfo calls a second, beside a bare connect-node server',
  async *run(options) {
    await using scratch = await openScratchDirectory();
    await using drover = await openChildServer({
      script: 'bench/serve-fakes.ts',
      args: ['--data', scratch.path],
    });
    const answer = toBinary(GetVmInfoResponseSchema, await prepareMachine(drover.url));
    const encoded = Buffer.from(answer).toString('base64');
    for (const protocol of PROTOCOLS) {
      await using peer = await openChildServer({
        script: 'bench/serve-constant.ts',
        args: [protocol.httpVersion, encoded],
      });
      yield* compare(protocol, { drover, peer }, options);
    }
  },
};

/** Running, so that each call asks the hypervisor too. Only the uptime moves on in the answer. */
async function prepareMachine(url: string): Promise<GetVmInfoResponse> {
  const vms = createVmClient(url, TOKEN);
  await vms.createVm({ vmId: VM_ID, config: everydayConfig() });
  await vms.bootVm({ vmId: VM_ID });
  return await vms.getVmInfo({ vmId: VM_ID });
}

async function* compare(
  { name, load }: Protocol,
  { drover, peer }: { readonly drover: ChildServer; readonly peer: ChildServer },
  { isQuick, progress }: BenchmarkOptions,
): AsyncGenerator<Comparison> {
  const durationMs = isQuick ? 1500 : 5000;
  const cpu: Record<'drover' | 'peer', number[]> = { drover: [], peer: [] };
  const measure = async (server: ChildServer, costs: number[]) => {
    const before = await readCpuMs(server.pid);
    const { calls, seconds } = await load(server.port, durationMs);
    const cpuMs = (await readCpuMs(server.pid)) - before;
    costs.push((cpuMs * 1000) / calls);
    return calls / seconds;
  };
  const warmups = isQuick ? 1 : 2;
  const paired = await measureInTurn(
    {
      runs: isQuick ? 3 : 9,
      warmups,
      onPair: (pair) => progress(`${name}: ${describe(pair)} calls/s`),
    },
    { ours: () => measure(drover, cpu.drover), peer: () => measure(peer, cpu.peer) },
  );
  yield { bench: name, ...paired, unit: 'calls/s', against: AGAINST, goal: GOAL };
  const costs = cpu.drover.map((ours, run) => ({ ours, peer: cpu.peer[run] ?? Number.NaN }));
  yield {
    bench: `${name}-cpu`,
    ...summarizePairs(costs.slice(warmups)),
    unit: 'µs of server CPU a call',
    against: AGAINST,
  };
}

function describe({ ours, peer }: Pair): string {
  return `${Math.round(ours)} against ${Math.round(peer)}`;
}

async function loadConnectJson(port: number, durationMs: number): Promise<Load> {
  const headers = { 'Content-Type': 'application/json', Authorization: TOKEN };
  const body = JSON.stringify({ vm_id: VM_ID });
  return await loadHttp1({ port, path: PATH, headers, body }, { connections: AT_ONCE, durationMs });
}

async function loadGrpc(port: number, durationMs: number): Promise<Load> {
  const message = toBinary(GetVmInfoRequestSchema, create(GetVmInfoRequestSchema, { vmId: VM_ID }));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const headers = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', PATH],
    [':authority', `127.0.0.1:${port}`],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ['user-agent', 'grpc-node-js/1.14.7'],
    ['authorization', TOKEN],
  ] as const;
  return await loadHttp2(
    { port, headers, body: Buffer.concat([prefix, message]) },
    { connections: SESSIONS, streams: AT_ONCE / SESSIONS, durationMs },
  );
}
