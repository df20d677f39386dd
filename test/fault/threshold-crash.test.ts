/**
 * kill -9 of a process while its alerts come and go. The next one on the same database goes on
 * where it was: whatever was told to begin is told to end, and nothing is told twice.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import type { ThresholdEvent } from '#events/event.ts';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { openWorld, warmRule } from '#test/threshold-fixture.ts';

const PROGRAM = join(import.meta.dirname, '..', 'contract', 'watch-until-killed.ts');
const ROUNDS = 6;
const MOST_ROUNDS = 30;
const ALL_ROOMS = Array.from({ length: 20 }, (_, room) => `room=${room}`);

/** Runs until so many ticks were printed, kills it, and answers the last tick. */
async function watchAndKill(t: TestContext, url: string, run: { from: number; ticks: number }) {
  const args = [PROGRAM, url, String(run.from)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  let last = run.from;
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    count += 1;
    if (count === run.ticks) child.kill('SIGKILL');
  }
  await closed;
  assert.equal(child.signalCode, 'SIGKILL');
  return last;
}

/** For each room what was told, in order: v and r. */
function storiesOf(events: readonly ThresholdEvent[]): Map<string, string> {
  const stories = new Map<string, string>();
  for (const { kind, labels } of events) {
    const room = labels['room'] ?? '';
    stories.set(room, `${stories.get(room) ?? ''}${kind === 'threshold.violated' ? 'v' : 'r'}`);
  }
  return stories;
}

for (const dialect of DIALECTS) {
  describe(`alerts on ${dialect}`, () => {
    const createUrl = useDatabases(dialect);

    it('survive kill -9 at any moment', async (t) => {
      const url = await createUrl();
      let from = 0;
      let told = 0;
      // On a busy host the first rounds may be over before anything is written down.
      for (let round = 0; round < ROUNDS || told === 0; round += 1) {
        assert.ok(round < MOST_ROUNDS, 'nothing is ever told');
        const ticks = 23 + round * 17;
        from = 1 + (await watchAndKill(t, url, { from, ticks }));
        await using stores = await openStoresAt(url);
        const recorded = await stores.events.read({ afterId: 0, limit: 100_000 });
        const stories = storiesOf(recorded.map(({ event }) => event as ThresholdEvent));
        const states = await stores.rules.states('host-1');
        for (const [room, story] of stories) {
          assert.match(story, /^(?:vr)*v?$/, `room ${room}, round ${round}`);
          const state = states.find(({ labels }) => labels['room'] === room);
          // The state and the event that tells of it are written together, or not at all.
          assert.equal(state?.kind === 'firing', story.endsWith('v'), `room ${room}: ${story}`);
        }
        told = stories.size;
      }
      const aheadMs = from * 1000;
      await using world = await openWorld({ url, configRules: [warmRule({ for: 3 })], aheadMs });
      const cool = Object.fromEntries(ALL_ROOMS.map((room) => [room, 20]));
      await world.tick(cool, { seconds: 3 });
      assert.deepEqual(world.alerts(), []);
      for (const story of storiesOf(await world.events()).values())
        assert.match(story, /^(?:vr)+$/);
    });
  });
}

describe('an alert that fires', () => {
  it('is not told again after kill -9, and resolves when it is over', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'drover-crash-'));
    t.after(() => rm(directory, { recursive: true }));
    const url = `sqlite:${join(directory, 'rules.db')}`;
    const last = await watchAndKill(t, url, { from: 0, ticks: 30 });
    await using world = await openWorld({
      url,
      configRules: [warmRule({ for: 3 })],
      aheadMs: (last + 1) * 1000,
    });
    const fired = (await world.events()).filter(({ kind }) => kind === 'threshold.violated');
    assert.ok(fired.length > 0);
    const before = world.alerts().length;
    await world.tick({}, { seconds: 5 });
    assert.equal(world.alerts().length, before, 'what is not seen yet is not over');
    await world.tick({}, { seconds: 70 });
    assert.deepEqual(world.alerts(), []);
    for (const story of storiesOf(await world.events()).values()) assert.match(story, /^(?:vr)+$/);
  });
});
