/**
 * How this surface answers: from the last snapshot, with an ETag of its revision, and wrapped where
 * `?envelope=1` asks for it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { assertOperator } from '#access/principal.ts';
import type { ServerSnapshot } from '#fleet/server-snapshot.ts';
import { untilAborted } from '#kernel/abort.ts';
import { toIsoTime } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { writeCursor } from './cursor.ts';
import type { FleetParts } from './fleet-parts.ts';

/** How long the first answers wait for sources that were only just asked. */
const FIRST_WAIT_MS = 1000;

/** JSON. */
export type Text = string | Buffer;

export interface Answer {
  readonly path: string;
  /** Not written at all for who has this revision already. */
  readonly render: (request: FastifyRequest) => {
    readonly write: () => Text;
    readonly revision: number;
  };
  /** Needs no token in any case. */
  readonly isPublic?: boolean;
}

/** GET with and without a slash at the end. */
export function serve(
  app: FastifyInstance,
  parts: FleetParts,
  { path, render, isPublic = false }: Answer,
): void {
  const options = { config: { public: isPublic } };
  const answer = (request: FastifyRequest, reply: FastifyReply) => {
    const { write, revision } = render(request);
    const isWrapped = wantsEnvelope(request);
    const tag = `W/"${writeCursor(revision)}${isWrapped ? '-e' : ''}"`;
    void reply.header('etag', tag).header('cache-control', 'no-cache');
    if (matches(request.headers['if-none-match'], tag)) return reply.code(304).send();
    void reply.header('content-type', 'application/json; charset=utf-8');
    return isWrapped ? wrap(write(), toIsoTime(parts.clock.nowMs())) : write();
  };
  // Pages and programs ask again and again: without a promise where there is nothing to wait for.
  const handler = (request: FastifyRequest, reply: FastifyReply) => {
    if (!isPublic) assertOperator(principalOf(request));
    if (parts.fleet.isSettled) return answer(request, reply);
    return waitForSources(parts, request.signal).then(() => answer(request, reply));
  };
  app.get(path, options, handler);
  // What ends in a star takes the slash as part of what it stands for.
  if (path.endsWith('*')) return;
  app.get(path.endsWith('/') ? path.slice(0, -1) : `${path}/`, options, handler);
}

/** A server that is there, whose sources had the time to answer or to fail. */
export function found(snapshot: ServerSnapshot | undefined, what: string): ServerSnapshot {
  if (snapshot === undefined) {
    const message = `there is no ${what}; GET /api/servers lists those there are`;
    throw new DroverError('not_found', message, { reason: 'SERVER_NOT_FOUND' });
  }
  const { sources, server } = snapshot;
  const isNew = sources.every((each) => each.answeredAt === undefined && each.failures === 0);
  if (isNew && sources.length > 0) {
    throw new DroverError('unavailable', `${server.id} was asked and has not answered yet`, {
      ...{ reason: 'NOT_MEASURED_YET', metadata: { retry_after_seconds: '1' } },
    });
  }
  return snapshot;
}

/** Until each source answered or failed, but not for long; throws when the signal aborts. */
export async function waitForSources(
  { clock, fleet }: FleetParts,
  signal: AbortSignal,
): Promise<void> {
  if (fleet.list().every(({ updatedAt }) => updatedAt !== undefined)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  using _timer = clock.after(FIRST_WAIT_MS, resolve);
  await untilAborted(Promise.race([fleet.settled(), promise]), signal);
}

function wantsEnvelope({ query }: FastifyRequest): boolean {
  const { envelope } = query as { readonly envelope?: unknown };
  return envelope === '1' || envelope === 'true';
}

function wrap(body: Text, timestamp: string): string {
  return `{"data":${body.toString()},"timestamp":"${timestamp}","status":"success"}`;
}

function matches(header: string | undefined, tag: string): boolean {
  return header !== undefined && header.split(',').some((each) => each.trim() === tag);
}
