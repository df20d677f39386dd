/**
 * Which app a URL means, and what of it the app is to see. Paths are taken as they were sent: an
 * app may tell `%2F` from `/`, so nothing is decoded or put straight on the way.
 */
import { HttpRefusal } from '#surfaces/edge/http-errors.ts';

export interface AppTarget {
  /** `shop`, `shop@1`. */
  readonly spec: string;
  /** What was taken off the path: `/apps/shop`; or `/` on a host of the app's own. */
  readonly base: string;
  /** With the query; it begins with a slash. */
  readonly path: string;
}

// What reads a URL takes these for the folder above: a backslash for a slash, %2e for a dot.
const CLIMBS = /(?:^|[/\\])(?:\.|%2e){2}(?:[/\\]|$)/i;
const ABSOLUTE = /^https?:\/\/[^/?#]*/i;

/** Of `/apps/shop@1/cart?id=2`; undefined where the slash behind the app is missing. */
export function parseAppUrl(url: string): AppTarget | undefined {
  const { path, query } = splitUrl(url);
  const nameAt = path.indexOf('/', 1) + 1;
  const restAt = path.indexOf('/', nameAt);
  if (restAt === -1) return undefined;
  return {
    spec: decodeSpec(path.slice(nameAt, restAt)),
    base: path.slice(0, restAt),
    path: path.slice(restAt) + query,
  };
}

/** Of any URL on a host of the app's own. */
export function parseHostUrl(url: string, spec: string): AppTarget {
  const { path, query } = splitUrl(url);
  return { spec, base: '/', path: path + query };
}

/** `/apps/shop?a=1` is meant for `/apps/shop/?a=1`. */
export function withSlash(url: string): { readonly spec: string; readonly location: string } {
  const { path, query } = splitUrl(url);
  const spec = decodeSpec(path.slice(path.indexOf('/', 1) + 1));
  return { spec, location: `${path}/${query}` };
}

function splitUrl(url: string): { readonly path: string; readonly query: string } {
  const local = url.startsWith('/') ? url : url.replace(ABSOLUTE, '');
  const queryAt = local.indexOf('?');
  const path = queryAt === -1 ? local : local.slice(0, queryAt);
  const query = queryAt === -1 ? '' : local.slice(queryAt);
  if (!path.startsWith('/')) {
    if (path === '' && url !== local) return { path: '/', query };
    throw badPath('the path must begin with a slash');
  }
  if (CLIMBS.test(path)) throw badPath('the path must not have a segment of two dots');
  return { path, query };
}

function decodeSpec(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // No app is named like that, and it says so itself.
    return text;
  }
}

function badPath(message: string): HttpRefusal {
  return new HttpRefusal(400, message, 'BAD_PATH');
}
