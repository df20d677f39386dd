import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SourceFeed } from '#fleet/source-feed.ts';
import { RemoteFeed } from './remote-feed.ts';

const { signal } = new AbortController();

function feed(load: () => Promise<SourceFeed>): RemoteFeed {
  return new RemoteFeed({ kind: 'exporter', label: 'exporter http://10.0.0.5', load });
}

class CountedFeed implements SourceFeed {
  readonly kind = 'exporter';
  readonly label = 'counted';
  polls = 0;
  closes = 0;

  poll() {
    this.polls += 1;
    return Promise.resolve(new Map());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closes += 1;
    return await Promise.resolve();
  }
}

describe('RemoteFeed', () => {
  it('is loaded when it is first asked, once, and closed with what was loaded', async () => {
    const counted = new CountedFeed();
    let loads = 0;
    {
      await using remote = feed(() => {
        loads += 1;
        return Promise.resolve(counted);
      });
      assert.equal(loads, 0);
      await remote.poll(signal);
      await remote.poll(signal);
    }
    assert.deepEqual([loads, counted.polls, counted.closes], [1, 2, 1]);
  });

  it('is loaded again when that failed, and says why it did', async () => {
    const answers = [Promise.reject(new Error('no such file')), Promise.resolve(new CountedFeed())];
    await using remote = feed(() => answers.shift() ?? assert.fail('it was loaded before'));
    await assert.rejects(remote.poll(signal), /no such file/);
    assert.equal((await remote.poll(signal)).size, 0);
  });

  it('that was never asked has nothing to close', async () => {
    await using _remote = feed(() => assert.fail('nobody asked it'));
  });
});
