/** `GET /api/v1/apps/{name}/logs`: what an app wrote, a line of JSON each, and what it writes. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import { toIsoTime, type Clock } from '#kernel/clock.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import { QueryParameters } from '#surfaces/edge/query-parameters.ts';
import type { AppLogLine } from '#workers/apps/app-log.ts';
import type { AppsParts } from '#surfaces/apps/apps-parts.ts';

const DEFAULT_LINES = 100;
const MOST_LINES = 10_000;
/** So that whoever is in between sees that the connection lives. */
const HEARTBEAT_MS = 15 * SECOND_MS;

export function registerAppLogs(app: FastifyInstance, { apps, clock }: AppsParts): void {
  app.get('/api/v1/apps/:name/logs', async (request, reply) => {
    assertOperator(principalOf(request));
    const { name } = request.params as { readonly name: string };
    const query = new QueryParameters(request, ['lines', 'follow']);
    const lines = parseLines(query.one('lines'));
    const isFollowed = query.choice('follow', ['true', 'false']) === 'true';
    const log = apps.logs(name);
    void reply.type('application/x-ndjson').header('cache-control', 'no-store');
    if (!isFollowed) return (await log.read({ lines })).map(lineToText).join('');
    const signal = AbortSignal.any([callerSignal(reply), app.draining]);
    return Readable.from(withHeartbeats(log.follow(signal, { lines }), clock));
  });
}

/** The first heartbeat comes at once, and the head of the answer with it. */
async function* withHeartbeats(
  lines: AsyncIterable<AppLogLine>,
  clock: Clock,
): AsyncGenerator<string, void> {
  const iterator = lines[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    yield '\n';
    for (;;) {
      const due = Promise.withResolvers<undefined>();
      using _timer = clock.after(HEARTBEAT_MS, () => due.resolve(undefined));
      const first = await Promise.race([next, due.promise]);
      if (first === undefined) {
        yield '\n';
      } else {
        if (first.done === true) return;
        next = iterator.next();
        yield lineToText(first.value);
      }
    }
  } finally {
    // It ends with the signal, if not by itself; what it still has to say is nobody's.
    void iterator.return?.()?.catch(() => undefined);
    next.catch(() => undefined);
  }
}

function lineToText({ at, version, stream, line }: AppLogLine): string {
  return `${JSON.stringify({ at: toIsoTime(at), version, stream, line })}\n`;
}

function parseLines(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LINES;
  const lines = /^\d{1,5}$/.test(text) ? Number(text) : MOST_LINES + 1;
  if (lines <= MOST_LINES) return lines;
  throw invalidArgument('lines', `must be a whole number from 0 to ${MOST_LINES}`);
}
