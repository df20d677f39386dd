/**
 * How the bodies of this surface are read: JSON, or YAML where its content type says so. An empty
 * body is none, since clients send the content type of JSON along with nothing.
 */
import type { FastifyInstance } from 'fastify';
import { HttpRefusal } from '#surfaces/edge/http-errors.ts';
import { formatBytes } from '#kernel/units.ts';
import { MOST_YAML_BYTES, parseYaml } from './parse-yaml.ts';

export const YAML_TYPES = [
  'application/x-yaml',
  'application/yaml',
  'text/yaml',
  'text/x-yaml',
] as const;

export function registerBodyParsers(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    (request, body: string, done) => {
      if (body.trim() === '') done(null, undefined);
      else void parseJson(request, body, done);
    },
  );
  app.addContentTypeParser<string>(
    [...YAML_TYPES],
    { parseAs: 'string', bodyLimit: MOST_YAML_BYTES },
    (_request, body, done) => {
      try {
        done(null, parseYaml(body));
      } catch (thrown) {
        done(thrown as Error);
      }
    },
  );
}

/**
 * For routes whose clients send YAML and JSON under any name, `curl -d` with that of a form among
 * them. Pages of strangers can send such bodies too: what keeps them out is the guard of this
 * surface, which looks at where a request comes from before its body is read.
 */
export function takeEveryType(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body: string, done) => {
    if (body.trim() === '') return done(null, undefined);
    void parseJson(request, body, (asJson, value) => {
      if (asJson === null) return done(null, value);
      try {
        done(null, parseShortYaml(body));
      } catch (asYaml) {
        // Who begins like that meant JSON.
        done(/^\s*[{[]/.test(body) ? asJson : (asYaml as Error));
      }
    });
  });
}

function parseShortYaml(body: string): unknown {
  if (Buffer.byteLength(body) <= MOST_YAML_BYTES) return parseYaml(body);
  const message = `a request body in YAML may have ${formatBytes(MOST_YAML_BYTES)}; send JSON`;
  throw new HttpRefusal(413, message, 'BODY_TOO_LARGE');
}
