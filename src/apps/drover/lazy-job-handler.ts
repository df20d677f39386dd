/** What does one kind of job, loaded with the first of them: many servers migrate nothing. */
import type { JobContext, JobHandler } from '#jobs/job-handler.ts';
import type { JsonObject } from '#jobs/job.ts';

export class LazyJobHandler implements JobHandler {
  readonly kind: string;
  readonly #load: () => Promise<JobHandler>;

  /** `load` may be called for each attempt; modules are loaded once anyway. */
  constructor(kind: string, load: () => Promise<JobHandler>) {
    this.kind = kind;
    this.#load = load;
  }

  async run(context: JobContext): Promise<JsonObject> {
    const handler = await this.#load();
    return await handler.run(context);
  }

  async cleanUp(context: JobContext): Promise<readonly string[]> {
    const handler = await this.#load();
    return await handler.cleanUp(context);
  }
}
