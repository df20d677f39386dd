/** Reads the body of a remote write request, with somebody else's protobuf code. */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { uncompress } from 'snappyjs';

export interface ReceivedSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** In the order they came. */
  readonly labelNames: readonly string[];
  readonly samples: readonly {
    readonly value: number;
    readonly bits: bigint;
    readonly atMs: number;
  }[];
}

export function readWriteRequest(compressed: Uint8Array): ReceivedSeries[] {
  return fields(uncompress(compressed)).map(({ number, bytes }) => {
    if (number !== 1) throw new Error(`unexpected field ${number} of WriteRequest`);
    return readSeries(bytes);
  });
}

function readSeries(bytes: Uint8Array): ReceivedSeries {
  const pairs: [string, string][] = [];
  const samples: ReceivedSeries['samples'][number][] = [];
  for (const { number, bytes: inner } of fields(bytes)) {
    if (number === 1) {
      const [name, value] = fields(inner).map((field) => Buffer.from(field.bytes).toString());
      pairs.push([name ?? '', value ?? '']);
    } else if (number === 2) samples.push(readSample(inner));
    else throw new Error(`unexpected field ${number} of TimeSeries`);
  }
  return {
    labels: Object.fromEntries(pairs),
    labelNames: pairs.map(([name]) => name),
    samples,
  };
}

function readSample(bytes: Uint8Array): ReceivedSeries['samples'][number] {
  const reader = new BinaryReader(bytes);
  let value = 0;
  let bits = 0n;
  let atMs = 0;
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === 1 && type === WireType.Bit64) {
      bits = Buffer.from(bytes).readBigUInt64LE(reader.pos);
      value = reader.double();
    } else if (number === 2 && type === WireType.Varint) atMs = Number(reader.int64());
    else throw new Error(`unexpected field ${number} of Sample`);
  }
  return { value, bits, atMs };
}

function fields(bytes: Uint8Array): { readonly number: number; readonly bytes: Uint8Array }[] {
  const reader = new BinaryReader(bytes);
  const found: { number: number; bytes: Uint8Array }[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type !== WireType.LengthDelimited) throw new Error(`field ${number} has a wrong type`);
    found.push({ number, bytes: reader.bytes() });
  }
  return found;
}
