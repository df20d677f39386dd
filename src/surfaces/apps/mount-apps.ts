/** The whole surface on a listener: the API that manages apps, and the apps themselves. */
import type { FastifyInstance } from 'fastify';
import type { Authenticator } from '#access/authenticator.ts';
import { registerAuthentication } from '#surfaces/edge/authenticate.ts';
import { registerAppsApi } from './api/api-routes.ts';
import type { AppsParts } from './apps-parts.ts';
import { registerServing } from './serving/serving-routes.ts';
import { registerAppSockets } from './sockets/app-sockets.ts';

export interface MountAppsParts extends AppsParts {
  readonly authenticator: Authenticator;
}

export function mountApps(app: FastifyInstance, parts: MountAppsParts): void {
  void app.register((scope, _options, done) => {
    registerAuthentication(scope, parts.authenticator);
    registerAppsApi(scope, parts);
    done();
  });
  // Each app says for itself who may call it.
  registerServing(app, parts);
  registerAppSockets(app, parts);
}
