import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { ServerId } from '#kernel/ids.ts';
import type { SourceSpec } from '#fleet/server.ts';
import type { FeedRequest } from '#fleet/source-feed.ts';
import { SourceFeedOpener } from './source-feed-opener.ts';

const opener = new SourceFeedOpener({
  clock: new FakeClock(),
  local: () => assert.fail('nothing here is this host'),
});
const HTTP = {
  url: 'https://10.0.0.5',
  trust: { ca: undefined, thumbprint: undefined, isInsecure: false },
  sealedSecret: undefined,
} as const;
const SPECS: readonly SourceSpec[] = [
  { kind: 'exporter', ...HTTP },
  { kind: 'prometheus', instance: 'a', ...HTTP },
  { kind: 'proxmox', node: 'pve1', ...HTTP },
  { kind: 'qdrant', ...HTTP },
];

function request(id: string, spec: SourceSpec, secret?: string): FeedRequest {
  return { id: id as ServerId, spec, secret };
}

describe('SourceFeedOpener', () => {
  it('opens a feed of each kind, whose label and key hold no secret', async () => {
    for (const spec of SPECS) {
      const asked = request('one', spec, 'hunter2');
      await using feed = opener.open([asked, asked]);
      assert.equal(feed.kind, spec.kind);
      assert.equal(feed.label, `${spec.kind} ${HTTP.url}`);
      assert.doesNotMatch(opener.keyOf(asked), /hunter2/);
    }
  });

  it('asks a Prometheus and a cluster once for all servers, but not for those of others', () => {
    for (const spec of SPECS) {
      const key = opener.keyOf(request('one', spec, 'hunter2'));
      const isShared = spec.kind === 'prometheus' || spec.kind === 'proxmox';
      assert.equal(opener.keyOf(request('two', spec, 'hunter2')) === key, isShared, spec.kind);
      if (isShared) assert.notEqual(opener.keyOf(request('two', spec, 'hunter3')), key);
    }
    const [, prometheus] = SPECS;
    const other: SourceSpec = { kind: 'prometheus', instance: 'b', ...HTTP };
    assert.ok(prometheus);
    assert.equal(opener.keyOf(request('b', other)), opener.keyOf(request('a', prometheus)));
    const trusting = { ...other, trust: { ...HTTP.trust, isInsecure: true } };
    assert.notEqual(opener.keyOf(request('b', trusting)), opener.keyOf(request('b', other)));
  });
});
