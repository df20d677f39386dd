/** What a call knows of the HTTP request that it came in. */
import { createContextKey } from '@connectrpc/connect';
import type { ContextKey } from '@connectrpc/connect';
import type { FastifyRequest } from 'fastify';

export const edgeRequestKey: ContextKey<FastifyRequest | undefined> = createContextKey<
  FastifyRequest | undefined
>(undefined, { description: 'the HTTP request' });
