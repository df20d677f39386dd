import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { runFake } from '#apps/drover/client/fake-api.ts';
import type { FakeApi } from '#apps/drover/client/fake-api.ts';
import type { QuotaLimits } from '#gen/drover/v1/machines_pb.js';

describe('drover quota', () => {
  function quotaApi() {
    const set: QuotaLimits[] = [];
    const limits = { maxMachines: 10n, maxMemoryBytes: 1_073_741_824n };
    const use = { machines: 3n, vcpus: 4n, memoryBytes: 536_870_912n };
    const api: FakeApi = {
      machines: {
        getQuota: ({ customerId }) => ({ customerId: customerId || 'local', limits, use }),
        setQuota(request) {
          if (request.limits !== undefined) set.push(request.limits);
          const { customerId } = request;
          return { customerId, use, ...(request.limits && { limits: request.limits }) };
        },
      },
    };
    return { api, set };
  }

  it('get shows limits beside what is used', async () => {
    const { terminal, targets, exitCode } = runFake(['quota', 'get'], quotaApi());
    assert.equal(await exitCode, 0);
    assert.equal(
      terminal.out,
      [
        'local     USED     LIMIT',
        'machines  3        10',
        'vcpus     4        unlimited',
        'memory    512 MiB  1 GiB',
        '',
      ].join('\n'),
    );
    assert.equal(targets[0]?.token, 'dev_customer_local');
  });

  it('set changes only what is named, as an operator', async () => {
    const { api, set } = quotaApi();
    const argv = ['quota', 'set', 'acme', '--vcpus', '8', '--machines', 'unlimited', '--json'];
    const { terminal, targets, exitCode } = runFake(argv, { api });
    assert.equal(await exitCode, 0);
    assert.equal(set[0]?.maxMachines, undefined);
    assert.equal(set[0]?.maxVcpus, 8n);
    assert.equal(set[0]?.maxMemoryBytes, 1_073_741_824n);
    assert.equal(targets[0]?.token, 'dev_operator');
    assert.deepEqual(JSON.parse(terminal.out).limits, {
      max_vcpus: 8,
      max_memory_bytes: 1_073_741_824,
    });
  });

  it('set refuses to change nothing, or to nonsense', async () => {
    const nothing = runFake(['quota', 'set', 'acme'], quotaApi());
    assert.equal(await nothing.exitCode, 2);
    const nonsense = runFake(['quota', 'set', 'acme', '--memory', 'much'], quotaApi());
    assert.equal(await nonsense.exitCode, 2);
    assert.match(nonsense.terminal.notes, /--memory: must be a number or unlimited, not much/);
  });
});

describe('drover token', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'drover-token-'));
  });
  after(async () => {
    await rm(directory, { recursive: true });
  });

  const drover = async (...argv: string[]) => {
    const run = runFake([...argv, '--data', directory]);
    return { exitCode: await run.exitCode, out: run.terminal.out, notes: run.terminal.notes };
  };

  it('create shows the secret once, list never, and revoke ends it', async () => {
    const created = await drover(
      'token',
      'create',
      'ci',
      '--customer',
      'acme',
      '--expires',
      '9000d',
    );
    assert.equal(created.exitCode, 0, created.notes);
    assert.match(created.out, /^drover_tok_[0-9a-f]{12}_[\w-]{43}\n$/);
    const id = /tok_[0-9a-f]{12}/.exec(created.out)?.[0] ?? '';

    const listed = await drover('token', 'list');
    assert.match(listed.out, new RegExp(`${id} +ci +customer +acme`));
    assert.ok(!listed.out.includes(created.out.trim().slice(-43)));

    assert.equal((await drover('token', 'revoke', id)).out, `revoked ${id}\n`);
    assert.match((await drover('token', 'list')).out, /revoked/);
    assert.equal((await drover('token', 'revoke', 'tok_0')).exitCode, 3);
  });

  it('create says whose token is missing, and refuses contradictions', async () => {
    const nobody = await drover('token', 'create', 'ci');
    assert.match(nobody.notes, /--customer: must say whose token it is, or --operator be given/);
    const both = await drover('token', 'create', 'ci', '--operator', '--read-only');
    assert.match(both.notes, /--read-only: cannot be combined with --operator/);
    const age = await drover('token', 'create', 'ci', '--operator', '--expires', 'soon');
    assert.match(age.notes, /--expires: must be such as 12h or 90d, not soon/);
  });
});
