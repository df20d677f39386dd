/** The routes that manage apps; all are for operators. */
import type { FastifyInstance } from 'fastify';
import type { AppsParts } from '#surfaces/apps/apps-parts.ts';
import { registerAppLogs } from './app-logs-route.ts';
import { registerDeploy } from './deploy-route.ts';
import { registerGetApp } from './get-app-route.ts';
import { registerListApps } from './list-apps-route.ts';
import { registerOpenApi } from './openapi-route.ts';
import { registerRemoveApp } from './remove-app-route.ts';
import { registerRollback } from './rollback-route.ts';

export function registerAppsApi(app: FastifyInstance, parts: AppsParts): void {
  registerListApps(app, parts);
  registerGetApp(app, parts);
  registerDeploy(app, parts);
  registerRollback(app, parts);
  registerRemoveApp(app, parts);
  registerAppLogs(app, parts);
  registerOpenApi(app, parts);
}
