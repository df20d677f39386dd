import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MIB } from '#kernel/units.ts';
import type { TestMember } from '#test/app-member.ts';
import { openTestMember } from '#test/app-member.ts';

const LONG_BYTES = 256 * MIB;
const CHUNK = new Uint8Array(MIB).fill(97);
/** What is under way is a fraction of it; the rest is garbage that was not collected yet. */
const FLAT_BYTES = LONG_BYTES / 2;

interface Memory {
  readonly mostRssBytes: number;
}

/** The most that each side ever had; so what it took in between counts too. */
async function mostMemory(member: TestMember): Promise<{ ours: number; its: number }> {
  const memory: Memory = JSON.parse((await member.ask('/memory')).text);
  return { ours: 1024 * process.resourceUsage().maxRSS, its: memory.mostRssBytes };
}

async function assertFlat(member: TestMember, stream: () => Promise<void>): Promise<void> {
  const before = await mostMemory(member);
  await stream();
  const after = await mostMemory(member);
  assert.ok(after.ours - before.ours < FLAT_BYTES, `we grew by ${after.ours - before.ours}`);
  assert.ok(after.its - before.its < FLAT_BYTES, `it grew by ${after.its - before.its}`);
}

/** Answers with how much came. */
function download(member: TestMember, byteCount: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const url = `http://app.example/down?bytes=${byteCount}`;
  let bytes = 0;
  const exchange = member.exchanges.begin(
    { url, method: 'GET', headers: [], hasBody: false },
    undefined,
    {
      onHead: () => undefined,
      onData: (chunk) => {
        bytes += chunk.length;
        exchange.consume(chunk.length);
      },
      onEnd: () => resolve(bytes),
      onFail: reject,
      onDrain: () => undefined,
    },
  );
  return promise;
}

function upload(member: TestMember, chunkCount: number): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  let left = chunkCount;
  const fill = () => {
    while (left > 0) {
      left -= 1;
      if (!exchange.write(CHUNK)) return;
    }
    exchange.end();
  };
  const exchange = member.exchanges.begin(
    { url: 'http://app.example/up', method: 'POST', headers: [], hasBody: true },
    undefined,
    {
      onHead: (_head, whole) => resolve(JSON.parse(Buffer.from(whole ?? []).toString())),
      onData: () => undefined,
      onEnd: () => undefined,
      onFail: reject,
      onDrain: fill,
    },
  );
  fill();
  return promise;
}

for (const kind of ['thread', 'process'] as const) {
  describe(`a long body and a member (${kind})`, () => {
    it('comes out of it whole, and neither side grows', async () => {
      await using member = openTestMember(kind);
      await member.become('streaming');
      await download(member, 32 * MIB);
      await assertFlat(member, async () => {
        assert.equal(await download(member, LONG_BYTES), LONG_BYTES);
      });
    });

    it('goes into it whole, and neither side grows', async () => {
      await using member = openTestMember(kind);
      await member.become('streaming');
      await upload(member, 32);
      await assertFlat(member, async () => {
        assert.deepEqual(await upload(member, LONG_BYTES / MIB), { byteCount: LONG_BYTES });
      });
    });
  });
}

describe('an app that does not read', () => {
  it('holds up who sends, and lets go when it answers', async () => {
    await using member = openTestMember('memory');
    await member.become('streaming');
    let hasDrained = false;
    const head = { url: 'http://app.example/wait', method: 'POST', headers: [], hasBody: true };
    const handler = {
      ...{ onHead: () => undefined, onData: () => undefined, onEnd: () => undefined },
      ...{ onFail: assert.fail, onDrain: () => void (hasDrained = true) },
    };
    const exchange = member.exchanges.begin(head, undefined, handler);
    assert.equal(exchange.write(CHUNK), false);
    // Enough of the way and back for credit to come, if there were any.
    for (let asked = 0; asked < 50; asked += 1) await member.ask('/state');
    assert.equal(hasDrained, false);
    exchange.abort();
    const answered = Promise.withResolvers<void>();
    const other = member.exchanges.begin({ ...head, url: 'http://app.example/state' }, undefined, {
      ...handler,
      onEnd: answered.resolve,
    });
    other.write(CHUNK);
    await answered.promise;
  });
});
