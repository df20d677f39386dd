import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { ServerId } from '#kernel/ids.ts';
import { openNodeExporter, type TestNodeExporter } from '#test/node-exporter.ts';
import { ExporterFeed } from './exporter-feed.ts';

const ID = 'db1' as ServerId;
const SIGNAL = new AbortController().signal;
const TRUST = { ca: undefined, thumbprint: undefined, isInsecure: false };

function openFeed(t: TestContext, url: string, secret?: string) {
  const clock = new FakeClock();
  const spec = { kind: 'exporter', url, trust: TRUST, sealedSecret: undefined } as const;
  const feed = new ExporterFeed({ id: ID, spec, secret, clock });
  t.after(() => feed[Symbol.asyncDispose]());
  return { clock, feed };
}

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('ExporterFeed', () => {
  let exporter: TestNodeExporter;
  before(async () => {
    exporter = await openNodeExporter();
  });
  after(() => exporter[Symbol.asyncDispose]());

  it('reads this host from a real node_exporter, rates from the second look on', async (t) => {
    const { clock, feed } = openFeed(t, new URL(exporter.url).origin);
    const first = (await feed.poll(SIGNAL)).get(ID);
    assert.equal(first?.cpu?.usagePercent, undefined);
    assert.ok((first?.cpu?.cores ?? 0) > 0);
    await clock.advance(1000);
    const reading = (await feed.poll(SIGNAL)).get(ID);
    assert.ok(reading?.cpu?.usagePercent !== undefined);
    assert.ok(reading.cpu.usagePercent >= 0 && reading.cpu.usagePercent <= 100);
    const { totalBytes = 0, usedBytes = 0, availableBytes = 0 } = reading.memory ?? {};
    assert.equal(usedBytes + availableBytes, totalBytes);
    assert.ok((reading.uptimeSeconds ?? 0) > 0);
    const root = reading.filesystems?.find(({ mountPoint }) => mountPoint === '/');
    if (root !== undefined) assert.ok((root.usedBytes ?? 0) <= (root.totalBytes ?? 0));
  });

  it('takes what is zipped, and sends the secret in a header alone', async (t) => {
    let asked: unknown;
    const url = await serve(t, (request, response) => {
      asked = request.headers.authorization;
      response.setHeader('content-encoding', 'gzip');
      response.end(
        gzipSync(
          'node_load1 1\nnode_load5 2\nnode_load15 3\n' +
            'node_cpu_seconds_total{cpu="0",mode="idle"} 5\n',
        ),
      );
    });
    const { feed } = openFeed(t, url, 'scraper:hunter2');
    const reading = (await feed.poll(SIGNAL)).get(ID);
    assert.deepEqual(reading?.cpu?.load, [1, 2, 3]);
    assert.equal(asked, `Basic ${Buffer.from('scraper:hunter2').toString('base64')}`);
    assert.doesNotMatch(feed.label, /hunter2/);
  });

  it('says what the exporter could not measure, where that should be there', async (t) => {
    const url = await serve(t, (_, response) => {
      response.end(
        'node_load1 1\nnode_scrape_collector_success{collector="meminfo"} 0\n' +
          'node_scrape_collector_success{collector="cpu"} 1\n' +
          'node_scrape_collector_success{collector="zfs"} 0\n' +
          'node_filesystem_device_error{fstype="nfs4",mountpoint="/mnt/nas"} 1\n' +
          'node_filesystem_device_error{fstype="ext4",mountpoint="/var/lib/x"} 1\n' +
          // What has no end may have been longer.
          'node_memory_MemTotal_bytes 1',
      );
    });
    const { feed } = openFeed(t, url);
    const { missing, memory } = (await feed.poll(SIGNAL)).get(ID) ?? {};
    assert.deepEqual(missing, [
      { part: 'memory', why: 'measuring that fails there' },
      { part: '/mnt/nas', why: 'nfs4, which does not answer there' },
    ]);
    assert.equal(memory, undefined);
  });

  it('says in words why there is nothing to read', async (t) => {
    const answers: readonly (readonly [RequestListener, RegExp])[] = [
      [(_, response) => response.writeHead(403).end(), /refused the credentials \(HTTP 403\)/],
      [(_, response) => response.writeHead(500).end(), /answered HTTP 500/],
      [(_, response) => response.end('<html>'), /none of the metrics/],
      [
        (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
        /answered HTTP 302, which leads elsewhere/,
      ],
      [
        (_, response) => {
          // Half of what it says that it is.
          response.writeHead(200, { 'content-length': 1000 }).write('node_load1 1\n');
          setImmediate(() => response.destroy());
        },
        /broke the connection off|without an answer/,
      ],
      [(request) => request.socket.destroy(), /broke the connection off|without an answer/],
      [
        (_, response) => {
          response.setHeader('content-encoding', 'gzip');
          response.end(gzipSync(Buffer.alloc(40 * 1024 * 1024)));
        },
        /more than 32 MiB/,
      ],
    ];
    for (const [listener, message] of answers) {
      const url = await serve(t, listener);
      const { feed } = openFeed(t, url);
      await assert.rejects(feed.poll(SIGNAL), message);
    }
  });
});
