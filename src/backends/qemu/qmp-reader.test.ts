import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { DroverError } from '#kernel/errors.ts';
import { MAX_QMP_LINE_BYTES, QmpReader, type QmpMessage } from './qmp-reader.ts';

const GREETING = '{"QMP": {"version": {"qemu": {"major": 7}}, "capabilities": ["oob"]}}\r\n';
const STREAM = [
  GREETING,
  '{"return": {}, "id": 1}\r\n',
  '\r\n',
  '{"event": "RESET", "data": {"guest": true, "reason": "guest-reset"}, "timestamp": {}}\n',
  '{"event": "STOP"}\n',
  '{"id": 2, "error": {"class": "GenericError", "desc": "größer\\nnicht"}}\n',
  '{"id": 3, "return": [1, {"event": "in the answer"}]}\n',
].join('');
const MESSAGES: readonly QmpMessage[] = [
  { kind: 'greeting' },
  { kind: 'return', id: 1, value: {} },
  { kind: 'event', name: 'RESET', data: { guest: true, reason: 'guest-reset' } },
  { kind: 'event', name: 'STOP', data: {} },
  { kind: 'error', id: 2, errorClass: 'GenericError', description: 'größer\nnicht' },
  { kind: 'return', id: 3, value: [1, { event: 'in the answer' }] },
];

/** The same numbers for the same seed, so that a failure can be seen again. */
function createDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

describe('the reader of QMP', () => {
  it('reads the same messages however the bytes are cut', () => {
    const bytes = Buffer.from(STREAM);
    for (let seed = 1; seed <= 500; seed += 1) {
      const roll = createDice(seed);
      const reader = new QmpReader();
      const seen: QmpMessage[] = [];
      for (let at = 0; at < bytes.length;) {
        const end = at + 1 + roll(1 + roll(bytes.length));
        seen.push(...reader.push(bytes.subarray(at, end)));
        at = end;
      }
      assert.deepEqual(seen, MESSAGES, `seed ${seed}`);
    }
  });

  it('takes hostile bytes for an error, never for a crash', () => {
    for (let seed = 1; seed <= 3000; seed += 1) {
      const roll = createDice(seed);
      const bytes = Buffer.from(STREAM);
      for (let damage = roll(8); damage >= 0; damage -= 1) bytes[roll(bytes.length)] = roll(256);
      const reader = new QmpReader();
      try {
        for (let at = 0; at < bytes.length; at += 64) reader.push(bytes.subarray(at, at + 64));
      } catch (thrown) {
        assert.ok(thrown instanceof DroverError, `seed ${seed}: ${String(thrown)}`);
        assert.equal(thrown.kind, 'unavailable');
      }
    }
  });

  it('refuses lines that are no message', () => {
    for (const line of ['hello', '[]', '"x"', '1', 'null', '{}', '{"event": 1}', '{"QMP": 1}']) {
      assert.throws(() => new QmpReader().push(Buffer.from(`${line}\n`)), {
        reason: 'QMP_PROTOCOL',
      });
    }
  });

  it('keeps no more than one line of 1 MiB', () => {
    const reader = new QmpReader();
    const chunk = Buffer.alloc(64 * 1024, 0x20);
    for (let kept = 0; kept < MAX_QMP_LINE_BYTES; kept += chunk.length) reader.push(chunk);
    assert.throws(() => reader.push(Buffer.from(' ')), { reason: 'QMP_PROTOCOL' });
  });
});
