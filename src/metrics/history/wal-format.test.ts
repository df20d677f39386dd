import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { ByteWriter } from '#metrics/byte-writer.ts';
import {
  readFrame,
  readRecord,
  readRow,
  writeFrame,
  writeHeader,
  writeLayout,
  writeRow,
  writeSeries,
  type Logged,
} from './wal-format.ts';

function recordOf(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter();
  write(out);
  return out.copy();
}

function freshSeries(count: number): Logged[] {
  return Array.from({ length: count }, () => ({ logged: NaN }));
}

describe('the format of the write-ahead log', () => {
  it('brings back headers, series and layouts', () => {
    const header = { epoch: 'abc', file: 12, isCut: true };
    assert.deepEqual(readRecord(recordOf((out) => writeHeader(out, header))), {
      kind: 'header',
      ...header,
    });
    const series = {
      ...{ id: 7, createdAt: 1_767_225_600_000, name: 'a_total', help: 'Über "a".' },
      kind: 'counter' as const,
      labels: { device: 'sd\u0000"a"', mode: '' },
    };
    assert.deepEqual(readRecord(recordOf((out) => writeSeries(out, series))), {
      kind: 'series',
      series: { ...series, labels: { device: 'sd\u0000"a"' } },
    });
    const places = [5, 900, 6].map((id) => ({ id, scale: id % 10 }));
    assert.deepEqual(readRecord(recordOf((out) => writeLayout(out, 3, places))), {
      kind: 'layout',
      ...{ layout: 3, places },
    });
  });

  it('brings back rows of any values, one after the other', () => {
    const rows = [
      [1, 2, 3, NaN],
      [1, 2, 4, NaN],
      [1, NaN, 4, 9],
      [2 ** 53, 2, -(2 ** 53), 9],
      [-(2 ** 53), 2, 2 ** 53, 10],
      [0.5, 2, 0, 10],
      [0.5, 2, 0, 10],
    ];
    const written = freshSeries(4);
    const read = freshSeries(4);
    rows.forEach((row, at) => {
      const values = Float64Array.from(row);
      const bytes = recordOf((out) => {
        writeRow(out, { layout: 2, atMs: 1_767_225_600_000 + at, series: written, values });
      });
      const record = readRecord(bytes);
      assert.ok(record.kind === 'row');
      assert.equal(record.layout, 2);
      assert.equal(record.atMs, 1_767_225_600_000 + at);
      const back = new Float64Array(4);
      readRow(record.reader, read, back);
      assert.deepEqual([...back], row);
    });
  });

  it('takes a byte or two for what has not changed', () => {
    const series = freshSeries(700);
    const row = { layout: 1, atMs: 1_767_225_600_000, series, values: new Float64Array(700) };
    recordOf((out) => writeRow(out, row));
    assert.ok(recordOf((out) => writeRow(out, row)).length < 12);
  });

  it('tells a write that was cut short from damage', () => {
    const out = new ByteWriter();
    for (const text of ['first', 'second']) writeFrame(out, Buffer.from(text));
    const whole = out.copy();
    const first = readFrame(whole, 0);
    assert.ok(first.kind === 'record');
    assert.equal(Buffer.from(first.bytes).toString(), 'first');
    assert.equal(readFrame(whole, whole.length).kind, 'end');
    for (let length = first.next + 1; length < whole.length; length += 1) {
      assert.equal(readFrame(whole.subarray(0, length), first.next).kind, 'torn');
    }
    assert.equal(
      readFrame(Uint8Array.from([...whole, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 27).kind,
      'torn',
    );
    const damaged = whole.slice();
    damaged[9] = (damaged[9] ?? 0) ^ 1;
    assert.equal(readFrame(damaged, 0).kind, 'damaged');
    assert.equal(
      readFrame(
        Uint8Array.from({ length: 40 }, () => 255),
        0,
      ).kind,
      'damaged',
    );
  });

  it('answers or refuses whatever record it is given', () => {
    const records = [
      recordOf((out) => writeHeader(out, { epoch: 'abc', file: 12, isCut: false })),
      recordOf((out) => writeLayout(out, 3, [{ id: 5, scale: 0 }])),
      recordOf((out) => {
        writeRow(out, {
          ...{ layout: 1, atMs: 5, series: freshSeries(3) },
          values: Float64Array.of(5, 2 ** 50, NaN),
        });
      }),
    ];
    let refused = 0;
    for (let round = 0; round < 30_000; round += 1) {
      const bytes = (records[round % records.length] ?? new Uint8Array()).slice();
      const place = Math.imul(round, 2_654_435_761) >>> 0;
      bytes[place % bytes.length] = (place >>> 8) & 255;
      try {
        const record = readRecord(bytes);
        if (record.kind === 'row') readRow(record.reader, freshSeries(3), new Float64Array(3));
      } catch (thrown) {
        assert.ok(thrown instanceof DroverError && thrown.kind === 'data_loss', String(thrown));
        refused += 1;
      }
    }
    assert.ok(refused > 1000);
  });
});
