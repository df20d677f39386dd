import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EVENT_KINDS } from '#events/event.ts';
import { HOUR_MS, MIB } from '#kernel/units.ts';
import { OPEN_POLICY } from '#test/app-fixture.ts';
import type { AppPolicy } from './app-policy.ts';
import { parseManifest } from './manifest.ts';

const LEAST = { name: 'shop', version: '1.0.0' };

function problemOf(fields: Readonly<Record<string, unknown>>, policy = OPEN_POLICY): string {
  try {
    parseManifest({ ...LEAST, ...fields }, policy);
    return 'nothing';
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

describe('parseManifest', () => {
  it('fills in everything but the name and the version', () => {
    assert.deepEqual(parseManifest(LEAST, OPEN_POLICY), {
      name: 'shop',
      version: '1.0.0',
      entrypoint: undefined,
      isolation: 'process',
      access: 'token',
      limits: {
        concurrency: 10,
        minWorkers: 0,
        maxWorkers: 4,
        idleTimeoutMs: 60_000,
        requestTimeoutMs: 30_000,
        queueLimit: 100,
        queueTimeoutMs: 10_000,
        startTimeoutMs: 10_000,
        maxRequests: 10_000,
        maxMemoryBytes: 256 * MIB,
      },
      env: {},
      statics: undefined,
      cron: [],
      events: [],
      allowedHosts: [],
      grants: [],
      readableDirectories: [],
      writableDirectories: [],
    });
  });

  it('reads every key', () => {
    const policy: AppPolicy = { ...OPEN_POLICY, grants: ['worker'], directories: ['/srv/data'] };
    const raw = {
      ...LEAST,
      entrypoint: 'src/main.ts',
      isolation: 'process',
      access: 'public',
      concurrency: 5,
      min_workers: 1,
      max_workers: 8,
      idle_timeout: '5m',
      request_timeout: 1.5,
      queue_limit: 0,
      queue_timeout: '250ms',
      start_timeout: '1m',
      max_requests: 0,
      max_memory: '512MiB',
      env: { A: 'b', _C1: '' },
      static: { directory: 'public', fallback: 'index.html' },
      cron: [
        { schedule: '*/5 * * * *', path: '/tick' },
        { schedule: '@daily', timezone: 'Europe/Berlin', method: 'PUT', path: '/x?y=1' },
      ],
      on: ['machine.created', { event: 'threshold.violated', path: '/alarm' }],
      allowed_hosts: ['api.example.com', 'db:5432', '*.example.com', '[::1]:80', '10.0.0.1', '*'],
      grants: ['worker', 'worker'],
      directories: { read: ['/srv/data/in'], write: ['/srv/data'] },
    };
    assert.deepEqual(parseManifest(raw, policy), {
      ...LEAST,
      entrypoint: 'src/main.ts',
      isolation: 'process',
      access: 'public',
      limits: {
        concurrency: 5,
        minWorkers: 1,
        maxWorkers: 8,
        idleTimeoutMs: 300_000,
        requestTimeoutMs: 1500,
        queueLimit: 0,
        queueTimeoutMs: 250,
        startTimeoutMs: 60_000,
        maxRequests: Infinity,
        maxMemoryBytes: 512 * MIB,
      },
      env: { A: 'b', _C1: '' },
      statics: { directory: 'public', fallback: 'index.html' },
      cron: [
        { schedule: '*/5 * * * *', timezone: undefined, method: 'POST', path: '/tick' },
        { schedule: '@daily', timezone: 'Europe/Berlin', method: 'PUT', path: '/x?y=1' },
      ],
      events: [
        { on: 'machine.created', path: '/events' },
        { on: 'threshold.violated', path: '/alarm' },
      ],
      allowedHosts: raw.allowed_hosts,
      grants: ['worker'],
      readableDirectories: ['/srv/data/in'],
      writableDirectories: ['/srv/data'],
    });
  });

  const WRONG: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
    ['a name with capitals', { name: 'Shop' }, /name: must be 1 to 63 .*, not "Shop"/],
    ['a name that is a path', { name: '../shop' }, /name: must be 1 to 63/],
    ['a scoped name', { name: '@ns/shop' }, /name: must be/],
    ['a name of 64 letters', { name: 'x'.repeat(64) }, /name: must be/],
    ['a name that ends in a hyphen', { name: 'shop-' }, /name: must be/],
    ['a version that YAML took for a number', { version: 1.2 }, /version: .*1\.4\.0.*not 1\.2/],
    ['an unknown key', { concurency: 1 }, /"concurency": is unknown; did you mean concurrency\?/],
    ['a key unlike any', { zzzzzzz: 1 }, /"zzzzzzz": is unknown; there are name, version/],
    ['a thread', { isolation: 'thread' }, /isolation: .*platform's own work/],
    ['another isolation', { isolation: 'vm' }, /isolation: must be one of process, thread/],
    ['an unknown access', { access: 'all' }, /access: must be one of public, token, operator/],
    ['too much concurrency', { concurrency: 1001 }, /concurrency: .*1 to 1000, not 1001/],
    ['no concurrency', { concurrency: 0 }, /concurrency/],
    ['a number as text', { concurrency: '5' }, /concurrency: must be a whole number/],
    ['a minimum over the maximum', { min_workers: 5 }, /min_workers: .*max_workers, which is 4/],
    ['more workers than there may be', { max_workers: 501 }, /max_workers: .*1 to 500/],
    ['a time in words', { idle_timeout: 'soon' }, /idle_timeout: must be a time from 1s to 1d/],
    ['a time of another unit', { idle_timeout: '1w' }, /idle_timeout/],
    ['a time that is endless', { request_timeout: Infinity }, /request_timeout/],
    ['too little memory', { max_memory: '63MiB' }, /max_memory: .*from 64 MiB/],
    ['too much memory', { max_memory: '2GiB' }, /max_memory: .*1024MiB .*apps\.maxMemory/],
    ['memory in decimal', { max_memory: '256MB' }, /max_memory: .*such as 256MiB/],
    ['an entrypoint outside', { entrypoint: '../main.js' }, /entrypoint/],
    ['an absolute entrypoint', { entrypoint: '/main.js' }, /entrypoint/],
    ['an entrypoint that is no script', { entrypoint: 'main.sh' }, /entrypoint: must be a \.js/],
    ['static that is no map', { static: 'public' }, /static: must be a map of directory, fallback/],
    ['static without a folder', { static: {} }, /static\.directory: is missing/],
    ['static outside', { static: { directory: 'a/../..' } }, /static\.directory/],
    ['a fallback outside', { static: { directory: 'a', fallback: '../x' } }, /static\.fallback/],
    ['env that is a list', { env: ['A=b'] }, /env: must be a map/],
    ['a small name in env', { env: { a: 'b' } }, /env\.a: must be named with capitals/],
    ['a number in env', { env: { PORT: 80 } }, /env\.PORT: must be text; numbers/],
    ['options of the runtime', { env: { NODE_OPTIONS: '' } }, /env\.NODE_OPTIONS: .*keeps/],
    ['a preloaded library', { env: { LD_PRELOAD: 'x' } }, /env\.LD_PRELOAD/],
    ['long env', { env: { A: 'x'.repeat(33_000) } }, /env: must be at most 32 KiB/],
    ['cron that is a map', { cron: {} }, /cron: must be a list/],
    [
      'a cron minute',
      { cron: [{ schedule: '61 * * * *', path: '/' }] },
      /cron\[0\]\.schedule: .*61/,
    ],
    ['four fields', { cron: [{ schedule: '* * * *', path: '/' }] }, /cron\[0\]\.schedule: .*five/],
    ['a date as cron', { cron: [{ schedule: '2026-01-01', path: '/' }] }, /cron\[0\]\.schedule/],
    ['never', { cron: [{ schedule: '0 0 30 2 *', path: '/' }] }, /cron\[0\]\.schedule: .*never/],
    ['no path', { cron: [{ schedule: '@daily' }] }, /cron\[0\]\.path: is missing/],
    ['a URL for a path', { cron: [{ schedule: '@daily', path: '//x/y' }] }, /cron\[0\]\.path/],
    ['a line feed in a path', { cron: [{ schedule: '@daily', path: '/a\nb' }] }, /cron\[0\]\.path/],
    [
      'no such zone',
      { cron: [{ schedule: '@daily', path: '/', timezone: 'X/Y' }] },
      /timezone: must/,
    ],
    [
      'no such method',
      { cron: [{ schedule: '@daily', path: '/', method: 'get' }] },
      /method: must/,
    ],
    ['no such event', { on: ['machine.create'] }, /on\[0\]: .*did you mean machine\.created\?/],
    ['an event of no name', { on: [{ path: '/x' }] }, /on\[0\]\.event: must be one of/],
    ['an event twice', { on: ['machine.created', { event: 'machine.created' }] }, /twice/],
    ['a URL as a host', { allowed_hosts: ['https://x.org'] }, /allowed_hosts\[0\]/],
    ['a host with a path', { allowed_hosts: ['x.org/a'] }, /allowed_hosts\[0\]/],
    ['a capital in a host', { allowed_hosts: ['X.org'] }, /allowed_hosts\[0\]/],
    ['a star within', { allowed_hosts: ['a.*.org'] }, /allowed_hosts\[0\]/],
    ['a port too high', { allowed_hosts: ['x.org:65536'] }, /allowed_hosts\[0\]/],
    ['no such grant', { grants: ['net'] }, /grants\[0\]: must be one of addons/],
    ['a grant not allowed', { grants: ['worker'] }, /grants: .*worker \(the setting apps\.allow\)/],
    [
      'a folder not allowed',
      { directories: { read: ['/etc'] } },
      /read: .*\/etc .*apps\.directories/,
    ],
    ['a relative folder', { directories: { write: ['x'] } }, /directories\.write\[0\]: .*absolute/],
    ['nothing', { env: null }, /env: must be a map/],
  ];
  for (const [what, fields, expected] of WRONG) {
    it(`refuses ${what}`, () => assert.match(problemOf(fields), expected));
  }

  it('refuses a folder that only begins like one that is allowed', () => {
    const policy = { ...OPEN_POLICY, directories: ['/srv/data'] };
    assert.match(
      problemOf({ directories: { read: ['/srv/data-2'] } }, policy),
      /apps\.directories/,
    );
    assert.match(problemOf({ directories: { read: ['/srv/data/../x'] } }, policy), /without \.\./);
    assert.equal(
      problemOf({ directories: { read: ['/srv/data', '/srv/data/..x'] } }, policy),
      'nothing',
    );
  });

  it('tells all that is wrong at once, with the first field for programs', () => {
    assert.throws(() => parseManifest({ version: 'x', concurrency: 0 }, OPEN_POLICY), {
      message: /name: is missing.*; version: must be.*; concurrency: must be/,
      kind: 'invalid_argument',
      reason: 'INVALID_FIELD',
      metadata: { field: 'name' },
    });
  });

  it('tells a bounded part of endless mistakes', () => {
    const keys = Array.from(
      { length: 1000 },
      (_, at) => [`key${at}${'x'.repeat(500)}`, 1] as const,
    );
    const problem = problemOf(Object.fromEntries(keys));
    assert.match(problem, /and 980 more$/);
    assert.ok(problem.length < 20_000);
  });

  it('never quotes a value of the environment', () => {
    assert.ok(!problemOf({ env: { SECRET: ['hunter2'] } }).includes('hunter2'));
  });

  it('refuses what is no map', () => {
    for (const raw of [undefined, null, 1, 'text', []]) {
      assert.throws(() => parseManifest(raw, OPEN_POLICY), /the manifest: must be a map/);
    }
  });

  it('takes every kind of event there is', () => {
    const { events } = parseManifest({ ...LEAST, on: EVENT_KINDS }, OPEN_POLICY);
    assert.deepEqual(
      events.map(({ on }) => on),
      EVENT_KINDS,
    );
  });

  it('reads times in every unit, a bare number as seconds', () => {
    const idle = (value: unknown) =>
      parseManifest({ ...LEAST, idle_timeout: value }, OPEN_POLICY).limits.idleTimeoutMs;
    assert.deepEqual(['1500ms', '2s', '3m', '1h', 90].map(idle), [
      1500,
      2000,
      180_000,
      HOUR_MS,
      90_000,
    ]);
  });

  it('lets defaults give way to what operators allow', () => {
    const policy = { ...OPEN_POLICY, maxMemoryBytes: 128 * MIB, maxWorkers: 2 };
    const { limits } = parseManifest(LEAST, policy);
    assert.deepEqual([limits.maxMemoryBytes, limits.maxWorkers], [128 * MIB, 2]);
  });
});
