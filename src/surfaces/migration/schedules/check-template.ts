/** Whether the jobs of a schedule would be taken, had somebody submitted them. */
import type { JobRequest } from '#jobs/job.ts';
import { DroverError } from '#kernel/errors.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';

/** The field is named as it is called in a request for a schedule. */
export async function checkTemplate(
  check: MigrationParts['checkSubmission'],
  template: Pick<JobRequest, 'spec'>,
): Promise<void> {
  try {
    await check(template);
  } catch (thrown) {
    if (!(thrown instanceof DroverError)) throw thrown;
    const { kind, message, reason, metadata } = thrown;
    const { field } = metadata;
    if (field === undefined) throw thrown;
    throw new DroverError(kind, `job_template.${message}`, {
      ...{ reason, metadata: { ...metadata, field: `job_template.${field}` }, cause: thrown },
    });
  }
}
