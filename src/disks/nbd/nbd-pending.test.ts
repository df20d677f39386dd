/** Answers in more parts than one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { MIB } from '#kernel/units.ts';
import {
  chunk,
  CONTEXT_ID,
  openScriptedNbd,
  packed,
  type NbdScript,
} from '#test/nbd/scripted-nbd.ts';
import { NbdSource } from './nbd-source.ts';

const SIGNAL = new AbortController().signal;
const BROKEN = { reason: 'NBD_PROTOCOL_BROKEN' };

async function openOver(onRequest: NonNullable<NbdScript['onRequest']>) {
  const stack = new AsyncDisposableStack();
  const { socketPath } = stack.use(await openScriptedNbd({ onRequest }));
  const options = { socketPath, exportName: '', clock: systemClock, capacityBytes: MIB };
  const source = stack.use(await NbdSource.open(options, SIGNAL));
  return { source, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('an answer of an NBD server', () => {
  for (const [pieces, isTaken] of [
    [8192, true],
    [8193, false],
  ] as const) {
    it(`${isTaken ? 'may' : 'must not'} come in ${pieces} pieces`, async () => {
      await using opened = await openOver(({ cookie, length }, send) => {
        const all = Array.from({ length }, (_, at) =>
          chunk(cookie, 1, packed([64, at], [8, at % 251]), at + 1 === length ? 1 : 0),
        );
        send(Buffer.concat(all));
      });
      const read = opened.source.read(0, pieces, SIGNAL);
      if (isTaken) assert.deepEqual([...(await read)].slice(-2), [8190 % 251, 8191 % 251]);
      else await assert.rejects(read, BROKEN);
    });
  }

  it('tells only once what is allocated', async () => {
    const told = packed([32, CONTEXT_ID], [32, MIB], [32, 3]);
    await using opened = await openOver(({ command, cookie }, send) => {
      if (command !== 7) return;
      send(Buffer.concat([chunk(cookie, 5, told, 0), chunk(cookie, 5, told)]));
    });
    const whole = { offset: 0, length: MIB };
    assert.deepEqual(await opened.source.nextData(0, SIGNAL), whole);
    await assert.rejects(opened.source.read(0, 512, SIGNAL), BROKEN);
  });

  it('tells of no more than the disk has', async () => {
    const told = packed([32, CONTEXT_ID], [32, 512], [32, 3], [32, 2 * MIB], [32, 0]);
    await using opened = await openOver(({ command, cookie }, send) => {
      if (command === 7) send(chunk(cookie, 5, told));
    });
    const rest = { offset: 512, length: MIB - 512 };
    assert.deepEqual(await opened.source.nextData(0, SIGNAL), rest);
  });
});
