/**
 * Answers for apps: finds the version that is meant, lets in whom its manifest lets in, and gives
 * what is asked to a static file or to a worker.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DroverError } from '#kernel/errors.ts';
import { weightOf } from '#surfaces/edge/accept.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import { HttpRefusal, sendError } from '#surfaces/edge/http-errors.ts';
import type { AppVersion } from '#workers/apps/app.ts';
import type { AppsParts } from '#surfaces/apps/apps-parts.ts';
import { fileNotFound, sendStatic } from '#surfaces/apps/statics/send-static.ts';
import { findStatic, type StaticSite } from '#surfaces/apps/statics/static-site.ts';
import { StaticSites } from '#surfaces/apps/statics/static-sites.ts';
import { admit, ANYBODY, type Admission } from './admission.ts';
import { AppCall } from './app-call.ts';
import type { AppTarget } from './app-target.ts';
import { StreamedBody, hasBody, isShort, readWhole } from './request-body.ts';
import { appUrl, forwardedHeaders } from './request-headers.ts';

interface Visit {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly target: AppTarget;
  readonly version: AppVersion;
  readonly admission: Admission;
}

export class AppServer {
  readonly #parts: AppsParts;
  readonly #sites = new StaticSites();

  constructor(parts: AppsParts) {
    this.#parts = parts;
  }

  /** What stands in the way is answered; nothing is thrown. */
  serve(request: FastifyRequest, reply: FastifyReply, findTarget: () => AppTarget): void {
    try {
      const target = findTarget();
      const version = this.#parts.apps.resolve(target.spec);
      const { authorization } = request.headers;
      if (version.manifest.access === 'public' && authorization === undefined) {
        this.#enter({ request, reply, target, version, admission: ANYBODY });
      } else {
        void this.#ask(request, reply, { target, version });
      }
    } catch (thrown) {
      sendError(thrown, request, reply);
    }
  }

  async #ask(
    request: FastifyRequest,
    reply: FastifyReply,
    { target, version }: Pick<Visit, 'target' | 'version'>,
  ): Promise<void> {
    const { authenticator } = this.#parts;
    const signal = callerSignal(reply);
    try {
      const admission = await admit(
        version.manifest.access,
        request.headers.authorization,
        (header) => authenticator.authenticate(header, () => signal),
      );
      request.principal = admission.principal ?? null;
      if (!signal.aborted) this.#enter({ request, reply, target, version, admission });
    } catch (thrown) {
      if (!signal.aborted) sendError(thrown, request, reply);
    }
  }

  #enter(visit: Visit): void {
    const { request, version } = visit;
    const isReading = request.method === 'GET' || request.method === 'HEAD';
    if (version.manifest.statics === undefined || !isReading) {
      this.#callWorker(visit);
      return;
    }
    const site = this.#sites.known(version);
    if (site !== undefined) this.#enterSite(visit, site);
    else void this.#readSite(visit);
  }

  async #readSite(visit: Visit): Promise<void> {
    const { request, reply, version } = visit;
    try {
      this.#enterSite(visit, await this.#sites.read(version));
    } catch (thrown) {
      sendError(thrown, request, reply);
    }
  }

  /** A file that exists comes before the app; the fallback before it too, where there is one. */
  #enterSite(visit: Visit, site: StaticSite): void {
    const { request, reply, target, version } = visit;
    const match = findStatic(site, target.path);
    if (match?.kind === 'folder') {
      void reply.code(308).header('location', folderLocation(target)).send();
      return;
    }
    const file = match?.file ?? this.#fallback(visit, site);
    if (file === undefined) {
      this.#callWorker(visit);
      return;
    }
    const { access } = version.manifest;
    sendStatic(request, reply, { root: site.root, file, access }).catch((thrown: unknown) =>
      sendError(thrown, request, reply),
    );
  }

  #fallback({ request, version }: Visit, site: StaticSite): string | undefined {
    const { accept } = request.headers;
    const fallback = version.manifest.statics?.fallback;
    // Pages are asked for by name; scripts and data that are missing are missing.
    if (fallback === undefined || accept === undefined || !accept.includes('text/html')) {
      return undefined;
    }
    return weightOf(accept, 'text/html') > 0 ? site.files.get(fallback) : undefined;
  }

  #callWorker(visit: Visit): void {
    const { request, reply, version } = visit;
    const { raw } = request;
    if (version.workerApp === undefined) {
      refuseFilesOnly(request, reply);
    } else if (!hasBody(raw)) {
      this.#begin(visit, undefined, undefined);
    } else if (isShort(raw)) {
      readWhole(raw, (body) => this.#begin(visit, body, undefined));
    } else {
      const onStall = (refusal: DroverError) => call?.abandon(refusal);
      const body = new StreamedBody({ raw, clock: this.#parts.clock, onStall });
      const call = this.#begin(visit, undefined, body);
    }
  }

  #begin(
    { request, reply, target, version, admission }: Visit,
    whole: Uint8Array | undefined,
    streamed: StreamedBody | undefined,
  ): AppCall | undefined {
    // It was given up on while its body was read.
    if (reply.raw.headersSent || reply.raw.destroyed) return undefined;
    const { caller, dropAuthorization } = admission;
    const call = new AppCall(request, reply, streamed);
    try {
      const head = {
        method: request.method,
        url: appUrl(request.raw, target.path),
        headers: forwardedHeaders(request.raw, {
          ...{ requestId: request.id, base: target.base, dropAuthorization, isUpgrade: false },
        }),
        hasBody: streamed !== undefined,
        ...(caller !== undefined && { caller }),
      };
      const exchange = call.begin((handler) =>
        this.#parts.pool.fetch(version.key, head, whole, handler),
      );
      streamed?.begin(exchange);
      return call;
    } catch (thrown) {
      sendError(thrown, request, reply);
      return undefined;
    }
  }
}

/** On a host of its own the base is the root, and nothing is to be put in front. */
function folderLocation({ base, path }: AppTarget): string {
  const queryAt = path.indexOf('?');
  const folder = queryAt === -1 ? path : path.slice(0, queryAt);
  const query = queryAt === -1 ? '' : path.slice(queryAt);
  // Two slashes in front would name another host.
  return `${base === '/' ? '' : base}/${folder.replace(/^\/+/, '')}/${query}`;
}

function refuseFilesOnly(request: FastifyRequest, reply: FastifyReply): void {
  if (request.method === 'GET' || request.method === 'HEAD') {
    sendError(fileNotFound(), request, reply);
    return;
  }
  void reply.header('allow', 'GET, HEAD');
  const message = 'this app is of files alone and answers GET and HEAD';
  sendError(new HttpRefusal(405, message, 'METHOD_NOT_ALLOWED'), request, reply);
}
