/** The secrets of what a schedule submits: sealed with it, and never sent to another place. */
import type { JsonObject } from '#jobs/job.ts';
import { invalidArgument } from '#kernel/errors.ts';
import type { ScheduleId } from '#kernel/ids.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import type { JobTemplate, JobTemplateDraft } from './schedule.ts';

/** One that a spec cannot do without. */
export interface SecretUse {
  readonly name: string;
  /** What requests call it, within the template. */
  readonly field: string;
  /** Who gets it, and for whom; one that goes elsewhere is another secret. */
  readonly place: string;
}

type Secrets = Readonly<Record<string, string>>;

export interface SecretsQuery {
  readonly box: SecretBox;
  readonly id: ScheduleId;
  /** What a change takes the place of. */
  readonly former: JobTemplate | undefined;
  readonly usesOf: (spec: JsonObject) => readonly SecretUse[];
}

/** Those that are given, and of the former ones those that are still for the same place. */
export function sealSecrets(
  { spec, secrets }: Pick<JobTemplateDraft, 'spec' | 'secrets'>,
  { box, id, former, usesOf }: SecretsQuery,
): string | undefined {
  const held = former === undefined ? {} : (openSecrets(box, id, former.sealedSecrets) ?? {});
  const places = former === undefined ? [] : usesOf(former.spec);
  const all: Record<string, string> = { ...secrets };
  for (const { name, field, place } of usesOf(spec)) {
    if (all[name] !== undefined) continue;
    const isSame = places.some((each) => each.name === name && each.place === place);
    const kept = isSame ? held[name] : undefined;
    if (kept === undefined) {
      throw invalidArgument(
        `job_template.${field}`,
        'is missing, and there is none that was given for this place',
      );
    }
    all[name] = kept;
  }
  if (Object.keys(all).length === 0) return undefined;
  return box.seal(JSON.stringify(all), placeOf(id));
}

export function openSecrets(
  box: SecretBox,
  id: ScheduleId,
  sealed: string | undefined,
): Secrets | undefined {
  if (sealed === undefined) return undefined;
  return JSON.parse(box.open(sealed, placeOf(id))) as Secrets;
}

function placeOf(id: ScheduleId): string {
  return `schedules.${id}`;
}
