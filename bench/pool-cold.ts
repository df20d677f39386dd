/**
 * From a request to the answer of an app that never ran, while a generic worker waits for one:
 * the whole way through the server, and a plain `node` beside it that starts, imports the same
 * file and answers one request on its standard output. Each time it is another app.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChildServer } from './child-server.ts';
import type { Benchmark } from './comparison.ts';
import { deployApp } from './deploy-app.ts';
import { HELLO_APP } from './hello-app.ts';
import { encodeHttp1, Http1Connection } from './http1-load.ts';
import { measureInTurn } from './pair.ts';
import { openPoolServer, untilPool } from './pool-server.ts';
import { openScratchDirectory } from './scratch-directory.ts';

const ANSWER_ONCE = `
const { default: app } = await import(process.argv[1]);
const response = await app.fetch(new Request('http://localhost/'));
process.stdout.write(await response.text());
`;

export const poolCold: Benchmark = {
  name: 'pool-cold',
  summary: 'first answer of an app with a worker kept warm, beside spawn and import',
  async *run({ isQuick, progress }) {
    await using stack = new AsyncDisposableStack();
    const { path: directory } = stack.use(await openScratchDirectory());
    const server = stack.use(await openPoolServer());
    const connection = stack.use(await Http1Connection.open(server.port));
    let count = 0;
    const paired = await measureInTurn(
      {
        runs: isQuick ? 9 : 51,
        warmups: 2,
        onPair: ({ ours, peer }) => progress(`${ours.toFixed(1)} against ${peer.toFixed(1)} ms`),
      },
      {
        ours: () => askNewApp(server, connection, `cold-${(count += 1)}`),
        peer: () => spawnAndImport(join(directory, `cold-${(count += 1)}.mjs`)),
      },
    );
    yield {
      ...{ bench: 'pool-cold', ...paired, unit: 'ms to the first answer' },
      against: 'node started to import the app and answer once',
      goal: { of: 'ratio', atMost: 0.35 },
    };
  },
};

async function askNewApp(
  server: ChildServer,
  connection: Http1Connection,
  name: string,
): Promise<number> {
  await deployApp(server.url, { name, code: HELLO_APP });
  // The one that the app before took over is being made up for; that is not to be in the way.
  await untilPool(
    server,
    ({ pool, workers }) =>
      pool.creating === 0 &&
      workers.some(({ app, state }) => app === '(warm)' && state === 'ready'),
  );
  const request = {
    method: 'GET',
    port: server.port,
    path: `/apps/${name}/`,
    headers: {},
  } as const;
  const encoded = encodeHttp1(request);
  const startedMs = performance.now();
  await connection.ask(encoded);
  return performance.now() - startedMs;
}

async function spawnAndImport(path: string): Promise<number> {
  await writeFile(path, HELLO_APP);
  const startedMs = performance.now();
  const args = ['--input-type=module', '--eval', ANSWER_ONCE, path];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [answer] = (await once(child.stdout, 'data')) as [Buffer];
  const elapsedMs = performance.now() - startedMs;
  if (answer.toString() !== 'hello') throw new Error(`unexpected answer: ${answer.toString()}`);
  // So that it is out of the way of what is measured next.
  await ended;
  return elapsedMs;
}
