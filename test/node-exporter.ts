/**
 * The real node_exporter, of Debian's package, on a free port of 127.0.0.1. It dies with the
 * process that started it, even when that is killed: `setpriv` asks the kernel to.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { parseExposition } from './exposition.ts';
import type { ExposedFamily } from './exposition.ts';

const PROGRAM = '/usr/bin/prometheus-node-exporter';

export interface TestNodeExporter extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  scrape(): Promise<ReadonlyMap<string, ExposedFamily>>;
}

export async function openNodeExporter(args: readonly string[] = []): Promise<TestNodeExporter> {
  if (!existsSync(PROGRAM)) {
    throw new Error(
      `This test needs node_exporter: no ${PROGRAM} here. Install the Debian package ` +
        '`prometheus-node-exporter` (scripts/setup.sh all does it as root).',
    );
  }
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'SIGKILL', PROGRAM, '--web.listen-address=127.0.0.1:0', ...args],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = once(child, 'exit');
  const { promise: listening, resolve, reject } = Promise.withResolvers<string>();
  const log: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (log.length < 100) log.push(line);
    const [, address] = /msg="Listening on" address=(\S+)/.exec(line) ?? [];
    if (address !== undefined) resolve(`http://${address}`);
  });
  void ended.then(() => reject(new Error(`node_exporter did not start:\n${log.join('\n')}`)));
  const url = await listening;
  return {
    url,
    pid: child.pid ?? 0,
    async scrape() {
      const response = await fetch(`${url}/metrics`);
      return parseExposition(await response.text());
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
