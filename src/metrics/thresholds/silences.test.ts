import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openWorld, warmRule, type ThresholdWorld } from '#test/threshold-fixture.ts';
import { parseSilence } from './silence.ts';

const RULE = warmRule({ for: 2 });
const WARM = { 'room=a': 35, 'room=b': 36 };
const COLD = { 'room=a': 20, 'room=b': 20 };

async function silence(world: ThresholdWorld, match: readonly string[], until = '1m') {
  const draft = parseSilence({ match, until }, world.clock.nowMs());
  return await world.thresholds.silences.create(draft, 'operator:ada');
}

describe('a silence', () => {
  it('shows what fires and tells nobody, and tells it when the silence is over', async () => {
    await using world = await openWorld({ configRules: [RULE] });
    await silence(world, ['room="a"', 'rule="warm"'], '10s');
    await world.tick(WARM, { seconds: 5 });
    assert.deepEqual(world.alerts(), ['firing room="a" 35', 'firing room="b" 36']);
    assert.deepEqual(await world.told(), ['violated b 36']);
    const views = world.thresholds.states({ customerId: undefined });
    assert.deepEqual(
      views.map(({ series, silence: held }) => [series.labels['room'], held?.createdBy]),
      [
        ['a', 'operator:ada'],
        ['b', undefined],
      ],
    );
    await world.tick(WARM, { seconds: 6 });
    assert.deepEqual(await world.told(), ['violated b 36', 'violated a 35']);
    await world.tick(COLD, { seconds: 2 });
    assert.equal((await world.told()).length, 4);
  });

  it('lets end untold what was never told, and tells the end of what was', async () => {
    await using world = await openWorld({ configRules: [RULE] });
    await world.tick({ 'room=a': 35 }, { seconds: 3 });
    await silence(world, ['severity="warning"']);
    await world.tick(WARM, { seconds: 4 });
    await world.tick(COLD, { seconds: 2 });
    assert.deepEqual(world.alerts(), []);
    assert.deepEqual(await world.told(), ['violated a 35', 'resolved a 20']);
  });

  it('holds over a restart, and so does what was not told yet', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'drover-silence-'));
    await using _ = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
    const url = `sqlite:${join(directory, 'rules.db')}`;
    {
      await using world = await openWorld({ configRules: [RULE], url });
      await silence(world, ['room=~"a|b"'], '30s');
      await world.tick({ 'room=a': 35 }, { seconds: 8 });
    }
    await using world = await openWorld({ configRules: [RULE], url, aheadMs: 9000 });
    await world.tick({ 'room=a': 35 }, { seconds: 2 });
    assert.deepEqual(world.alerts(), ['firing room="a" 35']);
    assert.deepEqual(await world.told(), []);
    await world.tick({ 'room=a': 35 }, { seconds: 25 });
    assert.deepEqual(await world.told(), ['violated a 35']);
  });

  it('ends when it is removed, and is seen by another process of the database', async () => {
    await using world = await openWorld({ configRules: [RULE] });
    const { id } = await silence(world, ['room="a"']);
    assert.equal((await world.stores.rules.silences()).length, 1);
    await world.stores.rules.removeSilence(id);
    await world.tick(WARM, { seconds: 8 });
    assert.deepEqual((await world.told()).toSorted(), ['violated a 35', 'violated b 36']);
    await assert.rejects(world.thresholds.silences.remove(id), { kind: 'not_found' });
  });
});

describe('parseSilence', () => {
  const NOW = Date.UTC(2026, 0, 1);
  const refused: readonly (readonly [what: string, body: object, text: RegExp])[] = [
    ['nothing to match', { match: [], until: '1h' }, /match: must be a list of 1 to 10/],
    ['no end', { match: ['a="b"'] }, /until: is missing/],
    ['an end that is over', { match: ['a="b"'], until: '2025-12-31T00:00:00Z' }, /a time to come/],
    ['what is no matcher', { match: ['web'], until: '1h' }, /match\[0\]: must be such as server=/],
    ['a mistyped key', { match: ['a="b"'], until: '1h', coment: '' }, /did you mean comment/],
  ];
  for (const [what, body, text] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseSilence(body, NOW), { kind: 'invalid_argument', message: text });
    });
  }

  it('takes a length of time or an instant', () => {
    const until = (text: string) => parseSilence({ match: ['a="b"'], until: text }, NOW).untilMs;
    assert.equal(until('90m'), NOW + 5_400_000);
    assert.equal(until('2026-01-02T00:00:00Z'), NOW + 86_400_000);
  });
});
