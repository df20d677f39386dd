/** A migration to another host is told to stop while its disk is sent there, and stops. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { it } from 'node:test';
import type { JobContext } from '#jobs/job-handler.ts';
import type { Job, JobProgress } from '#jobs/job.ts';
import { systemClock } from '#kernel/clock.ts';
import type { JobId } from '#kernel/ids.ts';
import { MIB } from '#kernel/units.ts';
import { BandwidthShare } from '#transfers/bandwidth-share.ts';
import { MigrationHandler } from '#transfers/migration-handler.ts';
import { parseMigration } from '#transfers/parse-migration.ts';
import { FakeMigration, REQUEST, WEB_SERVER } from '#test/fake-migration.ts';
import { FarLibvirt } from '#test/libvirt/far-libvirt.ts';

const MOST_MS = 3000;
const DISK_BYTES = 32 * MIB;

it('a migration over ssh that is cancelled has stopped and left nothing within 3 s', async () => {
  await using far = await FarLibvirt.open();
  const { workDirectory } = await far.target();
  const migration = new FakeMigration();
  migration.vm = { ...WEB_SERVER, firmware: 'bios', disks: WEB_SERVER.disks.slice(0, 1) };
  const handler = new MigrationHandler({
    ...{ clock: systemClock, sources: migration.sources },
    targets: { open: async () => (await far.target(far.uri(), workDirectory)).target },
    copier: {
      ...migration.copier,
      copy: async (request, watch) => {
        await writeFile(request.path, Buffer.alloc(DISK_BYTES, 'all work and no play '));
        return await migration.copier.copy(request, watch);
      },
    },
    preparer: migration.preparer,
    bandwidth: new BandwidthShare(MIB),
  });
  const stop = new AbortController();
  const arrived = Promise.withResolvers<JobProgress>();
  const context = openContext(stop.signal, (progress) => {
    if (progress.stage === 'send' && progress.doneBytes > 0) arrived.resolve(progress);
  });
  const running = handler.run(context);
  running.catch((thrown: unknown) => arrived.reject(thrown));
  const { percent, totalBytes } = await arrived.promise;
  assert.equal(totalBytes, DISK_BYTES);
  assert.ok(percent > 58 && percent < 96, `${percent}`);
  const startMs = performance.now();
  const logins = far.sshd.logins;
  stop.abort(new Error('cancelled'));
  await assert.rejects(running, /^Error: cancelled$/);
  const removed = await handler.cleanUp({ ...context, signal: new AbortController().signal });
  const ms = performance.now() - startMs;
  assert.equal(removed.length, 2, String(removed));
  assert.deepEqual([await readdir(far.pool), await readdir(workDirectory)], [[], []]);
  assert.equal(far.sshd.logins - logins, 3);
  assert.ok(ms < MOST_MS, `it took ${ms} ms`);
});

/** What a job has of its runner, without one. */
function openContext(signal: AbortSignal, report: JobContext['report']): JobContext {
  const options = { network_mapping: { 'VM Network': 'user' }, disk_format: 'raw' };
  const parsed = parseMigration({ ...REQUEST, options });
  let checkpoint: unknown;
  return {
    job: { ...parsed, id: 'job-1' as JobId, controls: {} } as Partial<Job> as Job,
    ...{ secrets: {}, signal, report },
    stopReason: () => (signal.aborted ? 'cancelled' : undefined),
    get checkpoint() {
      return checkpoint;
    },
    saveCheckpoint: async (saved) => {
      checkpoint = structuredClone(saved);
    },
    log: () => undefined,
    controls: () => ({}),
    leaveSlot: () => undefined,
    enterLane: () => Promise.resolve(),
  };
}
