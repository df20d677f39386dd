/** What of a job may be changed while it runs: how much it may read in a second. */
import type { Job, JsonObject } from '#jobs/job.ts';
import { size } from '#kernel/field-kinds.ts';
import { FieldReader, Problems, type FieldKind } from '#kernel/field-reader.ts';
import { GIB, MIB } from '#kernel/units.ts';
import { readSpec, type MigrationSpec } from './migration-spec.ts';

const LEAST_BANDWIDTH = MIB / 16;
const MOST_BANDWIDTH = 1024 * GIB;
/** As it is stored: a control that is not there leaves the limit of the request in force. */
const UNLIMITED = 0;

const bytes = size(LEAST_BANDWIDTH, MOST_BANDWIDTH);

/** In bytes a second. */
export const bandwidth: FieldKind<number> = {
  expectation: 'a rate from 64KiB/s to 1TiB/s: bytes a second, or such as 50MiB/s',
  parse: (raw) => bytes.parse(typeof raw === 'string' ? raw.replace(/\/s$/, '') : raw),
};

/** `null` takes a limit away. */
export function parseControls(raw: unknown): JsonObject {
  const problems = new Problems();
  const known = ['bandwidth_limit'];
  const fields = FieldReader.over(raw, 'the change', { known, problems, isRoot: true });
  const isLifted = fields.raw('bandwidth_limit') === null;
  const limit = isLifted ? UNLIMITED : fields.optional('bandwidth_limit', bandwidth);
  if (!fields.has('bandwidth_limit')) fields.refuse('bandwidth_limit', 'is what can be changed');
  problems.throwAny('the job cannot be changed so');
  return { bandwidth_limit: limit };
}

/** What was said last: with the job, or to change it. Undefined: as much as there is. */
export function bandwidthLimitOf({
  spec,
  controls,
}: Pick<Job, 'spec' | 'controls'>): number | undefined {
  const { bandwidth_limit: control } = controls;
  if (typeof control === 'number') return control === UNLIMITED ? undefined : control;
  // Jobs of other kinds have no such options.
  const { options }: Partial<MigrationSpec> = readSpec({ spec });
  return options?.bandwidthLimit;
}
