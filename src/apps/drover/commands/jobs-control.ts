/** What can be done to jobs: stop them, run them again, remove what they left. */
import { forEachWord } from '#apps/drover/client/for-each-word.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import type { RestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation, OptionTable } from '#apps/drover/command.ts';
import { reportError } from '#apps/drover/error-report.ts';
import { readBandwidth } from '#apps/drover/migrate/migration-options.ts';
import { jobPath, type WireJob } from '#apps/drover/migrate/wire-job.ts';
import { MOST_LISTED } from '#jobs/job-list.ts';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { formatBytes } from '#kernel/units.ts';

interface WireCancellation {
  readonly cancelled: readonly string[];
  readonly errors?: Readonly<Record<string, string>>;
}

const MOST_IDS = 100;
const STOPPING = 'is being stopped: drover jobs watch shows when it is';
const OPEN_STATES = ['pending', 'running'];
const OPTIONS: OptionTable = { ...SERVER_OPTIONS, ...JSON_OPTION };

export const jobsCancel: Command = {
  name: 'jobs cancel',
  group: 'Migration',
  usage: 'ID…',
  summary: 'Stop jobs, and remove what they wrote',
  details: [
    'A job that runs counts as cancelled when its work has stopped and what it left is gone; ' +
      'until then it is cancelling. The VM at the source is as it was.',
  ],
  options: {
    status: {
      kind: 'list',
      argument: 'STATUS',
      doc: 'Those of this status: all, or of the ids.',
      choices: OPEN_STATES,
    },
    ...OPTIONS,
  },
  examples: ['drover jobs cancel 3f1c…', 'drover jobs cancel --status pending'],
  words: { least: 0, most: MOST_IDS },
  async run(invocation) {
    const { words, options, terminal } = invocation;
    const states = options.list('status');
    if (words.length === 0 && states.length === 0) {
      throw invalidArgument('ID', 'is missing: name jobs, or give a --status');
    }
    const api = await openRestClient(invocation, 'operator');
    const answer = await api.call('POST', '/jobs/cancel', {
      job_ids: words.length === 0 ? undefined : words,
      status: states.length === 0 ? undefined : states,
    });
    await tellCancelled(api, answer as WireCancellation, invocation);
    const isNone = words.length === 0 && (answer as WireCancellation).cancelled.length === 0;
    if (isNone && !options.flag('json')) {
      terminal.note('there was none to cancel');
    }
  },
};

export const jobsRetry: Command = {
  name: 'jobs retry',
  group: 'Migration',
  usage: 'ID…',
  summary: 'Run jobs again that failed or were cancelled, from where they were',
  options: OPTIONS,
  words: { least: 1, most: MOST_IDS },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    await forEachWord(invocation, async (id) => {
      const plain = await api.call('POST', `${jobPath(id)}/retry`);
      return { text: `${id} submitted again`, plain };
    });
  },
};

export const jobsClean: Command = {
  name: 'jobs clean',
  group: 'Migration',
  usage: 'ID…',
  summary: 'Remove what jobs that failed left at the target',
  details: [
    'It also powers the VM at the source on again, if the job had taken it down. Use retry ' +
      'instead to go on where the job was.',
  ],
  options: OPTIONS,
  words: { least: 1, most: MOST_IDS },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    await forEachWord(invocation, async (id) => {
      const plain = await api.call('POST', `${jobPath(id)}/clean`);
      const { removed } = plain as { readonly removed: readonly string[] };
      const what = removed.length === 0 ? 'there was nothing' : removed.map(printable).join(', ');
      return { text: `${id} cleaned: ${what}`, plain };
    });
  },
};

export const jobsSet: Command = {
  name: 'jobs set',
  group: 'Migration',
  usage: 'ID…',
  summary: 'Change how fast jobs may go, also while they run',
  options: {
    bandwidth: {
      kind: 'text',
      argument: 'RATE',
      doc: 'The most a job may read in a second, such as 50MiB/s, or none for as much as it can.',
    },
    ...OPTIONS,
  },
  examples: ['drover jobs set 3f1c… --bandwidth 50MiB/s', 'drover jobs set 3f1c… --bandwidth none'],
  words: { least: 1, most: MOST_IDS },
  async run(invocation) {
    const { options } = invocation;
    const isLifted = options.text('bandwidth') === 'none';
    const rate = isLifted ? null : readBandwidth(options);
    if (rate === undefined) {
      throw invalidArgument('--bandwidth', 'is missing; it must be such as 50MiB/s, or none');
    }
    const api = await openRestClient(invocation, 'operator');
    await forEachWord(invocation, async (id) => {
      const plain = await api.call('PATCH', jobPath(id), { bandwidth_limit: rate });
      const limit = rate === null ? 'no limit' : `at most ${formatBytes(rate)}/s`;
      return { text: `${id} has ${limit}`, plain };
    });
  },
};

export const jobsRemove: Command = {
  name: 'jobs remove',
  group: 'Migration',
  usage: 'ID…',
  summary: 'Forget jobs that have ended, with their logs',
  details: ['What a job brought about stays; what a failed one left is removed by jobs clean.'],
  options: OPTIONS,
  words: { least: 1, most: MOST_IDS },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    await forEachWord(invocation, async (id) => {
      await api.call('DELETE', jobPath(id));
      return { text: `removed ${id}`, plain: { removed: id } };
    });
  },
};

/** Those that run are told to stop; which of them have ended is asked for. */
async function readCancelled(
  api: RestClient,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const query = { job_ids: ids, status: 'cancelled', limit: MOST_LISTED };
  const { jobs } = (await api.call('POST', '/jobs/query', query)) as {
    readonly jobs: readonly WireJob[];
  };
  return new Set(jobs.map(({ definition }) => definition.id));
}

/** One that cannot be cancelled keeps no other from it; the last one is the error. */
async function tellCancelled(
  api: RestClient,
  answer: WireCancellation,
  { options, terminal }: Invocation,
): Promise<void> {
  const { cancelled, errors = {} } = answer;
  const asJson = options.flag('json');
  if (asJson) await terminal.write(`${JSON.stringify(answer)}\n`);
  for (let at = 0; !asJson && at < cancelled.length; at += MOST_LISTED) {
    const ids = cancelled.slice(at, at + MOST_LISTED);
    const ended = await readCancelled(api, ids);
    const lines = ids.map((id) => `${id} ${ended.has(id) ? 'cancelled' : STOPPING}\n`);
    await terminal.write(lines.join(''));
  }
  const problems = Object.values(errors).map(
    (problem) =>
      new DroverError('failed_precondition', printable(problem), { reason: 'JOB_NOT_CANCELLED' }),
  );
  const last = problems.pop();
  for (const problem of problems) terminal.note(reportError(problem, { asJson }).text.trimEnd());
  if (last !== undefined) throw last;
}
