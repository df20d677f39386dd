/**
 * The body of a remote write 1.0 request, before compression. Written by hand: five kinds of
 * field, and it is the hot part of sending.
 *
 *   WriteRequest { 1: TimeSeries… }   TimeSeries { 1: Label…  2: Sample… }
 *   Label { 1: name  2: value }       Sample { 1: double value  2: int64 milliseconds }
 */
import { createLabels, METRIC_NAME, type Labels } from '#metrics/labels.ts';
import { sampleToNumber } from '#metrics/metric-family.ts';
import { ByteWriter, varintBytes } from '#metrics/byte-writer.ts';
import { STALE, type SeriesDefinition, type StoredTick } from './tick-record.ts';

const LENGTH_FIRST = 0x0a;
const LENGTH_SECOND = 0x12;
const DOUBLE_FIRST = 0x09;
const VARINT_SECOND = 0x10;
/** The NaN that means "this series has ended" to everything that speaks Prometheus. */
const STALE_LOW = 0x00000002;
const STALE_HIGH = 0x7ff00000;

export interface WriteRequest {
  readonly body: Uint8Array;
  readonly samples: number;
}

/** The labels of a series as its request has them: sorted, with the name and the common ones. */
export function encodeLabels(definition: SeriesDefinition, common: Labels): Uint8Array {
  const { name, labels } = definition;
  const all = createLabels(Object.entries({ ...common, ...labels, [METRIC_NAME]: name }));
  const out = new ByteWriter();
  for (const [label, value] of Object.entries(all)) {
    const bytes = lengthOfText(label) + lengthOfText(value);
    out.u8(LENGTH_FIRST);
    out.varint(bytes);
    out.u8(LENGTH_FIRST);
    out.text(label);
    out.u8(LENGTH_SECOND);
    out.text(value);
  }
  return Uint8Array.from(out.view());
}

/** Bytes of the field: its tag, its length, itself. */
function lengthOfText(text: string): number {
  const bytes = Buffer.byteLength(text);
  return 1 + varintBytes(bytes) + bytes;
}

export interface WriteRequestSource {
  readonly definitions: readonly SeriesDefinition[];
  /** Rising in time. */
  readonly ticks: readonly StoredTick[];
  /** Encoded labels of the series; undefined leaves the series out. */
  readonly labelsOf: (definition: SeriesDefinition) => Uint8Array | undefined;
  readonly maxSamples: number;
}

/** As many requests as it takes: more than one only for a tick of more than `maxSamples`. */
export function* encodeWriteRequests(source: WriteRequestSource): Generator<WriteRequest> {
  const { definitions, ticks, labelsOf, maxSamples } = source;
  const out = new ByteWriter();
  const timeBytes = ticks.map(({ atMs }) => varintBytes(atMs));
  let samples = 0;
  for (const [number, definition] of definitions.entries()) {
    const extent = measure(number, ticks, timeBytes);
    if (extent.samples === 0) continue;
    const labels = labelsOf(definition);
    if (labels === undefined) continue;
    if (samples > 0 && samples + extent.samples > maxSamples) {
      yield { body: Uint8Array.from(out.view()), samples };
      out.clear();
      samples = 0;
    }
    samples += extent.samples;
    out.u8(LENGTH_FIRST);
    out.varint(labels.length + extent.bytes);
    out.raw(labels);
    writeSamples(number, source, out);
  }
  if (samples > 0) yield { body: Uint8Array.from(out.view()), samples };
}

function measure(
  number: number,
  ticks: readonly StoredTick[],
  timeBytes: readonly number[],
): { readonly samples: number; readonly bytes: number } {
  let samples = 0;
  let bytes = 0;
  for (let at = 0; at < ticks.length; at += 1) {
    if (Number.isNaN(ticks[at]?.values[number] ?? NaN)) continue;
    samples += 1;
    bytes += 2 + sampleBytes(timeBytes[at] ?? 0);
  }
  return { samples, bytes };
}

function sampleBytes(timeBytes: number): number {
  return 1 + 8 + 1 + timeBytes;
}

function writeSamples(number: number, source: WriteRequestSource, out: ByteWriter): void {
  const scale = source.definitions[number]?.scale ?? 0;
  for (const { atMs, values } of source.ticks) {
    const value = values[number] ?? NaN;
    if (Number.isNaN(value)) continue;
    out.u8(LENGTH_SECOND);
    // Below 128, and so a single byte, for every instant there is.
    out.u8(sampleBytes(varintBytes(atMs)));
    out.u8(DOUBLE_FIRST);
    if (value === STALE) out.uint64Le(STALE_LOW, STALE_HIGH);
    else out.float64Le(sampleToNumber(value, scale));
    out.u8(VARINT_SECOND);
    out.varint(atMs);
  }
}
