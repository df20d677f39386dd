/** A time in which certain alerts are shown, and told to nobody. */
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { textMatching } from '#kernel/field-kinds.ts';
import { FieldReader, Problems } from '#kernel/field-reader.ts';
import type { LabelMatcher } from '#metrics/metric-reader.ts';
import { parseDuration } from './duration.ts';
import { matcherProblem, parseMatcher } from './label-filter.ts';

export interface Silence extends SilenceDraft {
  readonly id: string;
  /** Who asked for it. */
  readonly createdBy: string;
  readonly createdAt: number;
}

export interface SilenceDraft {
  /**
   * Of the labels of alerts, and of two more that each has: `rule` with the name of its rule, and
   * `severity`. All must match.
   */
  readonly matchers: readonly LabelMatcher[];
  readonly untilMs: number;
  readonly comment: string;
}

/** Keeps silences; expired ones may be gone at any time. */
export interface SilenceStore {
  /** `resource_exhausted` when there are `most` that have not ended at `nowMs`; drops the rest. */
  insertSilence(silence: Silence, limit: { most: number; nowMs: number }): Promise<void>;
  silences(): Promise<readonly Silence[]>;
  /** Whether it was there. */
  removeSilence(id: string): Promise<boolean>;
}

const FIELDS = ['match', 'until', 'comment'];
const ANSWERED_FIELDS = ['id', 'created_by', 'created_at'];
const MOST_MATCHERS = 10;
const LONGEST_MS = 366 * 24 * 3_600_000;
const LONGEST_COMMENT = 500;
const text = textMatching('a text', () => true);
const comment = textMatching(
  `a text of at most ${LONGEST_COMMENT} letters`,
  (given) => given.length <= LONGEST_COMMENT,
);

export function parseSilence(body: unknown, nowMs: number): SilenceDraft {
  const problems = new Problems();
  const known = [...FIELDS, ...ANSWERED_FIELDS];
  const fields = FieldReader.over(body, 'silence', { known, problems, isRoot: true });
  const matchers = fields.list('match', MOST_MATCHERS, (raw, path) =>
    problems.gather(() => toMatcher(raw, path)),
  );
  const hasNone = Array.isArray(fields.raw('match')) && matchers.length === 0;
  if (problems.isEmpty && (hasNone || !fields.has('match'))) {
    fields.refuse('match', `must be a list of 1 to ${MOST_MATCHERS}, such as server="web-1"`);
  }
  const given = fields.require('until', text, '');
  const untilMs = toInstant(given, nowMs);
  if (untilMs === undefined && fields.has('until')) {
    fields.refuse('until', 'must be a time to come within a year: 2h, 7d or 2030-01-31T12:00:00Z');
  }
  const silence = {
    matchers,
    untilMs: untilMs ?? nowMs,
    comment: fields.read('comment', comment, ''),
  };
  problems.throwAny('the silence cannot be taken');
  return silence;
}

export function silenceNotFound(): DroverError {
  return new DroverError('not_found', 'there is no such silence', { reason: 'SILENCE_NOT_FOUND' });
}

function toMatcher(raw: unknown, path: string): LabelMatcher {
  const matcher = typeof raw === 'string' ? parseMatcher(raw) : undefined;
  if (matcher === undefined) {
    throw invalidArgument(
      path,
      'must be such as server="web-1", rule=~"cpu.*" or severity!="info"',
    );
  }
  const problem = matcherProblem(matcher);
  if (problem !== undefined) throw invalidArgument(path, problem);
  return matcher;
}

function toInstant(given: string, nowMs: number): number | undefined {
  const length = parseDuration(given);
  const isDate = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(given);
  const untilMs = length === undefined ? (isDate ? Date.parse(given) : NaN) : nowMs + length;
  return untilMs > nowMs && untilMs - nowMs <= LONGEST_MS ? untilMs : undefined;
}
