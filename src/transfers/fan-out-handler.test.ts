import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JobContext } from '#jobs/job-handler.ts';
import type { Job, JobRequest } from '#jobs/job.ts';
import type { JobId } from '#kernel/ids.ts';
import { REQUEST, WEB_SERVER } from '#test/fake-migration.ts';
import { FanOutHandler } from './fan-out-handler.ts';
import { readSpec } from './migration-spec.ts';
import { parseMigration } from './parse-migration.ts';
import type { VmSummary } from './source-vm.ts';
import type { Source } from './source.ts';

const PATTERN = 'DC0/vm/Production/*';

function setUp(vms: readonly VmSummary[], changes: Partial<Job> = {}) {
  const submitted: JobRequest[] = [];
  const asked: unknown[] = [];
  const handler = new FanOutHandler({
    sources: {
      open: async () => {
        const source: Pick<Source, 'listVms'> & AsyncDisposable = {
          listVms: async (options) => {
            asked.push(options.pattern);
            return vms;
          },
          [Symbol.asyncDispose]: async () => undefined,
        };
        return source as Source;
      },
    },
    submit: async (requests) => {
      submitted.push(...requests);
      return [];
    },
  });
  const request = parseMigration({
    ...REQUEST,
    vm_path: PATTERN,
    source: { vcenter_url: 'vc', username: 'u', password: 'secret' },
  });
  const { name, spec, subject, lanes = [] } = request;
  const job: Partial<Job> = {
    ...{ name, spec, subject, lanes, priority: 0, maxAttempts: 7, batchId: undefined },
    id: 'parent' as JobId,
    ...changes,
  };
  const context: Partial<JobContext> = {
    job: job as Job,
    secrets: { password: 'secret' },
    signal: new AbortController().signal,
    log: () => undefined,
  };
  return { submitted, asked, run: () => handler.run(context as JobContext) };
}

function vm(ref: string, changes: Partial<VmSummary> = {}): VmSummary {
  return { ...WEB_SERVER, ref, name: ref, path: `DC0/vm/Production/${ref}`, ...changes };
}

describe('a job for a path with a star', () => {
  it('submits a job for each VM that matches, under one batch, none for templates', async () => {
    const { submitted, asked, run } = setUp([vm('a'), vm('b'), vm('t', { isTemplate: true })]);
    assert.deepEqual(await run(), { batch_id: 'parent', submitted: 2 });
    assert.deepEqual(asked, [PATTERN]);
    assert.deepEqual(
      submitted.map(({ kind, subject, batchId, maxAttempts, secrets }) => [
        ...[kind, subject, batchId, maxAttempts, secrets?.['password']],
      ]),
      ['a', 'b'].map((name) => ['migration', `DC0/vm/Production/${name}`, 'parent', 7, 'secret']),
    );
    const [first] = submitted;
    assert.ok(first);
    assert.equal(readSpec(first).vmPath, 'DC0/vm/Production/a');
  });

  it('submits the same jobs again after a crash, by ids that clients expect', async () => {
    const once = setUp([vm('a'), vm('b')]);
    const again = setUp([vm('b'), vm('a')]);
    await once.run();
    await again.run();
    const ids = ({ submitted }: typeof once) => submitted.map(({ id }) => String(id)).toSorted();
    assert.deepEqual(ids(once), ids(again));
    assert.equal(new Set(ids(once)).size, 2);
    for (const id of ids(once)) {
      assert.match(
        id ?? '',
        /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
    }
  });

  it('keeps the batch that it is in, and fails when nothing matches', async () => {
    const inBatch = setUp([vm('a')], { batchId: 'wave-1' });
    assert.deepEqual(await inBatch.run(), { batch_id: 'wave-1', submitted: 1 });
    await assert.rejects(setUp([]).run(), { kind: 'not_found', reason: 'NO_VM_MATCHES' });
  });
});
