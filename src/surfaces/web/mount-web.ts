/** The web page on the gateway, and how a browser signs in to it. */
import type { FastifyInstance } from 'fastify';
import { registerPage } from './page-routes.ts';
import { registerSession, type SessionParts } from './session-routes.ts';

export interface WebParts extends SessionParts {
  /** Where the built page is, or will be. */
  readonly directory: string;
}

export function mountWeb(app: FastifyInstance, parts: WebParts): void {
  registerPage(app, parts);
  // In a scope of its own, for its hook.
  void app.register((scope, _options, done) => {
    registerSession(scope, parts);
    done();
  });
}
