/** What anyone may read: health, metrics, and the descriptions of the API. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Machines } from '#gen/drover/v1/machines_pb.js';
import { VmService as MetalVmService } from '#gen/metal/vmprovisioner/v1/vm_pb.js';
import { VmService } from '#gen/vmprovisioner/v1/vm_pb.js';
import { CUSTOMER, OPERATOR, ask, call, createVm, get, type Json } from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';

interface Route {
  readonly method: string;
  readonly url: string;
}

/** `/PACKAGE.Service/Method` */
const RPC = /^\/[\w.]+\.\w+\/\w+$/;

/** The server, and every route that it registered, by Fastify's own account. */
async function openObservedServer(): Promise<{ server: TestServer; routes: Route[] }> {
  const routes: Route[] = [];
  const onInstance = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const each of [method].flat()) routes.push({ method: each, url });
    });
  };
  subscribe('fastify.initialization', onInstance);
  try {
    return { server: await openTestServer(), routes };
  } finally {
    unsubscribe('fastify.initialization', onInstance);
  }
}

describe('GET /health', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server[Symbol.asyncDispose]());

  it('answers the documented shape without a token', async () => {
    const { status, json } = await get(server, '/health');
    assert.equal(status, 200);
    assert.equal(json.status, 'healthy');
    assert.ok(Date.parse(json.timestamp) > 0);
    assert.equal(typeof json.version, 'string');
    assert.deepEqual(json.backend, { type: 'fake', status: 'healthy' });
    for (const name of ['uptime_seconds', 'memory_usage_mb', 'cpu_usage_percent'] as const) {
      assert.equal(typeof json.system[name], 'number', name);
    }
    const { backend_ping: ping } = json.checks;
    assert.equal(ping.status, 'healthy');
    assert.equal(typeof ping.duration_ms, 'number');
    assert.ok(Date.parse(ping.timestamp) > 0);
  });

  it('answers one word to a client that prefers plain text', async () => {
    const { text: body } = await get(server, '/health', { headers: { accept: 'text/plain' } });
    assert.equal(body, 'healthy');
  });
});

describe('GET /metrics', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
    const vmId = await createVm(server);
    for (const method of ['BootVm', 'PauseVm', 'ResumeVm', 'RebootVm', 'GetVmInfo']) {
      await ask(server, method, { vm_id: vmId });
    }
    await ask(server, 'ShutdownVm', { vm_id: vmId, force: true });
    await ask(server, 'ListVms');
    await ask(server, 'DeleteVm', { vm_id: vmId });
    const on = await createVm(server);
    await ask(server, 'BootVm', { vm_id: on });
    await createVm(server);
  });
  after(() => server[Symbol.asyncDispose]());

  it('satisfies promtool', async () => {
    const { text: whole } = await get(server, '/metrics');
    // Names that others chose are older than what promtool recommends.
    const older = /^(node_|hypersdk_jobs_total|(app|storage|system)_\w+_count)/;
    const isOurs = (line: string) => !older.test(line.replace(/^# (HELP|TYPE) /, ''));
    const exposition = whole.split('\n').filter(isOurs).join('\n');
    const promtool = spawn('promtool', ['check', 'metrics']);
    const said = Promise.all([text(promtool.stdout), text(promtool.stderr)]);
    const ended = new Promise<number | null>((resolve, reject) => {
      promtool.once('error', () =>
        reject(new Error('promtool is in the Debian package prometheus')),
      );
      promtool.once('close', resolve);
    });
    promtool.stdin.end(exposition);
    const code = await ended;
    assert.equal(code, 0, (await said).join(''));
    assert.equal((await said).join(''), '');
  });

  it('has the documented names and those that dashboards know', async () => {
    const { text: exposition } = await get(server, '/metrics');
    const families = new Set([...exposition.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    const expected = [
      'unkey_metald_active_vms',
      'unkey_metald_backend_errors_total',
      'unkey_metald_vm_info_requests_total',
      'unkey_metald_vm_list_requests_total',
      ...['create', 'boot', 'shutdown', 'delete', 'pause', 'resume', 'reboot'].flatMap((word) =>
        ['requests_total', 'success_total', 'failures_total', 'duration_seconds'].map(
          (end) => `unkey_metald_vm_${word}_${end}`,
        ),
      ),
      'drover_http_request_duration_seconds',
    ];
    assert.deepEqual(
      expected.filter((name) => !families.has(name)),
      [],
    );
  });

  it('has counters at 0 before anything is asked', async () => {
    await using fresh = await openTestServer();
    const { text: exposition } = await get(fresh, '/metrics');
    const lines = exposition.split('\n');
    for (const line of [
      'unkey_metald_vm_create_requests_total{backend="fake"} 0',
      'unkey_metald_active_vms{backend="fake"} 0',
      'unkey_metald_backend_errors_total{backend="fake",operation="boot"} 0',
    ]) {
      assert.ok(lines.includes(line), line);
    }
  });

  it('counts what was asked, under the labels that dashboards know', async () => {
    const { text: exposition } = await get(server, '/metrics');
    const lines = exposition.split('\n');
    for (const line of [
      'unkey_metald_vm_create_requests_total{backend="fake"} 3',
      'unkey_metald_vm_create_success_total{backend="fake"} 3',
      'unkey_metald_vm_shutdown_requests_total{backend="fake",force="true"} 1',
      'unkey_metald_vm_boot_duration_seconds_count{backend="fake"} 2',
      'unkey_metald_active_vms{backend="fake"} 1',
      'drover_machines{state="created"} 1',
      'drover_machines{state="running"} 1',
    ]) {
      assert.ok(lines.includes(line), `${line} is not in\n${exposition}`);
    }
  });

  it('never grows with the ids, paths and texts that callers make up', async () => {
    const series = async () => {
      const { text: exposition } = await get(server, '/metrics');
      const lines = exposition.split('\n').filter((line) => /^[a-z]/.test(line));
      return lines.map((line) => line.slice(0, line.lastIndexOf(' ')));
    };
    const ask40 = async (round: number) => {
      for (let at = 0; at < 40; at += 1) {
        const made = `made-up-${round}-${at}`;
        await call(server, 'BootVm', { vm_id: made });
        await get(server, `/v1/vms/${made}`, { token: CUSTOMER });
        await get(server, `/${made}`, { token: made });
        await call(server, made, {});
      }
    };
    // What is sampled or counted may get its first value at any moment, but gets it once.
    let added: readonly string[] = ['all'];
    let before = new Set<string>();
    for (let round = 0; added.length > 0; round += 1) {
      assert.ok(round < 10, `each round adds to them: ${added.join()}`);
      await ask40(round);
      const now = await series();
      added = now.filter((name) => !before.has(name));
      before = new Set(now);
    }
    const { text: exposition } = await get(server, '/metrics');
    assert.doesNotMatch(exposition, /made-up|dev_customer|customer="/);
  });
});

describe('the descriptions of the API', () => {
  let server: TestServer;
  let routes: Route[];
  let openapi: Json;
  let metricsOpenapi: Json;
  let documents: readonly Json[];
  before(async () => {
    ({ server, routes } = await openObservedServer());
    ({ json: openapi } = await get(server, '/openapi.json'));
    ({ json: metricsOpenapi } = await get(server, '/api/v1/openapi.json'));
    const { json: ofApps } = await get(server, '/api/v1/apps/openapi.json', { token: OPERATOR });
    const { json: ofPool } = await get(server, '/metrics/api/metrics/openapi.json');
    const { json: ofMigration } = await get(server, '/api/v1/migration/openapi.json');
    const { json: ofWeb } = await get(server, '/api/session/openapi.json');
    const { json: ofFleet } = await get(server, '/api/openapi.json');
    const { json: ofTokens } = await get(server, '/api/v1/tokens/openapi.json');
    documents = [openapi, metricsOpenapi, ofApps, ofPool, ofMigration, ofWeb, ofFleet, ofTokens];
  });
  after(() => server[Symbol.asyncDispose]());

  it('the documents name every REST route, and none that is not there', () => {
    const rest = routes.filter(({ method, url }) => {
      // What an app answers is its own affair; `*` says what there is instead.
      if (url.startsWith('/apps/:spec') || url.endsWith('*')) return false;
      return method !== 'HEAD' && !(method === 'POST' && RPC.test(url));
    });
    const registered = rest.map(({ method, url }) => {
      return `${method} ${withoutSlash(url).replaceAll(/:(\w+)/g, '{$1}')}`;
    });
    const described = documents.flatMap(({ paths }) =>
      Object.entries<Json>(paths).flatMap(([path, item]) =>
        Object.keys(item).map((method) => `${method.toUpperCase()} ${withoutSlash(path)}`),
      ),
    );
    const named = [...new Set(described)].filter((name) => !name.endsWith('*'));
    assert.deepEqual(named.toSorted(), [...new Set(registered)].toSorted());
  });

  it('every other route is a method of a service in the proto files', () => {
    const known = [VmService, MetalVmService, Machines].flatMap(({ typeName, methods }) =>
      methods.map(({ name }) => `/${typeName}/${name}`),
    );
    const posts = routes.filter(({ method, url }) => method === 'POST' && RPC.test(url));
    const ours = posts.map(({ url }) => url).filter((url) => !url.startsWith('/grpc.'));
    assert.deepEqual(ours.toSorted(), known.toSorted());
  });

  it('the document of vm-metrics is whole: every reference leads somewhere', () => {
    assert.match(metricsOpenapi.openapi, /^3\.1\./);
    const found = JSON.stringify(metricsOpenapi).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
    const named = new Set([...found].map(([, name = '']) => name));
    assert.deepEqual(
      [...named].toSorted(),
      Object.keys(metricsOpenapi.components.schemas).toSorted(),
    );
  });

  it('the document of vm-metrics describes what its routes really answer', async () => {
    for (const path of ['/get', '/api/v1/health/status', '/api/v1/processes', '/api/v1/rules']) {
      const { json } = await get(server, path, { token: OPERATOR });
      checkShape(metricsOpenapi, metricsOpenapi.paths[path], json);
    }
  });

  it('openapi.json is whole: every reference leads somewhere', () => {
    assert.match(openapi.openapi, /^3\.1\./);
    const references = [...JSON.stringify(openapi).matchAll(/"#\/components\/schemas\/([^"]+)"/g)];
    assert.ok(references.length > 0);
    for (const [, name = ''] of references) assert.ok(openapi.components.schemas[name], name);
    for (const [path, item] of Object.entries<Json>(openapi.paths)) {
      const parameters = item.get.parameters ?? [];
      const inPath = parameters.filter((p: Json) => p.in === 'path').map((p: Json) => p.name);
      assert.deepEqual(
        inPath,
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      );
      assert.ok(item.get.responses['200'].description, path);
    }
  });

  it('openapi.json describes what the routes really answer', async () => {
    await ask(server, 'BootVm', { vm_id: await createVm(server) });
    await createVm(server);
    const list = await get(server, '/v1/vms', { token: CUSTOMER });
    checkShape(openapi, openapi.paths['/v1/vms'], list.json);
    for (const { vm_id: id } of list.json.vms) {
      const one = await get(server, `/v1/vms/${id}`, { token: CUSTOMER });
      checkShape(openapi, openapi.paths['/v1/vms/{id}'], one.json);
    }
    const demo = { name: 'demo', description: 'a guest', config: { cpu: { vcpu_count: 1 } } };
    await mkdir(join(server.imagesDir, 'demo'));
    await writeFile(join(server.imagesDir, 'demo', 'image.json'), JSON.stringify(demo));
    const { json: offered } = await get(server, '/v1/images', { token: CUSTOMER });
    assert.deepEqual(offered, { images: [{ ...demo, size_bytes: 0, built_at: null }] });
    checkShape(openapi, openapi.paths['/v1/images'], offered);
    checkShape(openapi, openapi.paths['/health'], (await get(server, '/health')).json);
  });

  it('/proto leads to the files as they are in the repository', async () => {
    const { json } = await get(server, '/proto');
    for (const path of json.files) {
      const { text: served, headers } = await get(server, path);
      assert.match(headers.get('content-type') ?? '', /^text\/plain/);
      assert.equal(served, await readFile(join(import.meta.dirname, '../..', path), 'utf8'));
    }
    assert.ok(json.files.includes('/proto/vmprovisioner/v1/vm.proto'));
  });
});

/** Enough of JSON Schema for the schemas of this document, strict about unknown properties. */
function checkShape(openapi: Json, path: Json, value: Json): void {
  check(path.get.responses['200'].content['application/json'].schema, value, '$');

  function check(schema: Json, json: Json, at: string): void {
    if (schema.$ref !== undefined) {
      check(openapi.components.schemas[schema.$ref.split('/').at(-1)], json, at);
    } else if (schema.oneOf !== undefined) {
      const [main] = schema.oneOf;
      if (json !== null) check(main, json, at);
    } else if (schema.type === 'array') {
      assert.ok(Array.isArray(json), at);
      for (const [index, each] of json.entries()) check(schema.items, each, `${at}[${index}]`);
    } else if (schema.type === 'object') {
      for (const name of schema.required ?? []) assert.ok(name in json, `${at}.${name} is missing`);
      for (const [name, each] of Object.entries<Json>(json)) {
        const property = schema.properties?.[name] ?? schema.additionalProperties;
        assert.ok(property !== undefined, `${at}.${name} is not described`);
        check(property, each, `${at}.${name}`);
      }
    } else {
      const types = [schema.type].flat().map((type) => (type === 'integer' ? 'number' : type));
      const type = json === null ? 'null' : typeof json;
      // A schema without a type allows every value.
      if (schema.type !== undefined) assert.ok(types.includes(type), `${at} is a ${type}`);
      if (schema.enum !== undefined) assert.ok(schema.enum.includes(json), at);
    }
  }
}

/** Some are served with a slash at the end too. */
function withoutSlash(path: string): string {
  return path === '/' ? path : path.replace(/\/$/, '');
}
