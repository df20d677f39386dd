import { openRestClient } from '#apps/drover/client/rest-client.ts';
import type { RestClient } from '#apps/drover/client/rest-client.ts';
import { resumeStream } from '#apps/drover/client/resumed-stream.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation } from '#apps/drover/command.ts';
import { jobToLine } from '#apps/drover/migrate/job-frame.ts';
import { changeKey } from '#apps/drover/migrate/job-view.ts';
import { hasEnded, watchJob } from '#apps/drover/migrate/watch-job.ts';
import type { WireJob } from '#apps/drover/migrate/wire-job.ts';
import { toIsoTime } from '#kernel/clock.ts';
import { SECOND_MS } from '#kernel/units.ts';

/** Of those that run, of the newest, and of those that may go on though they are neither. */
const WATCHED_AT_ONCE = 200;

export const jobsWatch: Command = {
  name: 'jobs watch',
  group: 'Migration',
  usage: '[ID]',
  summary: 'Follow a job to its end, or all jobs as they change',
  details: [
    'On a terminal one job is drawn with a bar for each disk; elsewhere there is a line for each ' +
      'new stage and each tenth of the way. It ends with the job, and fails if that did. Without ' +
      'an ID there are lines of all jobs until Ctrl-C.',
  ],
  options: { ...SERVER_OPTIONS, ...JSON_OPTION },
  examples: ['drover jobs watch 3f1c…', 'drover jobs watch'],
  words: { least: 0, most: 1 },
  async run(invocation) {
    const [id] = invocation.words;
    const api = await openRestClient(invocation, 'operator');
    if (id === undefined) await watchAll(api, invocation);
    else await watchJob(api, id, invocation);
  },
};

async function watchAll(
  api: RestClient,
  { terminal, clock, signal, options }: Invocation,
): Promise<void> {
  let shown: ReadonlyMap<string, WireJob> | undefined;
  const pages = resumeStream<readonly WireJob[], undefined>({
    start: undefined,
    async *open(_position, until) {
      for (;;) {
        yield await readWatched(api, [...(shown?.values() ?? [])]);
        await clock.sleep(SECOND_MS, until);
      }
    },
    positionAfter: () => undefined,
    ...{ endsItself: false, url: api.url, clock, signal },
    onTrouble: (message) => terminal.note(`drover: ${message}`),
  });
  for await (const jobs of pages) {
    const before = shown;
    // What had ended before anybody watched is no news.
    const changed = jobs.filter((job) => {
      const known = before?.get(idOf(job));
      if (before === undefined) return !hasEnded(job);
      return known === undefined || changeKey(known) !== changeKey(job);
    });
    shown = new Map(jobs.map((job) => [idOf(job), job]));
    for (const job of changed) {
      const at = toIsoTime(clock.nowMs());
      const text = `${at} ${idOf(job)} ${printable(job.definition.vm_path)}: ${jobToLine(job)}`;
      await terminal.write(`${options.flag('json') ? JSON.stringify(job) : text}\n`);
    }
  }
}

/** The oldest first. To ask for what has changed would make the server go through all there is. */
async function readWatched(
  api: RestClient,
  before: readonly WireJob[],
): Promise<readonly WireJob[]> {
  const query = async (filters: object) => {
    const answer = await api.call('POST', '/jobs/query', { limit: WATCHED_AT_ONCE, ...filters });
    return (answer as { readonly jobs: readonly WireJob[] }).jobs.toReversed();
  };
  const running = await query({ status: 'running' });
  const newest = await query({});
  const found = new Set([...running, ...newest].map(idOf));
  const others = before.filter((job) => !hasEnded(job) && !found.has(idOf(job)));
  const ids = others.slice(-WATCHED_AT_ONCE).map(idOf);
  const rest = ids.length === 0 ? [] : await query({ job_ids: ids });
  // Of one that was read twice the later answer counts.
  const watched = new Map([...rest, ...running, ...newest].map((job) => [idOf(job), job]));
  return [...watched.values()];
}

function idOf({ definition }: WireJob): string {
  return definition.id;
}
