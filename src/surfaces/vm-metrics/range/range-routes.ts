/** The routes of history: which series there are, and what their values were. */
import type { FastifyInstance } from 'fastify';
import type { RangeParts } from './range-parts.ts';
import { registerRange } from './range-route.ts';
import { registerSeries } from './series-route.ts';

export function registerRangeRoutes(app: FastifyInstance, parts: RangeParts): void {
  registerSeries(app, parts);
  registerRange(app, parts);
}
