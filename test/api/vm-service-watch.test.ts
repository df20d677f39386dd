/** Watch: every change once and in order, from any event on, for as long as the reader stays. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, createClient } from '@connectrpc/connect';
import type { Client, ConnectError, Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { Machines, WatchRequestSchema, type WatchResponse } from '#gen/drover/v1/machines_pb.js';
import { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { systemClock, type Clock } from '#kernel/clock.ts';
import { isMachineId } from '#kernel/ids.ts';
import {
  CUSTOMER,
  OPERATOR,
  OTHER_CUSTOMER,
  ask,
  callMachines,
  createVm,
} from '#test/api-client.ts';
import { openTestDirectory, openTestServer, type TestServer } from '#test/drover-server.ts';

const TRANSPORTS: Readonly<Record<string, (baseUrl: string) => Transport>> = {
  'Connect JSON, HTTP/1.1': (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1' }),
  'Connect binary, HTTP/2': (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat: true }),
  gRPC: (baseUrl) => createGrpcTransport({ baseUrl }),
  'gRPC-Web': (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
};

type Request = MessageInitShape<typeof WatchRequestSchema>;

/** Reads events until one satisfies, then leaves. */
async function watchUntil(
  client: Client<typeof Machines>,
  request: Request,
  { isLast, token = CUSTOMER }: { isLast: (event: WatchResponse) => boolean; token?: string },
): Promise<WatchResponse[]> {
  const leaving = new AbortController();
  const headers = { authorization: `Bearer ${token}` };
  const events: WatchResponse[] = [];
  const stream = client.watch(create(WatchRequestSchema, request), {
    headers,
    signal: leaving.signal,
  });
  for await (const event of stream) {
    events.push(event);
    if (isLast(event)) break;
  }
  leaving.abort();
  return events;
}

const isDeletion = ({ kind }: WatchResponse) => kind === 'machine.deleted';
const open = ({ url }: { url: string }, transport = TRANSPORTS['gRPC']) => {
  assert.ok(transport !== undefined);
  return createClient(Machines, transport(url));
};

async function liveOnce(server: TestServer, vmId: string): Promise<void> {
  await createVm(server, { vm_id: vmId });
  for (const method of ['BootVm', 'PauseVm', 'ResumeVm'])
    await ask(server, method, { vm_id: vmId });
  assert.ok(isMachineId(vmId));
  const gone = watchUntil(
    open(server),
    { vmIds: [vmId], afterEventId: 0n },
    { isLast: ({ state }) => state === VmState.SHUTDOWN },
  );
  server.host.end(vmId, { reason: 'guest-panic', message: 'the kernel panicked' });
  await gone;
  await ask(server, 'DeleteVm', { vm_id: vmId });
}

describe('Watch', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
    await liveOnce(server, 'life');
  });
  after(() => server[Symbol.asyncDispose]());

  for (const [name, transport] of Object.entries(TRANSPORTS)) {
    it(`tells a whole life, with the reasons, over ${name}`, async () => {
      const client = open(server, transport);
      const request = { vmIds: ['life'], afterEventId: 0n };
      const events = await watchUntil(client, request, { isLast: isDeletion });
      assert.deepEqual(
        events.map(({ kind, previousState, state, reason }) => [
          kind,
          VmState[previousState],
          VmState[state],
          reason,
        ]),
        [
          ['machine.created', 'UNSPECIFIED', 'CREATED', 'requested'],
          ['machine.state-changed', 'CREATED', 'RUNNING', 'requested'],
          ['machine.state-changed', 'RUNNING', 'PAUSED', 'requested'],
          ['machine.state-changed', 'PAUSED', 'RUNNING', 'requested'],
          ['machine.state-changed', 'RUNNING', 'SHUTDOWN', 'guest-panic'],
          ['machine.deleted', 'UNSPECIFIED', 'SHUTDOWN', 'requested'],
        ],
      );
      assert.equal(events[4]?.message, 'the kernel panicked');
      for (const { at, vmId, customerId } of events) {
        assert.match(at, /^\d{4}-.*Z$/);
        assert.deepEqual([vmId, customerId], ['life', '123']);
      }
    });
  }

  it('goes on from any event without a gap and without a repeat', async () => {
    const client = open(server);
    const all = await watchUntil(client, { afterEventId: 0n }, { isLast: isDeletion });
    for (const [at, { eventId }] of all.slice(0, -1).entries()) {
      const rest = await watchUntil(client, { afterEventId: eventId }, { isLast: isDeletion });
      assert.deepEqual(rest, all.slice(at + 1));
    }
  });

  it('begins with what happens next when no event is named', async () => {
    const client = open(server);
    const seen = watchUntil(client, {}, { isLast: isDeletion });
    // Until the reader is there, machines come and go; it must see none of them half.
    let isSeen = false;
    void seen.then(() => (isSeen = true));
    let rounds = 0;
    while (!isSeen && rounds < 100) {
      await createVm(server, { vm_id: `next-${rounds}` });
      await ask(server, 'DeleteVm', { vm_id: `next-${rounds}` });
      rounds += 1;
    }
    const events = await seen;
    assert.ok(events.every(({ vmId }) => vmId.startsWith('next-')));
  });

  it('tells an operator of every customer, and a customer of its own alone', async () => {
    await createVm(server, { vm_id: 'theirs', token: OTHER_CUSTOMER });
    await createVm(server, { vm_id: 'mine' });
    const isLast = ({ vmId }: WatchResponse) => vmId === 'mine';
    const request = { afterEventId: 0n, vmIds: ['theirs', 'mine'] };
    const client = open(server);
    const whole = { ...request, allCustomers: true };
    const all = await watchUntil(client, whole, { isLast, token: OPERATOR });
    assert.deepEqual(
      all.map(({ vmId }) => vmId),
      ['theirs', 'mine'],
    );
    const own = await watchUntil(client, request, { isLast });
    assert.deepEqual(
      own.map(({ vmId }) => vmId),
      ['mine'],
    );
    const refused = watchUntil(client, whole, { isLast });
    await assert.rejects(refused, { code: Code.PermissionDenied });
  });

  it('refuses what it cannot do, instead of staying silent', async () => {
    const isLast = () => true;
    const client = open(server);
    const tooMany = { vmIds: Array.from({ length: 101 }, (_, at) => `vm-${at}`) };
    for (const request of [tooMany, { vmIds: ['a/b'] }, { afterEventId: 2n ** 60n }]) {
      const refused = watchUntil(client, request, { isLast });
      await assert.rejects(refused, { code: Code.InvalidArgument });
    }
    const { events } = server.server.context.stores;
    await events.prune(systemClock.nowMs() + 1, 2);
    const pruned = watchUntil(client, { afterEventId: 1n }, { isLast });
    await assert.rejects(pruned, (error: ConnectError) => {
      assert.equal(error.code, Code.FailedPrecondition);
      assert.match(error.message, /events up to 2 are no longer kept/);
      return true;
    });
    const kept = await watchUntil(client, { afterEventId: 2n }, { isLast });
    assert.equal(kept[0]?.eventId, 3n);
  });
});

describe('a stream of events and its server', () => {
  it('goes on where it was with the next server on the same data', async () => {
    await using directory = await openTestDirectory();
    const first = await openTestServer({ dataDir: directory.path });
    await createVm(first, { vm_id: 'stays' });
    await ask(first, 'BootVm', { vm_id: 'stays' });
    const isOn = ({ state }: WatchResponse) => state === VmState.RUNNING;
    const before = await watchUntil(open(first), { afterEventId: 0n }, { isLast: isOn });
    await ask(first, 'PauseVm', { vm_id: 'stays' });
    const { host } = first;
    await first[Symbol.asyncDispose]();

    await using second = await openTestServer({ dataDir: directory.path, host });
    await ask(second, 'ResumeVm', { vm_id: 'stays' });
    await ask(second, 'DeleteVm', { vm_id: 'stays', force: true });
    const position = { afterEventId: before.at(-1)?.eventId ?? 0n };
    const rest = await watchUntil(open(second), position, { isLast: isDeletion });
    assert.deepEqual(
      [...before, ...rest].map(({ kind, state }) => [kind, VmState[state]]),
      [
        ['machine.created', 'CREATED'],
        ['machine.state-changed', 'RUNNING'],
        ['machine.state-changed', 'PAUSED'],
        ['machine.state-changed', 'RUNNING'],
        ['machine.state-changed', 'SHUTDOWN'],
        ['machine.deleted', 'SHUTDOWN'],
      ],
    );
    const ids = [...before, ...rest].map(({ eventId }) => eventId);
    assert.deepEqual(
      ids,
      ids.map((_, at) => (ids[0] ?? 0n) + BigInt(at)),
    );
  });

  it('ends with unavailable when the server stops, and does not hold it up', async () => {
    const server = await openTestServer({ config: { drainMs: 60_000 } });
    await createVm(server);
    const headers = { authorization: `Bearer ${CUSTOMER}` };
    const stream = open(server).watch({ afterEventId: 0n }, { headers });
    const events = stream[Symbol.asyncIterator]();
    await events.next();
    const ended = assert.rejects(() => events.next(), { code: Code.Unavailable });
    await server[Symbol.asyncDispose]();
    await ended;
  });

  it('leaves nothing behind when its reader goes', async () => {
    const clock = createCountingClock();
    await using server = await openTestServer({ overrides: { clock } });
    await createVm(server);
    // The server has loops of its own, each of which sleeps almost always.
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    systemClock.after(100, resolve);
    await settled;
    const own = clock.sleeping();
    for (const transport of Object.values(TRANSPORTS)) {
      const isLast = () => true;
      await watchUntil(open(server, transport), { afterEventId: 0n }, { isLast });
    }
    for (let tries = 0; clock.sleeping() > own && tries < 500; tries += 1) {
      await callMachines(server, 'GetQuota');
    }
    assert.ok(clock.sleeping() <= own);
  });
});

/** The system's clock, which knows how many sleep by it. */
function createCountingClock(): Clock & { sleeping: () => number } {
  let sleeping = 0;
  return {
    ...systemClock,
    sleeping: () => sleeping,
    async sleep(ms, signal) {
      sleeping += 1;
      try {
        await systemClock.sleep(ms, signal);
      } finally {
        sleeping -= 1;
      }
    },
  };
}
