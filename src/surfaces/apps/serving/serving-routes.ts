/**
 * `/apps/NAME[@VERSION]/…` with every method, and everything on hosts that belong to apps.
 *
 * The answer is made in the first hook, before Fastify looks at bodies: what their type may be is
 * for the app to say.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { sendError } from '#surfaces/edge/http-errors.ts';
import type { AppsParts } from '#surfaces/apps/apps-parts.ts';
import { AppServer } from './app-server.ts';
import { parseAppUrl, parseHostUrl, withSlash, type AppTarget } from './app-target.ts';
import { hostHeaderOf } from './request-headers.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which app a request is for. */
    readonly findTarget?: (request: FastifyRequest) => AppTarget;
  }
}

type ConstraintStorage = ReturnType<
  Parameters<FastifyInstance['addConstraintStrategy']>[0]['storage']
>;
type RouteOfHost = Parameters<ConstraintStorage['set']>[1];

/** A name for the router, and no header of anybody. */
const HOST_CONSTRAINT = 'appHost';
/** No app could be told of them. */
const NOT_SERVED = new Set(['TRACE', 'CONNECT']);

export function registerServing(app: FastifyInstance, parts: AppsParts): void {
  const server = new AppServer(parts);
  const { hosts } = parts;
  if (!hosts.isEmpty) addHostConstraint(app, parts);
  void app.register((scope, _options, done) => {
    scope.addHook('onRequest', (request, reply, _next) => {
      const { findTarget } = request.routeOptions.config;
      server.serve(request, reply, () => {
        if (findTarget === undefined) throw new Error('every route of apps says whose it is');
        return findTarget(request);
      });
    });
    const method = scope.supportedMethods.filter((name) => !NOT_SERVED.has(name));
    const config = { public: true };
    scope.route({
      ...{ method, url: '/apps/:spec/*', handler: answeredBefore },
      config: { ...config, findTarget: pathTarget },
    });
    if (!hosts.isEmpty) {
      scope.route({
        ...{ method, url: '/*', handler: answeredBefore },
        config: { ...config, findTarget: (request) => hostTarget(request, parts) },
        constraints: { [HOST_CONSTRAINT]: true },
      });
    }
    done();
  });
  app.get('/apps/:spec', { config: { public: true } }, (request, reply) =>
    redirect(request, reply, parts),
  );
}

/** Of such a host nothing else answers: a route without the constraint does not count there. */
function addHostConstraint(app: FastifyInstance, { hosts }: AppsParts): void {
  app.addConstraintStrategy({
    name: HOST_CONSTRAINT,
    mustMatchWhenDerived: true,
    storage: () => {
      const routes = new Map<unknown, RouteOfHost>();
      return {
        get: (key) => routes.get(key) ?? null,
        set: (key, route) => void routes.set(key, route),
      };
    },
    validate: () => true,
    deriveConstraint: (raw: IncomingMessage) =>
      hosts.find(hostHeaderOf(raw)) === undefined ? undefined : true,
  });
}

function pathTarget({ raw }: FastifyRequest): AppTarget {
  const target = parseAppUrl(raw.url ?? '/');
  if (target === undefined) throw new Error('the route has the slash behind the app');
  return target;
}

function hostTarget({ raw }: FastifyRequest, { hosts }: AppsParts): AppTarget {
  return parseHostUrl(raw.url ?? '/', hosts.find(hostHeaderOf(raw)) ?? '');
}

function redirect(request: FastifyRequest, reply: FastifyReply, { apps }: AppsParts): void {
  try {
    const { spec, location } = withSlash(request.raw.url ?? '/');
    apps.resolve(spec);
    void reply.code(308).header('location', location).send();
  } catch (thrown) {
    sendError(thrown, request, reply);
  }
}

function answeredBefore(): never {
  throw new Error('the hook answers');
}
