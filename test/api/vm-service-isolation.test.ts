/** What a customer can find out about another's machines: nothing, over any route. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { encodeEnvelope } from '@connectrpc/connect/protocol';
import { Machines } from '#gen/drover/v1/machines_pb.js';
import {
  CUSTOMER,
  MACHINES,
  OPERATOR,
  OTHER_CUSTOMER,
  VM_SERVICE,
  ask,
  call,
  callMachines,
  createVm,
  get,
  smallConfig,
} from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';

// Of one length, so that not even the length of an answer may differ.
const THEIRS = 'vm-theirs';
const NOBODYS = 'vm-nobody';

/** Everything of an answer that a caller sees, the id taken out. */
async function answerTo(request: Request, vmId: string): Promise<string> {
  const response = await fetch(request);
  const headers = [...response.headers].filter(
    ([name]) => !['date', 'x-request-id'].includes(name),
  );
  const body = Buffer.from(await response.arrayBuffer()).toString('latin1');
  // The error detail in binary holds the id too.
  const json = body.replaceAll(/"value":"[^"]*"/g, (value) =>
    Buffer.from(value.slice(9, -1), 'base64').toString('latin1'),
  );
  const text = JSON.stringify([response.status, headers, json]);
  return text.replaceAll(vmId, 'ID').replaceAll(/"?request_id\\?":\\?"[^"\\]*/g, 'request_id');
}

const COMMANDS: readonly (readonly [method: string, more: object])[] = [
  ['GetVmInfo', {}],
  ['BootVm', {}],
  ['PauseVm', {}],
  ['ResumeVm', {}],
  ['ShutdownVm', { force: true }],
  ['RebootVm', { force: true }],
  ['DeleteVm', { force: true }],
];

const REQUESTS: Readonly<Record<string, (server: TestServer, vmId: string) => Request>> = {
  ...Object.fromEntries(
    [VM_SERVICE, `metal.${VM_SERVICE}`].flatMap((service) =>
      COMMANDS.map(([method, more]) => [
        `${service}/${method}`,
        (server: TestServer, vmId: string) =>
          request(server, `${service}/${method}`, {
            type: 'application/json',
            body: JSON.stringify({ vm_id: vmId, ...more }),
          }),
      ]),
    ),
  ),
  [`${MACHINES}/Console`]: (server, vmId) => stream(server, 'Console', { vm_id: vmId }),
  [`${MACHINES}/Console, following`]: (server, vmId) =>
    stream(server, 'Console', { vm_id: vmId, follow: true }),
  'GET /v1/vms/{id}': (server, vmId) => request(server, `v1/vms/${vmId}`),
};

function request(
  server: TestServer,
  path: string,
  sent?: { readonly type: string; readonly body: string | Uint8Array<ArrayBuffer> },
): Request {
  return new Request(`${server.url}/${path}`, {
    method: sent === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${CUSTOMER}`,
      ...(sent !== undefined && { 'content-type': sent.type }),
    },
    ...(sent !== undefined && { body: sent.body }),
  });
}

function stream(server: TestServer, method: string, message: unknown): Request {
  const body = new Uint8Array(encodeEnvelope(0, Buffer.from(JSON.stringify(message))));
  return request(server, `${MACHINES}/${method}`, { type: 'application/connect+json', body });
}

describe("another customer's machine", () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
    await createVm(server, { token: OTHER_CUSTOMER, vm_id: THEIRS });
    await ask(server, 'BootVm', { vm_id: THEIRS }, OTHER_CUSTOMER);
  });
  after(() => server[Symbol.asyncDispose]());

  for (const [name, make] of Object.entries(REQUESTS)) {
    it(`is answered like one that does not exist by ${name}`, async () => {
      const theirs = await answerTo(make(server, THEIRS), THEIRS);
      const nobodys = await answerTo(make(server, NOBODYS), NOBODYS);
      assert.equal(theirs, nobodys);
      assert.match(theirs, /not_found/);
      const still = await ask(server, 'GetVmInfo', { vm_id: THEIRS }, OTHER_CUSTOMER);
      assert.equal(still.state, 'VM_STATE_RUNNING');
    });
  }

  it('is in no list, and in no count of one', async () => {
    const own = await createVm(server);
    const page = await ask(server, 'ListVms');
    assert.deepEqual(
      [page.total_count, page.vms.map((vm: { vm_id: string }) => vm.vm_id)],
      [1, [own]],
    );
    const rest = await get(server, '/v1/vms', { token: CUSTOMER });
    assert.doesNotMatch(rest.text, /theirs|other/);
    const quota = await callMachines(server, 'GetQuota');
    assert.equal(quota.json.use.machines, 1);
    assert.equal((await get(server, '/metrics', { token: CUSTOMER })).status, 403);
    await ask(server, 'DeleteVm', { vm_id: own });
  });

  it('is in no stream of events, asked for by its id or not', async () => {
    const client = createClient(
      Machines,
      createConnectTransport({ baseUrl: server.url, httpVersion: '2' }),
    );
    const headers = { authorization: `Bearer ${CUSTOMER}` };
    for (const vmIds of [[], [THEIRS], [THEIRS, 'vm-mine']]) {
      const leaving = new AbortController();
      const own = await createVm(server, { vm_id: 'vm-mine' });
      const seen: string[] = [];
      const options = { headers, signal: leaving.signal };
      const ended = assert.rejects(async () => {
        for await (const event of client.watch({ vmIds, afterEventId: 0n }, options)) {
          seen.push(`${event.customerId}/${event.vmId}`);
          if (event.vmId === own) leaving.abort();
        }
      }, /canceled/);
      await ask(server, 'PauseVm', { vm_id: THEIRS }, OTHER_CUSTOMER);
      await ask(server, 'ResumeVm', { vm_id: THEIRS }, OTHER_CUSTOMER);
      if (vmIds.length === 1) {
        // Nothing can come: some calls after the events there is still nothing.
        for (let at = 0; at < 20; at += 1) await callMachines(server, 'GetQuota');
        leaving.abort();
      }
      await ended;
      assert.deepEqual(
        seen.filter((subject) => !subject.startsWith('123/')),
        [],
      );
      assert.equal(seen.length > 0, vmIds.length !== 1);
      await ask(server, 'DeleteVm', { vm_id: own });
    }
  });

  it('cannot be named in what only operators may ask, whether the name exists or not', async () => {
    const rows = [
      ['GetQuota', { customer_id: 'other' }, { customer_id: 'ghost' }],
      ['SetQuota', { customer_id: 'other', limits: {} }, { customer_id: 'ghost', limits: {} }],
      ['SetQuota', { customer_id: '123', limits: {} }, { limits: {} }],
    ] as const;
    for (const [method, one, other] of rows) {
      const answers = [
        await callMachines(server, method, one),
        await callMachines(server, method, other),
      ];
      assert.deepEqual(
        answers.map(({ status, text }) => [status, text]),
        Array(2).fill([403, answers[0]?.text]),
      );
    }
    const created = await call(server, 'CreateVm', { customer_id: 'other', config: smallConfig() });
    const ghost = await call(server, 'CreateVm', { customer_id: 'ghost', config: smallConfig() });
    assert.equal(created.status, 403);
    assert.equal(created.text, ghost.text);
  });

  it("cannot boot from another customer's folder, nor learn what is in it", async () => {
    const withDisk = (path: string) => ({
      config: smallConfig({ storage: [{ id: 'rootfs', path, is_root_device: true }] }),
    });
    const own = '/assets/customers/123/own.img';
    assert.equal((await call(server, 'CreateVm', withDisk(own))).status, 200);
    const theirs = await call(server, 'CreateVm', withDisk(own), OTHER_CUSTOMER);
    const none = '/assets/customers/123/ghost.img';
    const ghost = await call(server, 'CreateVm', withDisk(none), OTHER_CUSTOMER);
    assert.equal(theirs.status, 400);
    assert.equal(theirs.json.message.replaceAll(own, none), ghost.json.message);
  });
});

describe('an operator', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
    await createVm(server, { token: CUSTOMER, vm_id: 'one' });
    await createVm(server, { token: OTHER_CUSTOMER, vm_id: 'two' });
  });
  after(() => server[Symbol.asyncDispose]());

  it('sees and commands the machines of every customer', async () => {
    const page = await ask(server, 'ListVms', {}, OPERATOR);
    assert.deepEqual(
      page.vms.map((vm: { vm_id: string; customer_id: string }) => [vm.vm_id, vm.customer_id]),
      [
        ['two', 'other'],
        ['one', '123'],
      ],
    );
    assert.equal((await ask(server, 'BootVm', { vm_id: 'two' }, OPERATOR)).success, true);
  });

  it('alone learns where a machine runs on the host', async () => {
    const info = await ask(server, 'GetVmInfo', { vm_id: 'two' }, OPERATOR);
    assert.match(info.backend_info.process_id, /^\d+$/);
    const told = await ask(server, 'GetVmInfo', { vm_id: 'two' }, OTHER_CUSTOMER);
    assert.deepEqual(told.backend_info, { backend_type: 'fake', process_id: '', socket_path: '' });
  });

  it('has to say whose machine it creates', async () => {
    const config = smallConfig();
    const answer = await call(server, 'CreateVm', { config }, OPERATOR);
    assert.equal(answer.status, 400);
    const { vm_id: id } = await ask(server, 'CreateVm', { config, customer_id: 'third' }, OPERATOR);
    const info = await ask(server, 'GetVmInfo', { vm_id: id }, 'dev_customer_third');
    assert.equal(info.customer_id, 'third');
  });
});
