/** What of a job may be changed while it runs. */
import type { JsonObject } from '#jobs/job.ts';
import { size } from '#kernel/field-kinds.ts';
import { FieldReader, Problems } from '#kernel/field-reader.ts';
import { GIB, MIB } from '#kernel/units.ts';

const LEAST_BANDWIDTH = MIB / 16;
const MOST_BANDWIDTH = 1024 * GIB;

/** `null` takes a limit away. */
export function parseControls(raw: unknown): JsonObject {
  const problems = new Problems();
  const known = ['bandwidth_limit'];
  const fields = FieldReader.over(raw, 'the change', { known, problems, isRoot: true });
  const isLifted = fields.raw('bandwidth_limit') === null;
  const limit = isLifted
    ? undefined
    : fields.optional('bandwidth_limit', size(LEAST_BANDWIDTH, MOST_BANDWIDTH));
  if (!fields.has('bandwidth_limit')) fields.refuse('bandwidth_limit', 'is what can be changed');
  problems.throwAny('the job cannot be changed so');
  return { bandwidth_limit: limit ?? null };
}
