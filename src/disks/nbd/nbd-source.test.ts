/** With Debian's nbdkit and qemu-nbd (package qemu-utils), and a server that does it wrong. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openFileRangeSource } from '#disks/file-range-source.ts';
import { createRawReader } from '#disks/raw/raw-reader.ts';
import { systemClock, type Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { GIB, MIB } from '#kernel/units.ts';
import { someBytes, writeDisk } from '#test/disks/generated-disk.ts';
import { assertSameContent } from '#test/disks/same-content.ts';
import { openNbdProgram } from '#test/nbd/nbd-program.ts';
import {
  chunk,
  CONTEXT_ID,
  GREETING,
  openScriptedNbd,
  optionReply,
  packed,
  type NbdRequest,
  type NbdScript,
} from '#test/nbd/scripted-nbd.ts';
import { until } from '#test/until.ts';
import { NbdSource } from './nbd-source.ts';

const SIGNAL = new AbortController().signal;
const READ = 0;
const STATUS = 7;
const DISCONNECT = 2;

let directory: string;
let disk: string;
const CAPACITY = 20 * MIB + 512;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-nbd-source-'));
  disk = join(directory, 'disk.raw');
  const data = (offset: number, length: number) => ({ offset, data: someBytes(offset, length) });
  const writes = [data(0, 5000), data(3 * MIB, 4 * MIB + 512), data(20 * MIB, 512)];
  writeDisk(disk, { bytes: CAPACITY, writes });
});
after(() => rmSync(directory, { recursive: true }));

async function open(
  socketPath: string,
  { capacityBytes = CAPACITY, clock = systemClock }: { capacityBytes?: number; clock?: Clock } = {},
): Promise<NbdSource> {
  return await NbdSource.open({ socketPath, exportName: '', clock, capacityBytes }, SIGNAL);
}

describe('NbdSource', () => {
  const FILTERS: Readonly<Record<string, readonly string[]>> = {
    'with chunks': [],
    'with simple replies': ['--no-sr'],
    'that does not tell what is allocated': ['--filter=noextents'],
    'that gives little at once': [
      ...['--filter=blocksize-policy', 'blocksize-maximum=64K', 'blocksize-minimum=512'],
      ...['blocksize-preferred=4096', 'blocksize-error-policy=error'],
    ],
  };
  for (const [what, options] of Object.entries(FILTERS)) {
    it(`reads a disk from nbdkit ${what}`, async () => {
      const [filters, params] = [options.filter((one) => one.startsWith('--')), options];
      const given = params.filter((one) => !one.startsWith('--'));
      await using server = await openNbdProgram('nbdkit', ...filters, 'file', disk, ...given);
      await using source = await open(server.socketPath);
      await assertSameContent(createRawReader(source), disk);
      const skips = !/simple|not tell/.test(what);
      assert.equal(source.receivedBytes < 5 * MIB, skips, `${source.receivedBytes} bytes came`);
    });
  }

  it('reads a disk from qemu-nbd, from any offset on', async () => {
    await using server = await openNbdProgram('qemu-nbd', '-r', '-f', 'raw', disk);
    await using source = await open(server.socketPath);
    await assertSameContent(createRawReader(source), disk);
    const before = source.receivedBytes;
    await assertSameContent(createRawReader(source), disk, { fromOffset: 6 * MIB });
    assert.ok(source.receivedBytes - before < 2 * MIB);
  });

  it('finds what little there is on a disk of terabytes', async () => {
    const path = join(directory, 'sparse.raw');
    const writes = [GIB + 512, 2999 * GIB].map((offset) => ({ offset, data: someBytes(1, 4096) }));
    writeDisk(path, { bytes: 3000 * GIB, writes });
    await using server = await openNbdProgram('nbdkit', 'file', path);
    await using source = await open(server.socketPath, { capacityBytes: 3000 * GIB });
    await assertSameContent(createRawReader(source), path);
    assert.ok(source.receivedBytes < 64 * 1024, `${source.receivedBytes} bytes came`);
  });

  it('refuses a disk that ends too soon', async () => {
    await using server = await openNbdProgram('nbdkit', 'file', disk);
    await assert.rejects(open(server.socketPath, { capacityBytes: CAPACITY + 512 }), {
      kind: 'failed_precondition',
      reason: 'DISK_TOO_SHORT',
    });
  });

  it('says what the server says of a piece that cannot be read, and reads on', async () => {
    const pread = `test $4 -lt 1048576 && dd if=${disk} bs=$3 count=1 skip=$4 iflag=skip_bytes ||
      { echo 'EIO the platter is scratched' >&2; exit 1; }`;
    await using server = await openNbdProgram(
      ...(['nbdkit', 'eval', `get_size=echo ${CAPACITY}`, `pread=${pread}`] as const),
    );
    await using source = await open(server.socketPath);
    await assert.rejects(source.read(2 * MIB, 512, SIGNAL), {
      kind: 'unavailable',
      reason: 'NBD_READ_FAILED',
      message: /^reading 512 bytes at 2097152: /,
    });
    assert.deepEqual(await source.read(512, 512, SIGNAL), await contentAt(512, 512));
  });

  it('does not wait for an answer when it is aborted, or for a server that is silent', async () => {
    await using server = await openScriptedNbd();
    const clock = new FakeClock();
    await using source = await open(server.socketPath, { capacityBytes: MIB, clock });
    const stop = new AbortController();
    const aborted = source.read(0, 512, stop.signal);
    stop.abort(new Error('stop'));
    await assert.rejects(aborted, /stop/);
    const silent = assert.rejects(source.read(0, 512, SIGNAL), { reason: 'NBD_SILENT' });
    await until(() => server.requests.length === 2 || undefined, 'the request');
    await clock.advance(80_000);
    await silent;
    await assert.rejects(source.read(0, 512, SIGNAL), { reason: 'NBD_SILENT' });
    await until(async () => (await server.connections()) === 0 || undefined, 'the end');
  });

  it('takes a server for silent only while something is asked of it', async () => {
    const answers: (() => void)[] = [];
    await using server = await openScriptedNbd({
      onRequest({ command, cookie, offset }, send) {
        if (command !== READ) return;
        answers.push(() => send(chunk(cookie, 2, packed([64, offset], [32, 512]))));
      },
    });
    const clock = new FakeClock();
    {
      await using source = await open(server.socketPath, { capacityBytes: MIB, clock });
      for (const asked of [1, 2]) {
        await clock.advance(200_000);
        const read = source.read(0, 512, SIGNAL);
        await until(() => answers.length === asked || undefined, 'the request');
        await clock.advance(40_000);
        answers.at(-1)?.();
        assert.equal((await read).length, 512);
      }
    }
    assert.equal(clock.pendingTimers, 0);
    const goodbye = () => server.requests.at(-1)?.command === DISCONNECT || undefined;
    await until(goodbye, 'a word at the end');
  });

  it('fails all that is under way when the server goes', async () => {
    const server = await openScriptedNbd();
    await using source = await open(server.socketPath, { capacityBytes: MIB });
    const reads = [0, 512, 1024].map((offset) => source.read(offset, 512, SIGNAL));
    const all = Promise.allSettled(reads);
    await until(() => server.requests.length === 3 || undefined, 'the requests');
    await server[Symbol.asyncDispose]();
    for (const read of await all) {
      assert.ok(read.status === 'rejected' && read.reason instanceof DroverError);
      assert.equal(read.reason.reason, 'NBD_CONNECTION_LOST');
      assert.equal(read.reason.kind, 'unavailable');
    }
  });

  it('takes pieces of an answer in any order, and answers in any order', async () => {
    const later: (() => void)[] = [];
    await using server = await openScriptedNbd({
      onRequest({ cookie, offset }, send) {
        const half = (at: bigint) => packed([64, at], Buffer.alloc(256, Number(at % 251n)));
        later.push(() => {
          send(chunk(cookie, 1, half(offset + 256n), 0));
          send(chunk(cookie, 2, packed([64, offset], [32, 256]), 0));
          send(chunk(cookie, 0, Buffer.alloc(0)));
        });
        if (later.length === 2) for (const answer of later.toReversed()) answer();
      },
    });
    await using source = await open(server.socketPath, { capacityBytes: MIB });
    const [first, second] = await Promise.all(
      [0, 512].map((offset) => source.read(offset, 512, SIGNAL)),
    );
    assert.deepEqual(first, Buffer.concat([Buffer.alloc(256), Buffer.alloc(256, 256 % 251)]));
    assert.deepEqual(second, Buffer.concat([Buffer.alloc(256), Buffer.alloc(256, 768 % 251)]));
  });

  it('reads what a server cannot tell whether it is empty', async () => {
    await using server = await openScriptedNbd({
      onRequest({ cookie }, send) {
        send(chunk(cookie, 0x8001, packed([32, 22], [16, 0])));
      },
    });
    await using source = await open(server.socketPath, { capacityBytes: MIB });
    assert.deepEqual(await source.nextData(512, SIGNAL), { offset: 512, length: MIB - 512 });
    assert.deepEqual(await source.nextData(0, SIGNAL), { offset: 0, length: MIB });
    assert.equal(server.requests.length, 1);
  });
});

/** Instead of what a server usually says to GO. */
function infoOf(option: number, info: Buffer): Buffer | undefined {
  return option === 7 ? Buffer.concat([optionReply(7, 3, info), optionReply(7, 1)]) : undefined;
}

/** Instead of what a server usually says to the wish for chunks. */
function onStructured(reply: Buffer): NonNullable<NbdScript['onOption']> {
  return (option) => (option === 8 ? reply : undefined);
}

async function contentAt(offset: number, length: number): Promise<Uint8Array> {
  await using file = await openFileRangeSource(disk);
  return Buffer.from(await file.read(offset, length, SIGNAL));
}

describe('NbdSource, of a server that breaks the protocol', () => {
  const HANDSHAKES: Readonly<Record<string, NbdScript>> = {
    'another greeting': { greeting: Buffer.alloc(18, 'x') },
    'the handshake of old': { greeting: packed(Buffer.from('NBDMAGICIHAVEOPT'), [16, 0]) },
    'the end in its greeting': { greeting: GREETING.subarray(0, 17), endsAfterGreeting: true },
    'the answer to another option': { onOption: onStructured(optionReply(99, 1)) },
    'an answer that begins otherwise': {
      onOption: onStructured(packed([64, 1], [32, 8], [32, 1], [32, 0])),
    },
    'an answer of a gigabyte': {
      onOption: (option) => packed([64, 0x3e889045565a9n], [32, option], [32, 1], [32, GIB]),
    },
    'an answer of a little too much': {
      onOption: onStructured(
        Buffer.concat([optionReply(8, 4, Buffer.alloc(65_537)), optionReply(8, 1)]),
      ),
    },
    'answers without an end': {
      onOption: (option) => Buffer.concat(Array(100).fill(optionReply(option, 4))),
    },
    'no length': { onOption: (option) => optionReply(option, 1) },
    'a length of 2^63': { sizeBytes: 2n ** 63n },
    'half a length': { onOption: (option) => infoOf(option, packed([16, 0], [32, 1])) },
  };
  for (const [what, script] of Object.entries(HANDSHAKES)) {
    it(`refuses ${what}`, async () => {
      await using server = await openScriptedNbd(script);
      await assert.rejects(open(server.socketPath, { capacityBytes: MIB }), {
        kind: 'unavailable',
        reason: /^NBD_(PROTOCOL_BROKEN|CONNECTION_LOST)$/,
      });
      await until(async () => (await server.connections()) === 0 || undefined, 'the end');
    });
  }

  it('takes of the handshake what the server offers, and no more', async () => {
    for (const offered of [1, 3]) {
      const greeting = packed(Buffer.from('NBDMAGICIHAVEOPT'), [16, offered]);
      await using server = await openScriptedNbd({ greeting });
      await using _source = await open(server.socketPath, { capacityBytes: MIB });
      assert.deepEqual(server.flags, [offered]);
    }
  });

  it('says what the server says when it does not give the disk', async () => {
    const refusal = Buffer.from('no such\ndisk');
    await using server = await openScriptedNbd({
      onOption: (option) => (option === 7 ? optionReply(7, 0x80000006, refusal) : undefined),
    });
    await assert.rejects(open(server.socketPath), {
      reason: 'NBD_EXPORT_REFUSED',
      message: 'the NBD server does not give the disk: no such disk',
    });
  });

  const data = (offset: bigint, length: number) => packed([64, offset], Buffer.alloc(length));
  const HERE = 512n;
  const REPLIES: Readonly<Record<string, (request: NbdRequest) => Buffer>> = {
    'no reply at all': () => Buffer.alloc(64, 'x'),
    'the answer to what was not asked': ({ cookie }) => chunk(cookie + 1n, 1, data(HERE, 512)),
    'an answer with a cookie of 64 bits': () => chunk(2n ** 64n - 1n, 1, data(HERE, 512)),
    'data without structure': ({ cookie }) =>
      packed([32, 0x67446698], [32, 0], [64, cookie], Buffer.alloc(512)),
    'too much': ({ cookie }) => chunk(cookie, 1, data(HERE, 513)),
    'too little': ({ cookie }) => chunk(cookie, 1, data(HERE, 511)),
    nothing: ({ cookie }) => chunk(cookie, 0, Buffer.alloc(0)),
    'data without a place': ({ cookie }) => chunk(cookie, 1, packed([32, 0])),
    'a gigabyte': ({ cookie }) =>
      packed([32, 0x668e33ef], [16, 1], [16, 1], [64, cookie], [32, GIB]),
    'what lies nowhere': ({ cookie }) => chunk(cookie, 1, data(2n ** 63n, 16)),
    'what lies before': ({ cookie }) => chunk(cookie, 1, data(0n, 512)),
    'the same twice': ({ cookie }) =>
      Buffer.concat([chunk(cookie, 1, data(HERE, 256), 0), chunk(cookie, 1, data(HERE, 256))]),
    'a gap in the middle': ({ cookie }) =>
      Buffer.concat([
        chunk(cookie, 1, data(HERE, 100), 0),
        chunk(cookie, 1, data(HERE + 300n, 212)),
      ]),
    'a hole of nothing': ({ cookie }) =>
      Buffer.concat([
        chunk(cookie, 2, packed([64, HERE], [32, 0]), 0),
        chunk(cookie, 1, data(HERE, 512)),
      ]),
    'a hole and more': ({ cookie }) => chunk(cookie, 2, packed([64, HERE], [32, 512], [64, 0])),
    'a hole behind the end': ({ cookie }) => chunk(cookie, 2, packed([64, HERE + 256n], [32, 257])),
    'what is allocated': ({ cookie }) =>
      chunk(cookie, 5, packed([32, CONTEXT_ID], [32, 512], [32, 0])),
    'a failure that is cut off': ({ cookie }) => chunk(cookie, 0x8001, packed([32, 5], [16, 100])),
    'a failure without a reason': ({ cookie }) => chunk(cookie, 0x8001, packed([32, 5])),
    'a failure of a megabyte': ({ cookie }) =>
      packed([32, 0x668e33ef], [16, 1], [16, 0x8001], [64, cookie], [32, MIB]),
  };
  for (const [what, reply] of Object.entries(REPLIES)) {
    it(`refuses ${what} for the data that it asked for`, async () => {
      await using server = await openScriptedNbd({
        onRequest: (request, send) => request.command === READ && send(reply(request)),
      });
      await using source = await open(server.socketPath, { capacityBytes: MIB });
      const read = source.read(Number(HERE), 512, SIGNAL);
      await assert.rejects(read, { kind: 'unavailable', reason: 'NBD_PROTOCOL_BROKEN' });
    });
  }

  it('refuses chunks where they were not agreed on', async () => {
    await using server = await openScriptedNbd({
      onOption: onStructured(optionReply(8, 0x80000001)),
      onRequest: ({ cookie }, send) => send(chunk(cookie, 1, data(0n, 512))),
    });
    await using source = await open(server.socketPath, { capacityBytes: MIB });
    // Nor is what is allocated asked for, which comes in chunks alone.
    assert.deepEqual(await source.nextData(0, SIGNAL), { offset: 0, length: MIB });
    assert.deepEqual(server.requests, []);
    await assert.rejects(source.read(0, 512, SIGNAL), { reason: 'NBD_PROTOCOL_BROKEN' });
  });

  const REPEATED: Readonly<Record<string, (request: NbdRequest) => Buffer>> = {
    'in chunks': ({ cookie, offset }) => chunk(cookie, 1, data(offset, 512)),
    'as a failure': ({ cookie }) => packed([32, 0x67446698], [32, 5], [64, cookie]),
  };
  for (const [how, reply] of Object.entries(REPEATED)) {
    it(`refuses an answer that comes once more ${how}`, async () => {
      await using server = await openScriptedNbd({
        onRequest(request, send) {
          if (request.command !== READ) return;
          send(Buffer.concat([reply(request), reply(request)]));
        },
      });
      await using source = await open(server.socketPath, { capacityBytes: MIB });
      await source.read(0, 512, SIGNAL).catch(() => undefined);
      await assert.rejects(source.read(512, 512, SIGNAL), { reason: 'NBD_PROTOCOL_BROKEN' });
    });
  }

  for (const [text, why] of [
    ['', 'it could not be read'],
    ['no'.repeat(500), 'no'.repeat(150)],
  ] as const) {
    it(`says of ${text.length} characters of a failure what is needed`, async () => {
      const body = packed([32, 5], [16, text.length], Buffer.from(text));
      await using server = await openScriptedNbd({
        onRequest: ({ cookie }, send) => send(chunk(cookie, 0x8001, body)),
      });
      await using source = await open(server.socketPath, { capacityBytes: MIB });
      const message = `reading 512 bytes at 0: ${why}`;
      await assert.rejects(source.read(0, 512, SIGNAL), { reason: 'NBD_READ_FAILED', message });
    });
  }

  const STATUSES: Readonly<Record<string, Buffer>> = {
    'of another context': packed([32, CONTEXT_ID + 1], [32, MIB], [32, 3]),
    'without a length': packed([32, CONTEXT_ID], [32, 0], [32, 3]),
    'that is cut off': packed([32, CONTEXT_ID], [32, MIB]),
    'of nothing': packed([32, CONTEXT_ID]),
    'with half a stretch': packed([32, CONTEXT_ID], [32, MIB], [32, 3], [32, 512]),
  };
  for (const [what, body] of Object.entries(STATUSES)) {
    it(`does not believe a report of holes ${what}`, async () => {
      await using server = await openScriptedNbd({
        onRequest: ({ command, cookie }, send) =>
          command === STATUS && send(chunk(cookie, 5, body)),
      });
      await using source = await open(server.socketPath, { capacityBytes: MIB });
      assert.deepEqual(await source.nextData(0, SIGNAL), { offset: 0, length: MIB });
      await assert.rejects(source.read(0, 512, SIGNAL), { reason: 'NBD_PROTOCOL_BROKEN' });
    });
  }
});
