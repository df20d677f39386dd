/** What is wrong with a source that answers, in a sentence for the state of the server. */
import type { FeedReading } from './source-feed.ts';

/** Then it says how many more there are: one cause often takes many parts with it. */
const MOST_TOLD = 3;

/** Undefined when nothing is. */
export function sourceTrouble({ missing = [], complaints = [] }: FeedReading): string | undefined {
  const told = missing.slice(0, MOST_TOLD).map(({ part, why }) => `${part} (${why})`);
  const left = missing.length - told.length;
  const all = left === 0 ? told : [...told, `${left} more`];
  const absent = missing.length === 0 ? [] : [`it tells nothing of ${all.join(', ')}`];
  const sentences = [...complaints, ...absent];
  return sentences.length === 0 ? undefined : sentences.join('; ');
}
