/** Answers with a file of the page, in the best form the browser takes. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { acceptsEncoding } from '#surfaces/edge/accept.ts';
import type { PageEncoding, PageFile } from './built-page.ts';

/**
 * Nothing from elsewhere, nothing inline, and in nobody's frame. Styles set by script are not
 * inline in this sense.
 */
const POLICY = [
  ["default-src 'none'", "script-src 'self'", "style-src 'self'", "font-src 'self'"],
  ["img-src 'self' data:", "connect-src 'self'", "form-action 'self'"],
  ["base-uri 'none'", "frame-ancestors 'none'"],
]
  .flat()
  .join('; ');

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const YEAR_SECONDS = 365 * 24 * 60 * 60;

export function sendPageFile(request: FastifyRequest, reply: FastifyReply, file: PageFile): void {
  const etag = request.headers['if-none-match'];
  const keeping = file.isImmutable
    ? `public, max-age=${YEAR_SECONDS}, immutable`
    : 'no-cache, no-transform';
  void reply.headers(PAGE_HEADERS).header('cache-control', keeping).header('etag', file.etag);
  void reply.header('vary', file.isImmutable ? 'accept-encoding' : 'accept, accept-encoding');
  if (etag !== undefined && isAmong(file.etag, etag)) {
    void reply.code(304).send();
    return;
  }
  const encoding = chooseEncoding(request.headers['accept-encoding'], file);
  if (encoding !== 'identity') void reply.header('content-encoding', encoding);
  void reply
    .code(200)
    .type(file.type)
    .header('content-length', file.sizes.get(encoding) ?? 0);
  // Of HEAD the router reads it and sends none of it.
  void reply.send(file.open(encoding));
}

function chooseEncoding(accepted: string | undefined, { sizes }: PageFile): PageEncoding {
  const encodings = [...sizes.keys()];
  return (
    encodings.find((each) => each === 'identity' || acceptsEncoding(accepted, each)) ?? 'identity'
  );
}

function isAmong(etag: string, header: string): boolean {
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
