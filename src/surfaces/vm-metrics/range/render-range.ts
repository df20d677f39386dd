/** A range answer as JSON and as CSV, in pieces: it can be long, and others wait beside it. */
import { toIsoTime } from '#kernel/clock.ts';
import { METRIC_NAME, seriesKey, type Labels } from '#metrics/labels.ts';
import type { RangeAnswer, RangeQuery, RangeSeries } from '#metrics/range/range-query.ts';

const PIECE_CHARS = 32 * 1024;

/** `metric` is left out where series of several metrics were put together. */
export function seriesToJson({ [METRIC_NAME]: metric, ...labels }: Labels): object {
  return metric === undefined ? { labels } : { metric, labels };
}

export function* rangeToJson(query: RangeQuery, answer: RangeAnswer): Generator<string> {
  const head = {
    from: query.fromMs / 1000,
    to: query.toMs / 1000,
    fn: query.fn,
    ...(query.fn !== 'raw' && { step: query.stepMs / 1000 }),
    found: answer.found,
    truncated: answer.found > answer.series.length,
  };
  let piece = `${JSON.stringify(head).slice(0, -1)},"series":[`;
  for (const [number, { labels, times, values }] of answer.series.entries()) {
    const about = JSON.stringify(seriesToJson(labels)).slice(0, -1);
    piece += `${number === 0 ? '' : ','}\n${about},"points":[`;
    for (let at = 0; at < times.length; at += 1) {
      const value = values[at] ?? NaN;
      const text = Number.isNaN(value) ? 'null' : numberToText(value);
      piece += `${at === 0 ? '' : ','}[${(times[at] ?? 0) / 1000},${text}]`;
      if (piece.length < PIECE_CHARS) continue;
      yield piece;
      piece = '';
    }
    piece += ']}';
  }
  yield `${piece}\n]}\n`;
}

/** A line for each instant, a column for each series; an empty cell where there is no value. */
export function* rangeToCsv({ series }: RangeAnswer): Generator<string> {
  let piece = `${['time', ...series.map(columnTitle)].join(',')}\r\n`;
  const next = series.map(() => 0);
  for (;;) {
    const timeMs = earliest(series, next);
    if (timeMs === Infinity) break;
    piece += toIsoTime(timeMs);
    for (const [column, { times, values }] of series.entries()) {
      const at = next[column] ?? 0;
      piece += ',';
      if (times[at] !== timeMs) continue;
      next[column] = at + 1;
      const value = values[at] ?? NaN;
      if (!Number.isNaN(value)) piece += numberToText(value);
    }
    piece += '\r\n';
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

/** What a sum of decimals is off by in its last digits is not worth a reader's wonder. */
function numberToText(value: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(15)));
}

function earliest(series: readonly RangeSeries[], next: readonly number[]): number {
  let timeMs = Infinity;
  for (const [column, { times }] of series.entries()) {
    timeMs = Math.min(timeMs, times[next[column] ?? 0] ?? Infinity);
  }
  return timeMs;
}

/**
 * Quoted, and beginning with a letter, `_`, `:` or `{`: whatever a label holds, a spreadsheet
 * takes none of it for a formula.
 */
function columnTitle({ labels: { [METRIC_NAME]: name = '', ...labels } }: RangeSeries): string {
  const key = seriesKey(name, labels);
  return `"${(key === '' ? '{}' : key).replaceAll('"', '""')}"`;
}
