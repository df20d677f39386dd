/**
 * How the bodies of this surface are read: JSON, or YAML where its content type says so. An empty
 * body is none, since clients send the content type of JSON along with nothing.
 */
import type { FastifyInstance } from 'fastify';
import { parseDocument } from 'yaml';
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';

export const YAML_TYPES = [
  'application/x-yaml',
  'application/yaml',
  'text/yaml',
  'text/x-yaml',
] as const;

// Reading YAML takes many times as long as JSON, and nobody else is served meanwhile.
const MOST_YAML_BYTES = MIB / 4;
const MOST_ALIASES = 100;
const MOST_TOLD = 200;

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

/** One document; what its aliases stand for is bounded. */
export function parseYaml(text: string): unknown {
  try {
    const document = parseDocument(text, { schema: 'core', strict: true, uniqueKeys: true });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return (document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown) ?? undefined;
  } catch (cause) {
    const [line = ''] = cause instanceof Error ? cause.message.split('\n', 1) : [];
    throw new DroverError(
      'invalid_argument',
      `the request body is not valid YAML: ${line.slice(0, MOST_TOLD)}`,
      { reason: 'MALFORMED_YAML', cause },
    );
  }
}
