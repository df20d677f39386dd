import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compress } from 'snappyjs';
import { readWriteRequest } from '#test/write-request-reader.ts';
import { STALE, type SeriesDefinition, type StoredTick } from './tick-record.ts';
import { encodeLabels, encodeWriteRequests } from './write-request.ts';

const AT = 1_767_225_600_000;
const DEFINITIONS: readonly SeriesDefinition[] = [
  { name: 'cpu_seconds_total', labels: { cpu: '0', mode: 'user' }, scale: 2 },
  { name: 'load', labels: { instance: 'own' }, scale: 0 },
];

function tick(atMs: number, values: readonly number[]): StoredTick {
  return { atMs, samples: values.length, values: Float64Array.from(values) };
}

function encode(ticks: readonly StoredTick[], maxSamples = 1000) {
  const labelsOf = (definition: SeriesDefinition) =>
    encodeLabels(definition, { instance: 'h', job: 'drover', Zone: 'ü'.repeat(100) });
  const source = { definitions: DEFINITIONS, ticks, labelsOf, maxSamples };
  return [...encodeWriteRequests(source)].map(({ body, samples }) => ({
    samples,
    series: readWriteRequest(compress(body)),
  }));
}

describe('encodeWriteRequests', () => {
  it('writes each series once with its samples in order, decimals exact', () => {
    const [request] = encode([tick(AT, [1234, 5]), tick(AT + 1000, [1299, NaN])]);
    assert.equal(request?.samples, 3);
    const [cpu, load] = request?.series ?? [];
    assert.deepEqual(
      cpu?.samples.map(({ value, atMs }) => [value, atMs]),
      [
        [12.34, AT],
        [12.99, AT + 1000],
      ],
    );
    assert.equal(load?.samples.length, 1);
  });

  it('sorts labels by name, adds the common ones, and lets a series keep its own', () => {
    const [cpu, load] = encode([tick(AT, [1, 2])])[0]?.series ?? [];
    assert.deepEqual(cpu?.labelNames, ['Zone', '__name__', 'cpu', 'instance', 'job', 'mode']);
    assert.equal(cpu?.labels['__name__'], 'cpu_seconds_total');
    assert.equal(load?.labels['instance'], 'own');
    assert.equal(load?.labels['Zone'], 'ü'.repeat(100));
  });

  it('writes the stale marker bit by bit', () => {
    const [request] = encode([tick(AT, [STALE, NaN])]);
    assert.equal(request?.series[0]?.samples[0]?.bits, 0x7ff0000000000002n);
  });

  it('splits a tick of too many samples, and says nothing when there are none', () => {
    const requests = encode([tick(AT, [1, 2])], 1);
    assert.deepEqual(
      requests.map(({ series }) => series.map(({ labels }) => labels['__name__'])),
      [['cpu_seconds_total'], ['load']],
    );
    assert.deepEqual(encode([tick(AT, [NaN, NaN])]), []);
  });
});
