import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeFleet, injectFleet, READINGS, role } from '#test/fleet-fixture.ts';

describe('answers about all servers', () => {
  it('are made of what is written once for each snapshot, and not at all for a 304', async (t) => {
    const fake = new FakeFleet();
    t.after(() => fake[Symbol.asyncDispose]());
    let reads = 0;
    const cpu = {
      ...READINGS.ai.cpu,
      get usagePercent() {
        reads += 1;
        return 45.2;
      },
    };
    fake.feeds.answers.set('http://still', { cpu });
    fake.feeds.answers.set('http://moving', READINGS.ai);
    await fake.watch(role('still', 'any'), role('moving', 'any'));
    const { call } = injectFleet(fake);
    const first = await call('/api/servers/overview');
    assert.equal(reads, 1);
    for (const path of ['/api/servers/overview', '/api/servers', '/api/servers/overview/']) {
      const { json, headers } = await call(path);
      assert.deepEqual(json['servers'], first.json['servers']);
      assert.equal(headers['content-type'], 'application/json; charset=utf-8');
    }
    fake.alerts.set(role('moving').id, { critical: 1, warning: 0, info: 0 });
    await fake.clock.advance(1000);
    const { json, headers } = await call('/api/servers/overview?envelope=1');
    assert.partialDeepStrictEqual(json, { data: { alerts_count: 1 }, status: 'success' });
    assert.equal(reads, 1);
    const known = { 'if-none-match': String(headers['etag']) };
    const again = await call('/api/servers/overview?envelope=1', known);
    assert.equal(again.status, 304);
  });
});
