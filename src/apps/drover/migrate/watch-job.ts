/**
 * Follows one job to its end, also across a restart of the server. What is asked is small and
 * answered from one row, so it is asked twice a second.
 */
import { resumeStream } from '#apps/drover/client/resumed-stream.ts';
import type { RestClient } from '#apps/drover/client/rest-client.ts';
import { formatSheet } from '#apps/drover/client/sheet-text.ts';
import type { Invocation } from '#apps/drover/command.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { findingsToFacts, resultToFacts } from './job-result.ts';
import { createJobView } from './job-view.ts';
import { jobPath, type WireJob } from './wire-job.ts';

const INTERVAL_MS = SECOND_MS / 2;

/** Throws when the job failed or was cancelled, and when whoever watches leaves. */
export async function watchJob(api: RestClient, id: string, invocation: Invocation): Promise<void> {
  const { terminal, signal } = invocation;
  try {
    const job = await followJob(api, id, invocation);
    if (job === undefined) return;
    if (job.status !== 'completed') throw endOf(job);
    if (!invocation.options.flag('json')) {
      // Its warnings are told as such; of a dry run what it found is all there is.
      const found = job.result?.['findings'] === undefined ? [] : findingsToFacts(job);
      await terminal.write(formatSheet([...resultToFacts(job), ...found]));
      tellWarnings(job, invocation);
    }
  } catch (thrown) {
    if (signal.aborted) {
      terminal.note(`drover: the job goes on; see it again with: drover jobs watch ${id}`);
      terminal.note(`drover: and stop it with: drover jobs cancel ${id}`);
    }
    throw thrown;
  }
}

/** Answers it as it ended. */
async function followJob(
  api: RestClient,
  id: string,
  { terminal, clock, signal, options }: Invocation,
): Promise<WireJob | undefined> {
  const view = createJobView(terminal);
  const asJson = options.flag('json');
  let last: WireJob | undefined;
  let printed = '';
  const jobs = resumeStream<WireJob, undefined>({
    start: undefined,
    open: (_position, until) => pollJob(api, id, { clock, signal: until }),
    positionAfter: () => undefined,
    ...{ endsItself: true, url: api.url, clock, signal },
    onTrouble(message) {
      view.interrupt();
      terminal.note(`drover: ${message}`);
    },
  });
  for await (const job of jobs) {
    last = job;
    if (!asJson) {
      await view.show(job, clock.monotonicMs());
      continue;
    }
    const line = JSON.stringify(job);
    if (line !== printed) await terminal.write(`${line}\n`);
    printed = line;
  }
  return last;
}

async function* pollJob(
  api: RestClient,
  id: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): AsyncGenerator<WireJob, void> {
  for (;;) {
    const job = (await api.call('GET', jobPath(id))) as WireJob;
    yield job;
    // Forgotten ones end by the answer that there is none.
    if (hasEnded(job)) return;
    await clock.sleep(INTERVAL_MS, signal);
  }
}

export function hasEnded({ status }: WireJob): boolean {
  return status !== 'pending' && status !== 'running';
}

function endOf({ definition: { id }, status, error }: WireJob): DroverError {
  const metadata = { job_id: id, status };
  if (status === 'cancelled') {
    return new DroverError('aborted', `job ${id} was cancelled`, {
      ...{ reason: 'JOB_CANCELLED', metadata },
    });
  }
  const why = error ?? 'it does not say why';
  return new DroverError('aborted', `job ${id} failed: ${why}`, {
    ...{ reason: 'JOB_FAILED', metadata },
  });
}

function tellWarnings({ result }: WireJob, { terminal }: Invocation): void {
  const warnings = result?.['warnings'];
  if (!Array.isArray(warnings)) return;
  for (const warning of warnings as readonly { readonly message?: string }[]) {
    if (warning.message !== undefined) terminal.note(`drover: ${warning.message}`);
  }
}
