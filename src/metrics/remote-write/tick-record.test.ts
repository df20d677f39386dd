import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SampleTable } from '#metrics/sample-table.ts';
import { ByteWriter } from '#metrics/byte-writer.ts';
import { STALE, TickDecoder, TickEncoder, type StoredTick } from './tick-record.ts';

const GAUGE = { name: 'g', help: 'A gauge.', kind: 'gauge', scale: 2 } as const;
const LARGEST = Number.MAX_SAFE_INTEGER;

function setUp() {
  const table = new SampleTable();
  const encoder = new TickEncoder();
  const decoder = new TickDecoder();
  let atMs = 1_700_000_000_000;
  const record = (values: Readonly<Record<string, number>>): Buffer => {
    for (const [id, value] of Object.entries(values)) {
      table.family(GAUGE).series({ id }).set(value);
    }
    table.endTick();
    const out = new ByteWriter();
    encoder.encode((atMs += 1000), table, out);
    return Buffer.from(out.view());
  };
  const show = (tick: StoredTick, from = decoder): Record<string, number> =>
    Object.fromEntries(
      from.definitions
        .map(({ labels }, number) => [labels['id'] ?? '', tick.values[number] ?? NaN] as const)
        .filter(([, value]) => !Number.isNaN(value)),
    );
  return { encoder, decoder, record, show };
}

describe('a tick record', () => {
  it('gives back every value of every tick', () => {
    const { decoder, record, show } = setUp();
    const ticks = [
      { a: 1, b: -1, c: 0 },
      { a: 1, b: -1, c: 0 },
      { a: LARGEST, b: -LARGEST, c: 2 ** 50 },
      { a: -LARGEST, b: LARGEST, c: 2 ** 50 + 1 },
      { a: 5, b: 6, c: 7, d: 8 },
    ];
    for (const tick of ticks) assert.deepEqual(show(decoder.decode(record(tick))), tick);
    assert.deepEqual(decoder.definitions[0], { name: 'g', labels: { id: 'a' }, scale: 2 });
  });

  it('marks a series that turned absent once, and knows it when it comes back', () => {
    const { decoder, record, show } = setUp();
    const seen = [{ a: 1, b: 2 }, { a: 1 }, { a: 1 }, { a: 1, b: 2 }].map((tick) =>
      show(decoder.decode(record(tick))),
    );
    assert.deepEqual(seen, [{ a: 1, b: 2 }, { a: 1, b: STALE }, { a: 1 }, { a: 1, b: 2 }]);
  });

  it('counts its samples, the marks of absence too', () => {
    const { decoder, record } = setUp();
    const counts = [{ a: 1, b: 2 }, { a: 1 }, { a: 1 }].map(
      (tick) => decoder.decode(record(tick)).samples,
    );
    assert.deepEqual(counts, [2, 2, 1]);
  });

  it('can be read without the segment before', () => {
    const { encoder, record, show } = setUp();
    record({ a: 1, b: 2, c: 3 });
    encoder.startSegment();
    const decoder = new TickDecoder();
    assert.deepEqual(show(decoder.decode(record({ a: 1, c: 4 })), decoder), {
      a: 1,
      b: STALE,
      c: 4,
    });
  });

  it('marks what an earlier process measured and this one does not', () => {
    const { decoder, record } = setUp();
    decoder.decode(record({ a: 1, b: 2 }));
    const next = new TickEncoder(decoder.present());
    const table = new SampleTable();
    table.family(GAUGE).series({ id: 'b' }).set(7);
    table.endTick();
    const out = new ByteWriter();
    next.startSegment();
    next.encode(1, table, out);
    const again = new TickDecoder();
    assert.deepEqual([...again.decode(out.view()).values], [STALE, 7]);
  });

  it('says again what is gone when the record that said so could not be kept', () => {
    const { encoder, record, show } = setUp();
    record({ a: 1, b: 2 });
    record({ a: 1 });
    encoder.takeBack();
    const decoder = new TickDecoder();
    assert.deepEqual(show(decoder.decode(record({ a: 1 })), decoder), { a: 1, b: STALE });
  });

  it('costs two bytes for all the series that did not change', () => {
    const { record } = setUp();
    const values = Object.fromEntries(Array.from({ length: 100 }, (_, id) => [`s${id}`, id]));
    record(values);
    assert.ok(record(values).length <= 14);
  });

  it('is refused as a whole when a byte of it is another', () => {
    const { record } = setUp();
    const good = record({ a: 1, b: 300, c: 70_000 });
    let refused = 0;
    for (let at = 0; at < good.length; at += 1) {
      for (const flip of [1, 0x40, 0x80, 0xff]) {
        const bad = Buffer.from(good);
        bad[at] = (bad[at] ?? 0) ^ flip;
        // What decodes all the same is caught by the checksum around it; nothing else may happen.
        try {
          new TickDecoder().decode(bad);
        } catch (thrown) {
          assert.ok(thrown instanceof RangeError, String(thrown));
          refused += 1;
        }
      }
    }
    assert.ok(refused > good.length);
  });
});
