/** What a server may say before the first request, and what is made of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { MIB } from '#kernel/units.ts';
import {
  chunk,
  CONTEXT_ID,
  openScriptedNbd,
  optionReply,
  packed,
  type NbdScript,
  type ScriptedNbd,
} from '#test/nbd/scripted-nbd.ts';
import { until } from '#test/until.ts';
import { NbdSource } from './nbd-source.ts';

const SIGNAL = new AbortController().signal;
const [CONTEXT, GO] = [10, 7];
const [ACK, INFO, CONTEXT_REPLY, OTHER, REFUSED] = [1, 3, 4, 99, 0x80000006];
const SIZE = packed([16, 0], [64, MIB], [16, 3]);

async function open({ socketPath }: ScriptedNbd): Promise<NbdSource> {
  const options = { socketPath, exportName: '', clock: systemClock, capacityBytes: MIB };
  return await NbdSource.open(options, SIGNAL);
}

/** To one option, instead of what a server usually says to it. */
function on(asked: number, ...replies: readonly Buffer[]): NbdScript {
  return { onOption: (option) => (option === asked ? Buffer.concat(replies) : undefined) };
}

function withInfo(info: Buffer, type = INFO): NbdScript {
  return on(GO, optionReply(GO, INFO, SIZE), optionReply(GO, type, info), optionReply(GO, ACK));
}

function withBlocks(...[least, most]: readonly [number, number]): NbdScript {
  return withInfo(packed([16, 3], [32, least], [32, 4096], [32, most]));
}

/** Answers each read with zeros. */
const answering: NbdScript['onRequest'] = ({ command, cookie, offset, length }, send) => {
  if (command === 0) send(chunk(cookie, 2, packed([64, offset], [32, length])));
};

describe('the handshake with an NBD server', () => {
  const UNSUITED: Readonly<Record<string, readonly [number, number]>> = {
    'are no part of a sector': [300, 65_536],
    'are of nothing': [0, 65_536],
    'are larger than a sector': [1024, 65_536],
    'never make a sector': [1, 100],
  };
  for (const [what, blocks] of Object.entries(UNSUITED)) {
    it(`refuses blocks that ${what}`, async () => {
      await using server = await openScriptedNbd(withBlocks(...blocks));
      await assert.rejects(open(server), {
        kind: 'failed_precondition',
        reason: 'NBD_BLOCKS_UNSUITED',
      });
    });
  }

  it('asks for no more at once than the server takes, in whole sectors', async () => {
    await using server = await openScriptedNbd({ ...withBlocks(1, 1300), onRequest: answering });
    await using source = await open(server);
    await source.read(0, 2048, SIGNAL);
    assert.deepEqual(
      server.requests.map(({ length }) => length),
      [1024, 1024],
    );
  });

  const BROKEN: Readonly<Record<string, NbdScript>> = {
    'an information of no kind': withInfo(Buffer.alloc(1)),
    'blocks and more': withInfo(packed([16, 3], [32, 1], [32, 4096], [32, 65_536], [8, 0])),
    'a length and more': withInfo(Buffer.concat([SIZE, Buffer.alloc(1)])),
  };
  for (const [what, script] of Object.entries(BROKEN)) {
    it(`refuses ${what}`, async () => {
      await using server = await openScriptedNbd(script);
      await assert.rejects(open(server), { reason: 'NBD_PROTOCOL_BROKEN' });
    });
  }

  it('passes over replies and contexts that it did not ask for', async () => {
    const shorter = withInfo(packed([16, 0], [64, 5], [16, 3]), OTHER);
    const contexts = on(
      CONTEXT,
      optionReply(CONTEXT, OTHER, packed([32, 8], Buffer.from('base:allocation'))),
      optionReply(CONTEXT, CONTEXT_REPLY, packed([32, 9], Buffer.from('other:context'))),
      optionReply(CONTEXT, CONTEXT_REPLY, packed([16, 1])),
      optionReply(CONTEXT, CONTEXT_REPLY, packed([32, CONTEXT_ID], Buffer.from('base:allocation'))),
      optionReply(CONTEXT, ACK),
    );
    await using server = await openScriptedNbd({
      onOption: (...asked) => shorter.onOption?.(...asked) ?? contexts.onOption?.(...asked),
      onRequest: ({ command, cookie }, send) => {
        const half = [32, MIB / 2] as const;
        const told = packed([32, CONTEXT_ID], half, [32, 3], half, [32, 0]);
        if (command === 7) send(chunk(cookie, 5, told));
      },
    });
    await using source = await open(server);
    const half = { offset: MIB / 2, length: MIB / 2 };
    assert.deepEqual(await source.nextData(0, SIGNAL), half);
  });

  it('leaves a server whose disk is too short', async () => {
    await using server = await openScriptedNbd({ sizeBytes: 512n });
    await assert.rejects(open(server), { reason: 'DISK_TOO_SHORT' });
    await until(async () => (await server.connections()) === 0 || undefined, 'the end');
  });

  const REFUSALS: readonly (readonly [Buffer, string])[] = [
    [Buffer.alloc(0), 'refusal 6'],
    [Buffer.from('no'.repeat(500)), 'no'.repeat(150)],
  ];
  for (const [text, why] of REFUSALS) {
    it(`says of ${text.length} bytes of a refusal what is needed`, async () => {
      await using server = await openScriptedNbd(on(GO, optionReply(GO, REFUSED, text)));
      const message = `the NBD server does not give the disk: ${why}`;
      await assert.rejects(open(server), { reason: 'NBD_EXPORT_REFUSED', message });
    });
  }
});
