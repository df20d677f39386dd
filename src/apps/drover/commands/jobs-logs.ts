import { openRestClient } from '#apps/drover/client/rest-client.ts';
import type { RestClient } from '#apps/drover/client/rest-client.ts';
import { resumeStream } from '#apps/drover/client/resumed-stream.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation } from '#apps/drover/command.ts';
import { hasEnded } from '#apps/drover/migrate/watch-job.ts';
import { jobPath, type WireJob } from '#apps/drover/migrate/wire-job.ts';
import { SECOND_MS } from '#kernel/units.ts';

/** As the API answers it. */
interface WireLine {
  readonly sequence: number;
  readonly timestamp: string;
  readonly level: string;
  readonly message: string;
}

const PAGE = 1000;

export const jobsLogs: Command = {
  name: 'jobs logs',
  group: 'Migration',
  usage: 'ID',
  summary: 'Print what a job said',
  options: {
    follow: { kind: 'flag', short: 'f', doc: 'Stay until the job ends, and print what comes.' },
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: ['drover jobs logs 3f1c…', 'drover jobs logs -f 3f1c…'],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, terminal, clock, signal } = invocation;
    const [id = ''] = words;
    const api = await openRestClient(invocation, 'operator');
    const lines = options.flag('follow')
      ? resumeStream<WireLine, number>({
          start: 0,
          open: (after, until) => followLines(api, { id, after }, { ...invocation, signal: until }),
          positionAfter: ({ sequence }) => sequence,
          ...{ endsItself: true, url: api.url, clock, signal },
          onTrouble: (message) => terminal.note(`drover: ${message}`),
        })
      : readLines(api, { id, after: 0 });
    for await (const line of lines) {
      const text = `${line.timestamp} ${line.level.padEnd(5)} ${printable(line.message)}`;
      await terminal.write(`${options.flag('json') ? JSON.stringify(line) : text}\n`);
    }
  },
};

interface Place {
  readonly id: string;
  /** The number of the line before. */
  readonly after: number;
}

/** All there are by now. */
async function* readLines(api: RestClient, { id, after }: Place): AsyncGenerator<WireLine, number> {
  let last = after;
  for (;;) {
    const answer = await api.call('GET', `${jobPath(id)}/logs?after=${last}&limit=${PAGE}`);
    const { logs } = answer as { readonly logs: readonly WireLine[] };
    yield* logs;
    last = logs.at(-1)?.sequence ?? last;
    if (logs.length < PAGE) return last;
  }
}

async function* followLines(
  api: RestClient,
  place: Place,
  { clock, signal }: Pick<Invocation, 'clock' | 'signal'>,
): AsyncGenerator<WireLine, void> {
  let { after } = place;
  for (;;) {
    // Asked before the lines: what it says at its end is there when it has ended.
    const job = (await api.call('GET', jobPath(place.id))) as WireJob;
    after = yield* readLines(api, { id: place.id, after });
    if (hasEnded(job)) return;
    await clock.sleep(SECOND_MS, signal);
  }
}
