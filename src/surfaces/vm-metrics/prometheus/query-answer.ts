/** The result of a query as JSON, written series by series: it can be many megabytes. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { InstantResult, ResultSeries } from '#metrics/promql/query-result.ts';

/** What is handed to the socket at once. */
const CHUNK_CHARACTERS = 64 * 1024;

export function sendResult(
  reply: FastifyReply,
  result: InstantResult,
  limit: number,
): FastifyReply {
  void reply.type('application/json; charset=utf-8').header('cache-control', 'no-store');
  const items = itemsOf(result, limit);
  if (items === undefined) return reply.send(answer(result.kind, [valueOf(result)].join()));
  const isCut = items.total > limit;
  return reply.send(Readable.from(chunks(result.kind, items.each, isCut)));
}

interface Items {
  readonly total: number;
  readonly each: Iterable<string>;
}

function itemsOf(result: InstantResult, limit: number): Items | undefined {
  switch (result.kind) {
    case 'vector': {
      const { samples, atMs } = result;
      const shown = samples.slice(0, limit);
      const each = shown
        .values()
        .map(
          ({ labels, value }) =>
            `{"metric":${JSON.stringify(labels)},"value":${point(atMs, value)}}`,
        );
      return { total: samples.length, each };
    }
    case 'matrix':
      return { total: result.series.length, each: seriesTexts(result.series.slice(0, limit)) };
    case 'scalar':
    case 'string':
      return undefined;
  }
}

function valueOf(result: InstantResult): string {
  if (result.kind === 'scalar') return point(result.atMs, result.value);
  if (result.kind !== 'string') return '[]';
  return `[${result.atMs / 1000},${JSON.stringify(result.text)}]`;
}

function answer(kind: string, result: string): string {
  return `{"status":"success","data":{"resultType":"${kind}","result":${result}}}`;
}

function* seriesTexts(series: readonly ResultSeries[]): Generator<string> {
  for (const { labels, times, values } of series) {
    let text = `{"metric":${JSON.stringify(labels)},"values":[`;
    for (let at = 0; at < times.length; at += 1) {
      text += at === 0 ? '' : ',';
      text += point(times[at] ?? NaN, values[at] ?? NaN);
    }
    yield `${text}]}`;
  }
}

function* chunks(kind: string, each: Iterable<string>, isCut: boolean): Generator<string> {
  let text = `{"status":"success","data":{"resultType":"${kind}","result":[`;
  let isFirst = true;
  for (const item of each) {
    text += isFirst ? item : `,${item}`;
    isFirst = false;
    if (text.length < CHUNK_CHARACTERS) continue;
    yield text;
    text = '';
  }
  const warnings = isCut ? ',"warnings":["results truncated due to limit"]' : '';
  yield `${text}]}${warnings}}`;
}

/** Values are texts, because JSON has neither infinities nor what is not a number. */
function point(atMs: number, value: number): string {
  return `[${atMs / 1000},"${valueText(value)}"]`;
}

function valueText(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return Object.is(value, -0) ? '-0' : String(value);
}
