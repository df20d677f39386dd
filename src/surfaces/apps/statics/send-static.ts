/** Answers with a file: conditions, ranges and types are the library's business. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DroverError } from '#kernel/errors.ts';
import { HttpRefusal, sendError } from '#surfaces/edge/http-errors.ts';
import type { AppAccess } from '#workers/apps/app.ts';

export interface FileToSend {
  readonly root: string;
  /** Relative to the root. */
  readonly file: string;
  readonly access: AppAccess;
}

export async function sendStatic(
  request: FastifyRequest,
  reply: FastifyReply,
  { root, file, access }: FileToSend,
): Promise<void> {
  const path = file.split('/').map(encodeURIComponent).join('/');
  const options = { root, index: false, cacheControl: false, dotfiles: 'ignore' } as const;
  // Not before there is a file to send: most servers never have one.
  const { send } = await import('@fastify/send');
  const result = await send(request.raw, path, options);
  if (result.type !== 'file') {
    result.stream.destroy();
    if (result.statusCode === 416) void reply.header('content-range', contentRangeOf(result));
    sendError(refusalOf(result.statusCode), request, reply);
    return;
  }
  void reply
    .code(result.statusCode)
    .headers(result.headers)
    // A deployment changes what is at a path; whoever kept a copy asks whether it still holds.
    .header('cache-control', access === 'public' ? 'no-cache' : 'private, no-cache')
    .header('x-content-type-options', 'nosniff')
    .send(result.statusCode === 304 ? undefined : result.stream);
  if (result.statusCode === 304) result.stream.destroy();
}

function contentRangeOf({ headers }: { readonly headers: Record<string, string> }): string {
  return headers['Content-Range'] ?? 'bytes */*';
}

function refusalOf(status: number): DroverError {
  switch (status) {
    case 412:
      return new HttpRefusal(412, 'the file is not as the conditions say', 'PRECONDITION_FAILED');
    case 416:
      return new HttpRefusal(416, 'the file has no such range', 'RANGE_NOT_SATISFIABLE');
    case 404:
      return fileNotFound();
    default:
      return new DroverError('internal', 'the file cannot be read', { context: { status } });
  }
}

export function fileNotFound(): DroverError {
  return new DroverError('not_found', 'the app has no file at this path', {
    reason: 'FILE_NOT_FOUND',
  });
}
