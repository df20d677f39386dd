/** What an app may try, and what comes of it. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ConfinedApps, type ConfinedApp } from '#test/confined-app.ts';

/** Each answers what it got, or the code of its refusal. */
const ATTEMPTS = `
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as dgram from 'node:dgram';
import * as dns from 'node:dns/promises';
import * as v8 from 'node:v8';
import * as inspector from 'node:inspector';
import { createRequire } from 'node:module';
import { execFileSync, spawn } from 'node:child_process';
import { Worker } from 'node:worker_threads';
const connect = (where) => new Promise((resolve, reject) => {
  net.connect(where).on('connect', () => resolve('connected')).on('error', reject);
});
const attempts = {
  'a file of the host': () => fs.readFileSync('/etc/hostname'),
  'up the tree': () => fs.readFileSync(new URL('../../../../../../etc/hostname', import.meta.url)),
  'above its own folder': () => fs.readdirSync(import.meta.dirname + '/../'),
  'a neighbour of its folder': ({ other }) =>
    fs.readFileSync(import.meta.dirname + '/..' + other.slice(other.lastIndexOf('/')) + '/main.js'),
  'a second name of a file': () => fs.linkSync('/etc/hostname', import.meta.dirname + '/name'),
  'writing to what it may read': () => fs.openSync(new URL('./main.js', import.meta.url), 'r+'),
  'a database': async () => new (await import('node:sqlite')).DatabaseSync('/tmp/of-an-app.db'),
  'a database by another way': () => process.getBuiltinModule('node:sqlite').DatabaseSync,
  'a foreign function': async () => (await import('node:ffi')).dlopen(null),
  'a dump of its memory': () => v8.writeHeapSnapshot('/tmp/of-an-app.heapsnapshot'),
  'a session of the debugger': () => new inspector.Session().connect(),
  'listening': () => new Promise((resolve, reject) => {
    net.createServer().on('error', reject).listen(0, resolve);
  }),
  'an abstract socket': () => connect({ path: '\\0of-the-host' }),
  'a datagram': () => new Promise((resolve, reject) => {
    dgram.createSocket('udp4').on('error', reject).bind(0, resolve);
  }),
  'a link that it makes': () => { fs.symlinkSync('/etc', new URL('./etc', import.meta.url)); },
  'importing a file of the host': () => import('file:///etc/hostname'),
  'requiring a file of the host': () => createRequire(import.meta.url)('/etc/hostname'),
  'its own real folder': ({ own }) => fs.readdirSync(own),
  'the folder of another app': ({ other }) => fs.readFileSync(other + '/main.js'),
  'the folders of members': ({ run }) => fs.readdirSync(run),
  'the environment of the server': ({ ppid }) => fs.readFileSync('/proc/' + ppid + '/environ'),
  'its own memory map': () => fs.readFileSync('/proc/self/maps'),
  'writing': () => fs.writeFileSync(new URL('./new', import.meta.url), ''),
  'a program': () => execFileSync('/bin/true'),
  'a fork bomb': () => { for (let at = 0; at < 1000; at += 1) spawn(process.execPath, []); },
  'a thread': () => new Worker('', { eval: true }),
  'an addon': () => createRequire(import.meta.url)('./addon.node'),
  'internals of Node': () => process.binding('fs'),
  'the debugger': () => inspector.open(0),
  'a connection': ({ port }) => connect({ host: '127.0.0.1', port }),
  'a socket file': () => connect({ path: '/run/docker.sock' }),
  'an HTTP request': ({ port }) => new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port }, resolve).on('error', reject);
  }),
  'the name server': () => dns.resolve4('example.com'),
  'looking a name up': () => dns.lookup('example.com'),
  'a signal to the server': ({ ppid }) => process.kill(ppid, 0),
  'a signal to a neighbour': ({ neighbour }) => process.kill(neighbour, 0),
  'becoming somebody else': () => process.setuid(0),
  'a report on the host': () => process.report.getReport(),
};
export default { async fetch(request) {
  const given = JSON.parse(decodeURIComponent(new URL(request.url).search.slice(1)));
  const results = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    try { results[name] = 'got ' + String(await attempt({ ...given, ppid: process.ppid })); }
    catch (error) { results[name] = error.code ?? error.name; }
  }
  return Response.json(results);
} };`;

/** Each of these is refused by the first wall; most would be by the second as well. */
const OTHER_REFUSALS: Readonly<Record<string, string>> = {
  'the debugger': 'ERR_ACCESS_DENIED',
  'a report on the host': 'TypeError',
  // What the model does not cover is not there at all.
  'a database': 'ERR_UNKNOWN_BUILTIN_MODULE',
  'a database by another way': 'TypeError',
};

describe('an app that is not content with itself', () => {
  let apps: ConfinedApps;
  let other: ConfinedApp;
  before(async () => {
    apps = await ConfinedApps.open();
    other = await apps.start("export default { fetch: () => new Response('') };");
  });
  after(async () => {
    await other[Symbol.asyncDispose]();
    await apps[Symbol.asyncDispose]();
  });

  it('is refused everything that is not its own', async () => {
    const server = createServer((_request, response) => response.end('reached'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      await using app = await apps.start(ATTEMPTS);
      await writeFile(join(app.directory, 'addon.node'), '');
      const address = server.address();
      const given = {
        own: app.directory,
        ...{ other: other.directory, run: apps.runDirectory, neighbour: other.member.pid },
        port: typeof address === 'object' ? address?.port : undefined,
      };
      const query = encodeURIComponent(JSON.stringify(given));
      const results = JSON.parse(await app.ask(`/?${query}`)) as Record<string, string>;
      assert.ok(Object.keys(results).length > 20);
      for (const [attempt, result] of Object.entries(results)) {
        assert.equal(result, OTHER_REFUSALS[attempt] ?? 'ERR_ACCESS_DENIED', attempt);
      }
    } finally {
      server.close();
    }
  });

  it('stays alone with what it starts, and takes it along when it ends', async () => {
    // No other test's sleeps are as long.
    const asleep = `sleep ${1_000_000 + process.pid}`;
    const app = await apps.start(
      `import { spawn } from 'node:child_process';
       export default { fetch() {
         let failed = 0;
         for (let at = 0; at < 300; at += 1) {
           spawn('/bin/sh', ['-c', '${asleep} & ${asleep}']).on('error', () => (failed += 1));
         }
         const answer = () => new Response(String(failed));
         return new Promise((resolve) => setTimeout(() => resolve(answer()), 500));
       } };`,
      { grants: ['child-process'] },
    );
    if (apps.confinements[0]?.users !== undefined) {
      assert.ok(Number(await app.ask()) > 100, 'the limit of processes must stop it');
    }
    await app.member.kill();
    assert.match((await app.member.ended).message, /SIGKILL/);
    assert.equal(await countProcesses(asleep.replace(' ', '\0')), 0);
  });

  it('reads and writes the folders it was granted, and no others', async () => {
    await using app = await apps.start(
      `import * as fs from 'node:fs';
       export default { fetch(request) {
         const folder = decodeURIComponent(new URL(request.url).search.slice(1));
         try { return new Response(fs.readFileSync(folder + '/main.js', 'utf8')); }
         catch (error) { return new Response(error.code); }
       } };`,
      { readableDirectories: [other.directory] },
    );
    assert.match(await app.ask(`/?${encodeURIComponent(other.directory)}`), /^export default/);
    assert.equal(await app.ask(`/?${encodeURIComponent(apps.directory)}`), 'ERR_ACCESS_DENIED');
  });
});

async function countProcesses(commandLine: string): Promise<number> {
  let count = 0;
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (text.includes(commandLine)) count += 1;
  }
  return count;
}
