/**
 * A program that runs jobs until it is killed. Each adds its number to a file in small steps and
 * saves how far it is after each. Arguments: the database and the file.
 */
import { appendFileSync } from 'node:fs';
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MetricsRegistry } from '#kernel/metrics-registry.ts';
import type { JobHandler } from '#jobs/job-handler.ts';
import { JobRunner } from '#jobs/job-runner.ts';
import { openStoresAt } from '#test/contract/databases.ts';
import { testSecretBox } from '#test/job-fixture.ts';

const [url = '', path = ''] = process.argv.slice(2);

const handler: JobHandler = {
  kind: 'test',
  async run(context) {
    const { done = 0 } = (context.checkpoint ?? {}) as { readonly done?: number };
    const steps = Number(context.job.spec['steps']);
    for (let step = done; step < steps; step += 1) {
      await systemClock.sleep(1, context.signal);
      appendFileSync(path, `${context.job.id} ${step}\n`);
      await context.saveCheckpoint({ done: step + 1 });
    }
    return { steps };
  },
  cleanUp: () => Promise.resolve([]),
};

const stores = await openStoresAt(url);
await using runner = new JobRunner({
  ...{ store: stores.jobs, handlers: [handler], secretBox: testSecretBox, clock: systemClock },
  ...{ log: silentLog, metrics: new MetricsRegistry(), holder: 'host-1', limits: { slots: 4 } },
});
await runner.start();
process.stdout.write('ready\n');
const { promise } = Promise.withResolvers<void>();
// Its input ends with whoever started it.
process.stdin.resume().once('end', () => process.exit());
await promise;
