/**
 * How the bodies of this surface are read: JSON, or YAML where its content type says so. An empty
 * body is none, since clients send the content type of JSON along with nothing.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpRefusal } from '#surfaces/edge/http-errors.ts';
import { formatBytes, MIB } from '#kernel/units.ts';

export const MOST_YAML_BYTES = MIB / 16;

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
    async (_request: FastifyRequest, body: string) => await readYaml(body),
  );
}

/**
 * For routes whose clients send YAML and JSON under any name, `curl -d` with that of a form among
 * them. Pages of strangers can send such bodies too: what keeps them out is the guard of this
 * surface, which looks at where a request comes from before its body is read.
 */
export function takeEveryType(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  const readJson = async (request: FastifyRequest, body: string): Promise<unknown> => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    void parseJson(request, body, (error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
    return await promise;
  };
  app.addContentTypeParser(
    '*',
    { parseAs: 'string' },
    async (request: FastifyRequest, body: string) => {
      if (body.trim() === '') return undefined;
      try {
        return await readJson(request, body);
      } catch (asJson) {
        try {
          return await readShortYaml(body);
        } catch (asYaml) {
          // Who begins like that meant JSON.
          throw /^\s*[{[]/.test(body) ? asJson : asYaml;
        }
      }
    },
  );
}

async function readShortYaml(body: string): Promise<unknown> {
  if (Buffer.byteLength(body) <= MOST_YAML_BYTES) return await readYaml(body);
  const message = `a request body in YAML may have ${formatBytes(MOST_YAML_BYTES)}; send JSON`;
  throw new HttpRefusal(413, message, 'BODY_TOO_LARGE');
}

/** The library is loaded with the first body: nearly all are JSON. */
async function readYaml(body: string): Promise<unknown> {
  const { parseYaml } = await import('./parse-yaml.ts');
  return parseYaml(body);
}
