import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeFleet, injectFleet } from '#test/fleet-fixture.ts';
import { registerServerRoutes } from './servers/register-server-routes.ts';
import type { ServerRoutesParts } from './servers/server-routes-parts.ts';
import { createFleetOpenApi } from './openapi.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly unknown[];
}

interface Answered {
  readonly content: { readonly 'application/json': { readonly schema: Schema } };
}

interface Operation {
  readonly responses: Readonly<Record<string, Answered>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const DOCUMENT: Document = JSON.parse(JSON.stringify(createFleetOpenApi('1.2.3'))) as Document;
const EXAMPLES = { id: 'gpu-1', vm: '100', '*': '%2Fmnt%2Fingest' };

/** What of a value its schema does not have, or has otherwise. */
function* misfits(value: unknown, given: Schema, place: string): Generator<string> {
  const schema = resolve(given);
  if (schema.oneOf !== undefined) {
    const [one] = schema.oneOf;
    if (value !== null && one !== undefined) yield* misfits(value, one, place);
    return;
  }
  const types = [schema.type ?? []].flat();
  if (!types.includes(typeOf(value)) && !(types.includes('number') && typeof value === 'number')) {
    yield `${place} is ${typeOf(value)}, not ${types.join(' or ')}`;
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) yield `${place}: ${String(value)}`;
  if (Array.isArray(value) && schema.items !== undefined) {
    for (const [at, item] of value.entries()) yield* misfits(item, schema.items, `${place}[${at}]`);
  } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    yield* misfitFields({ ...value }, schema, place);
  }
}

function* misfitFields(value: object, schema: Schema, place: string): Generator<string> {
  const { properties = {}, required = [], additionalProperties } = schema;
  for (const name of required) if (!(name in value)) yield `${place}.${name} is missing`;
  for (const [name, field] of Object.entries(value)) {
    const known = properties[name];
    if (known !== undefined) yield* misfits(field, known, `${place}.${name}`);
    else if (additionalProperties === undefined) yield `${place}.${name} is not described`;
  }
}

function resolve(schema: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1);
  if (name === undefined) return schema;
  const found = DOCUMENT.components.schemas[name];
  assert.ok(found, name);
  return found;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

const UNUSED = new Proxy({} as ServerRoutesParts['servers'], {
  get() {
    throw new Error('nobody asks for the servers here');
  },
});

describe('the OpenAPI document', () => {
  it('has every route, and no other', async () => {
    await using fake = new FakeFleet();
    const routes = new Set<string>();
    const { app, call } = injectFleet(fake, {
      before(edge) {
        edge.addHook('onRoute', ({ method, url }) => {
          const path = url.replaceAll(/:(\w+)/g, '{$1}');
          for (const each of [method].flat()) if (each !== 'HEAD') routes.add(`${each} ${path}`);
        });
      },
    });
    registerServerRoutes(app, { servers: UNUSED });
    const { json, headers } = await call('/api/openapi.json');
    assert.equal(headers['cache-control'], 'no-cache');
    assert.deepEqual(json, DOCUMENT);
    const documented = Object.entries(DOCUMENT.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(documented.toSorted(), [...routes].toSorted());
  });

  it('describes each field of each answer, of servers that tell all or nothing', async () => {
    await using fake = new FakeFleet();
    await fake.watchDocumented();
    const { call } = injectFleet(fake);
    const all = Object.entries(DOCUMENT.paths).filter(([path]) => /^\/api\/(?!v1)/.test(path));
    const check = async (isEmpty: boolean) => {
      for (const [path, { get }] of all) {
        const id = path.includes('/vms') ? 'pve-1' : path.includes('/filesys') ? 'nas-1' : 'gpu-1';
        const url = path.replaceAll(/\{(\w+)\}|\*/g, (found, name: 'id' | 'vm' | undefined) =>
          name === 'id' ? id : EXAMPLES[name ?? (found as '*')],
        );
        const { status, json } = await call(url);
        const answered = get?.responses[status]?.content['application/json'].schema;
        assert.ok(answered, `${url} answered ${status}`);
        assert.ok(isEmpty || status === 200, url);
        assert.deepEqual([...misfits(json, answered, url)], []);
      }
    };
    await check(false);
    for (const id of ['gpu-1', 'pve-1', 'nas-1']) fake.feeds.answers.set(`http://${id}`, {});
    await fake.clock.advance(5000);
    await check(true);
  });

  it('refers to nothing that is not in it', () => {
    const names = [...JSON.stringify(DOCUMENT).matchAll(/#\/components\/schemas\/(\w+)/g)];
    const used = new Set(names.map(([, name]) => name));
    assert.deepEqual(used, new Set(Object.keys(DOCUMENT.components.schemas)));
  });
});
