/** WebSockets of apps, under `/apps/…` and on hosts that belong to apps. */
import type { FastifyInstance } from 'fastify';
import type { UpgradeRequest } from '#surfaces/edge/upgrades.ts';
import type { AppsParts } from '#surfaces/apps/apps-parts.ts';
import { admit } from '#surfaces/apps/serving/admission.ts';
import { parseAppUrl, parseHostUrl, type AppTarget } from '#surfaces/apps/serving/app-target.ts';
import { appUrl, forwardedHeaders, hostHeaderOf } from '#surfaces/apps/serving/request-headers.ts';
import { DroverError } from '#kernel/errors.ts';
import { AppSocket } from './app-socket.ts';

export function registerAppSockets(app: FastifyInstance, parts: AppsParts): void {
  const open = new Set<AppSocket>();
  app.draining.addEventListener('abort', () => {
    for (const socket of open) socket.drain();
  });
  const answer = async (upgrade: UpgradeRequest, target: AppTarget) => {
    const socket = new AppSocket({ ...upgrade, clock: parts.clock });
    // From before it asks the app, so that a drain reaches it in any case.
    open.add(socket);
    upgrade.socket.once('close', () => open.delete(socket));
    await enter(upgrade, target, { parts, socket });
  };
  app.upgrades.register({
    route: '/apps/:spec/*',
    prefix: '/apps/',
    handle: (upgrade) => answer(upgrade, pathTarget(upgrade)),
  });
  if (parts.hosts.isEmpty) return;
  app.upgrades.register({
    route: '/*',
    isHost: (host) => parts.hosts.find(host) !== undefined,
    handle: (upgrade) => answer(upgrade, hostTarget(upgrade, parts)),
  });
}

async function enter(
  upgrade: UpgradeRequest,
  target: AppTarget,
  { parts, socket }: { readonly parts: AppsParts; readonly socket: AppSocket },
): Promise<void> {
  const { raw } = upgrade;
  const { apps, authenticator, pool } = parts;
  const { key, manifest, workerApp } = apps.resolve(target.spec);
  const gone = new AbortController();
  upgrade.socket.once('close', () => gone.abort());
  const { authorization } = raw.headers;
  const admission = await admit(manifest.access, authorization, (header) =>
    authenticator.authenticate(header, () => gone.signal),
  );
  upgrade.principal = admission.principal;
  if (workerApp === undefined) throw noSockets();
  const { caller, dropAuthorization } = admission;
  const head = {
    method: raw.method ?? 'GET',
    url: appUrl(raw, target.path),
    headers: forwardedHeaders(raw, {
      ...{ requestId: upgrade.id, base: target.base, dropAuthorization, isUpgrade: true },
    }),
    ...{ hasBody: true, isUpgrade: true as const },
    ...(caller !== undefined && { caller }),
  };
  await socket.begin((handler) => pool.fetch(key, head, undefined, handler));
}

function pathTarget({ raw }: UpgradeRequest): AppTarget {
  const target = parseAppUrl(raw.url ?? '/');
  if (target !== undefined) return target;
  throw new DroverError('not_found', 'there is no WebSocket at this path; apps have theirs below', {
    reason: 'PATH_NOT_FOUND',
  });
}

function hostTarget({ raw }: UpgradeRequest, { hosts }: AppsParts): AppTarget {
  return parseHostUrl(raw.url ?? '/', hosts.find(hostHeaderOf(raw)) ?? '');
}

function noSockets(): DroverError {
  return new DroverError('not_found', 'the app is of files alone and has no WebSockets', {
    reason: 'PATH_NOT_FOUND',
  });
}
