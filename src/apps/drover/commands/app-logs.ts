import { openRestClient, type RestClient } from '#apps/drover/client/rest-client.ts';
import { resumeStream } from '#apps/drover/client/resumed-stream.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { printable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation } from '#apps/drover/command.ts';
import { pathOf } from './app.ts';

/** As the API answers it. */
interface WireLine {
  readonly at: string;
  readonly version: string;
  /** `drover` is what the platform has to say about the app. */
  readonly stream: 'stdout' | 'stderr' | 'drover';
  readonly line: string;
}

/** The last line printed: its time, and how many of that time were. */
interface Position {
  readonly at: string;
  readonly count: number;
}

const STREAM_NAMES = { stdout: 'out', stderr: 'err', drover: 'drover' } as const;
const DEFAULT_LINES = 100;
const MOST_LINES = 10_000;

export const appLogs: Command = {
  name: 'app logs',
  group: 'Apps',
  usage: 'NAME',
  summary: 'Print what an app wrote to its standard output and error',
  details: [
    'Each line has its time, the version that wrote it, and out or err; drover is what the ' +
      'server itself says about the app. With --follow it goes on until Ctrl-C, and picks up ' +
      'again after a lost connection.',
  ],
  options: {
    follow: { kind: 'flag', short: 'f', doc: 'Stay, and print what comes.' },
    lines: {
      kind: 'text',
      short: 'n',
      argument: 'N',
      doc: `Begin with the last N lines. Default: ${DEFAULT_LINES}.`,
    },
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: ['drover app logs shop', 'drover app logs -f --lines 0 shop'],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, terminal } = invocation;
    const [name = ''] = words;
    const lines = options.whole('lines', { least: 0, most: MOST_LINES }) ?? DEFAULT_LINES;
    const api = await openRestClient(invocation, 'operator');
    const path = `${pathOf(name)}/logs`;
    const read = options.flag('follow')
      ? follow(api, { path, lines }, invocation)
      : (api.lines(`${path}?lines=${lines}`, invocation.signal) as AsyncGenerator<WireLine>);
    for await (const line of read) {
      await terminal.write(
        options.flag('json') ? `${JSON.stringify(line)}\n` : `${lineToText(line)}\n`,
      );
    }
  },
};

/** After a lost connection it reads far enough back, and leaves out what was printed. */
function follow(
  api: RestClient,
  { path, lines }: { readonly path: string; readonly lines: number },
  { clock, signal, terminal }: Invocation,
): AsyncGenerator<WireLine, unknown> {
  let last: Position | undefined;
  return resumeStream<WireLine, Position | undefined>({
    start: undefined,
    async *open(from, until) {
      const back = from === undefined ? lines : MOST_LINES;
      let seen = 0;
      const all = api.lines(`${path}?lines=${back}&follow=true`, until);
      for await (const line of all as AsyncGenerator<WireLine>) {
        if (from !== undefined && line.at < from.at) continue;
        if (line.at === from?.at && (seen += 1) <= from.count) continue;
        yield line;
      }
    },
    positionAfter: ({ at }) => (last = { at, count: last?.at === at ? last.count + 1 : 1 }),
    // An app goes on writing: a server that ends this is going down.
    endsItself: false,
    url: api.url,
    clock,
    signal,
    onTrouble: (message) => terminal.note(`drover: ${message}`),
  });
}

function lineToText({ at, version, stream, line }: WireLine): string {
  // A tab moves the cursor and nothing else, and tables are made of them.
  const text = line.split('\t').map(printable).join('\t');
  return `${at} ${version} ${STREAM_NAMES[stream]} ${text}`;
}
