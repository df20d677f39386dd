/** Puts samples into a real Prometheus over its remote write receiver, oldest first. */
import assert from 'node:assert/strict';
import { compress } from 'snappyjs';
import type { MemorySeries } from './memory-metric-reader.ts';
import type { TestPrometheus } from './prometheus.ts';

/** The bits that mark the end of a series; any other NaN is a value. */
const END_MARK = 0x7ff0000000000002n;
/** Samples go by slices of time: what is much older than the newest is refused. */
const SLICE_MS = 600_000;

export async function loadSeries(
  prometheus: TestPrometheus,
  series: readonly MemorySeries[],
): Promise<void> {
  const slices = new Map<number, MemorySeries[]>();
  for (const one of series) {
    const bySlice = Map.groupBy(one.points, ([atMs]) => Math.floor(atMs / SLICE_MS));
    for (const [slice, points] of bySlice) {
      slices.set(slice, [...(slices.get(slice) ?? []), { ...one, points }]);
    }
  }
  for (const [, slice] of [...slices].toSorted(([a], [b]) => a - b)) {
    const response = await fetch(new URL('/api/v1/write', prometheus.url), {
      method: 'POST',
      headers: {
        'content-type': 'application/x-protobuf',
        'content-encoding': 'snappy',
        'x-prometheus-remote-write-version': '0.1.0',
      },
      body: new Uint8Array(compress(Buffer.concat(slice.map(encodeSeries)))),
    });
    assert.equal(response.status, 204, await response.text());
  }
}

function encodeSeries({ name, labels = {}, points }: MemorySeries): Buffer {
  const pairs = Object.entries({ ...labels, __name__: name }).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const fields = pairs.map(([label, value]) => {
    const text = [field(1, Buffer.from(label)), field(2, Buffer.from(value))];
    return field(1, Buffer.concat(text));
  });
  const samples = points.map(([atMs, value]) => field(2, encodeSample(atMs, value)));
  return field(1, Buffer.concat([...fields, ...samples]));
}

function encodeSample(atMs: number, value: number): Buffer {
  const bits = Buffer.alloc(9);
  bits[0] = 0x09;
  if (Number.isNaN(value)) bits.writeBigUInt64LE(END_MARK, 1);
  else bits.writeDoubleLE(value, 1);
  return Buffer.concat([bits, Buffer.from([0x10]), varint(atMs)]);
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
}
