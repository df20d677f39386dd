/** Lists of machines: pages that neither repeat nor skip, and tokens that cannot be misused. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  CUSTOMER,
  OPERATOR,
  OTHER_CUSTOMER,
  ask,
  call,
  createVm,
  get,
  type Json,
} from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';

const idsOf = (page: Json): string[] => page.vms.map((vm: { vm_id: string }) => vm.vm_id);

/** Every id in the order of the pages; `between` runs after each page. */
async function readPages(
  server: TestServer,
  request: Json,
  between: (page: number) => Promise<unknown> = () => Promise.resolve(),
): Promise<string[]> {
  const ids: string[] = [];
  let token = '';
  for (let page = 0; page < 100; page += 1) {
    const answer = await ask(server, 'ListVms', { ...request, page_token: token });
    ids.push(...idsOf(answer));
    token = answer.next_page_token;
    if (token === '') return ids;
    await between(page);
  }
  return assert.fail('the pages have no end');
}

describe('ListVms', () => {
  let server: TestServer;
  const newestFirst: string[] = [];
  before(async () => {
    server = await openTestServer();
    for (let at = 0; at < 60; at += 1) {
      newestFirst.unshift(await createVm(server, { vm_id: `vm-${String(at).padStart(2, '0')}` }));
    }
    await createVm(server, { token: OTHER_CUSTOMER });
  });
  after(() => server[Symbol.asyncDispose]());

  it('answers 50 when no size is given, or 0, and all that match in total_count', async () => {
    for (const request of [{}, { page_size: 0 }, { page_size: 50 }]) {
      const page = await ask(server, 'ListVms', request);
      assert.deepEqual(idsOf(page), newestFirst.slice(0, 50));
      assert.equal(page.total_count, 60);
      assert.notEqual(page.next_page_token, '');
    }
    const all = await ask(server, 'ListVms', { page_size: 1000 });
    assert.equal(all.vms.length, 60);
    assert.equal(all.next_page_token, '');
  });

  it('goes through everything once, whatever the size of a page', async () => {
    for (const size of [7, 20, 59, 60]) {
      assert.deepEqual(await readPages(server, { page_size: size }), newestFirst);
    }
  });

  it('neither repeats nor skips when machines come and go between pages', async () => {
    const made: string[] = [];
    const seen = await readPages(server, { page_size: 7 }, async (page) => {
      made.push(await createVm(server));
      // One from a page that was read, which would shift an offset.
      await ask(server, 'DeleteVm', { vm_id: newestFirst[page] });
    });
    assert.deepEqual(seen, newestFirst);
    const gone = new Set(newestFirst.slice(0, made.length));
    for (const vmId of made) await ask(server, 'DeleteVm', { vm_id: vmId });
    const left = newestFirst.filter((id) => !gone.has(id));
    newestFirst.splice(0, newestFirst.length, ...left);
    assert.deepEqual(await readPages(server, {}), newestFirst);
  });

  it('understands the documented token, which is an offset', async () => {
    assert.equal(Buffer.from('eyJvZmZzZXQiOjUwfQ==', 'base64').toString(), '{"offset":50}');
    const page = await ask(server, 'ListVms', { page_token: 'eyJvZmZzZXQiOjUwfQ==' });
    assert.deepEqual(idsOf(page), newestFirst.slice(50));
    const token = Buffer.from('{"offset":10}').toString('base64');
    const middle = await ask(server, 'ListVms', { page_size: 5, page_token: token });
    assert.deepEqual(idsOf(middle), newestFirst.slice(10, 15));
    const next = { page_size: 5, page_token: middle.next_page_token };
    assert.deepEqual(idsOf(await ask(server, 'ListVms', next)), newestFirst.slice(15, 20));
  });

  it('filters by state, and counts what matches', async () => {
    const [on = '', paused = ''] = newestFirst;
    await ask(server, 'BootVm', { vm_id: on });
    await ask(server, 'BootVm', { vm_id: paused });
    await ask(server, 'PauseVm', { vm_id: paused });
    const filter = { state_filter: ['VM_STATE_RUNNING', 'VM_STATE_PAUSED'] };
    const page = await ask(server, 'ListVms', { ...filter, page_size: 1 });
    assert.deepEqual([idsOf(page), page.total_count], [[on], 2]);
    assert.deepEqual(await readPages(server, { ...filter, page_size: 1 }), [on, paused]);
    const paths = ['state=running,paused', 'state=VM_STATE_PAUSED&state=VM_STATE_RUNNING'];
    for (const query of paths) {
      const rest = await get(server, `/v1/vms?${query}`, { token: CUSTOMER });
      assert.deepEqual(idsOf(rest.json), [on, paused]);
    }
    const none = await ask(server, 'ListVms', { state_filter: ['VM_STATE_SHUTDOWN'] });
    assert.deepEqual(none, { vms: [], next_page_token: '', total_count: 0 });
  });

  it('pages over REST with the tokens of RPC', async () => {
    const first = await ask(server, 'ListVms', { page_size: 3 });
    const path = `/v1/vms?page_size=3&page_token=${first.next_page_token}`;
    const second = await get(server, path, { token: CUSTOMER });
    assert.deepEqual(idsOf(second.json), newestFirst.slice(3, 6));
  });

  it('refuses a token of another filter or another customer', async () => {
    const page = await ask(server, 'ListVms', { page_size: 1 });
    const token = page.next_page_token;
    const filtered = { page_token: token, state_filter: ['VM_STATE_RUNNING'] };
    for (const answer of [
      await call(server, 'ListVms', filtered),
      await call(server, 'ListVms', { page_token: token }, OTHER_CUSTOMER),
      await call(server, 'ListVms', { page_token: token }, OPERATOR),
    ]) {
      assert.equal(answer.status, 400);
      assert.match(answer.json.message, /^page_token: was made for another filter/);
    }
  });

  it('refuses a token that was tampered with, or shows what the caller may see', async () => {
    const { next_page_token: token } = await ask(server, 'ListVms', { page_size: 1 });
    const bad = [
      `${token}x`.repeat(40),
      token.slice(0, -3),
      Buffer.from('{"offset":-1}').toString('base64'),
      Buffer.from('{"offset":1e99}').toString('base64'),
      Buffer.from('[]').toString('base64'),
      '\u0000',
    ];
    for (const each of bad) {
      const answer = await call(server, 'ListVms', { page_token: each });
      assert.equal(answer.status, 400, each);
      assert.ok(answer.json.message.startsWith('page_token: '));
    }
    // All that can be changed without being noticed is the position.
    const parts = JSON.parse(Buffer.from(token, 'base64url').toString());
    const moved = { ...parts, k: [Number.MAX_SAFE_INTEGER, 'zzz'] };
    const page = await ask(server, 'ListVms', {
      page_token: Buffer.from(JSON.stringify(moved)).toString('base64url'),
    });
    for (const vm of page.vms) assert.equal(vm.customer_id, '123');
    const beyond = { page_token: Buffer.from('{"offset":99999}').toString('base64') };
    assert.deepEqual(idsOf(await ask(server, 'ListVms', beyond)), []);
  });
});
