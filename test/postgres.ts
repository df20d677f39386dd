/**
 * A PostgreSQL for tests: a real server of Debian's package, on a free port of 127.0.0.1, in a
 * temporary directory. It keeps nothing safe (no fsync) and nobody else can log in.
 *
 * `scripts/test.ts` starts one server for the whole run and names it in DROVER_TEST_POSTGRES;
 * `openPostgres` then makes a database of its own in it. A test file run by itself gets a server
 * of its own. Either way each caller has an empty database to itself.
 *
 * The server dies with the process that started it, even when that is killed: `setpriv` asks the
 * kernel to. Its directory then stays behind until the next server starts and clears it away.
 */
import { spawn, execFile } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, globSync, mkdtempSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import pg from 'pg';

export interface TestPostgres extends AsyncDisposable {
  /** `postgres://…`, with the password, of a database that holds nothing yet. */
  readonly url: string;
}

const DIR_PREFIX = 'drover-postgres-';
const SUPERUSER = 'drover';
const START_ATTEMPTS = 5;
const KEPT_LOG_LINES = 40;
const READY = 'database system is ready to accept connections';

export async function openPostgres(): Promise<TestPostgres> {
  const shared = process.env['DROVER_TEST_POSTGRES'];
  return shared === undefined ? await openPostgresServer() : await openDatabase(shared);
}

/** A server of the caller's own, whatever runs already. */
export async function openPostgresServer(): Promise<TestPostgres> {
  const binDir = findBinDir();
  const account = findAccount();
  await using stack = new AsyncDisposableStack();
  await removeOrphans();
  const dir = mkdtempSync(join(tmpdir(), `${DIR_PREFIX}${process.pid}-`));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  if (account !== undefined) chownSync(dir, account.uid, account.gid);

  const password = randomBytes(18).toString('base64url');
  const dataDir = join(dir, 'data');
  await makeCluster({ binDir, dataDir, passwordFile: join(dir, 'password'), password, account });
  const { child, port } = await startOnFreePort(join(binDir, 'postgres'), dataDir, account);
  stack.defer(() => stop(child));

  const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;
  await query(url, 'SELECT 1');
  const owned = stack.move();
  return { url, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function openDatabase(serverUrl: string): Promise<TestPostgres> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await query(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = name;
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => query(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** The directories of servers whose owner was killed. Each bears the owner's process id. */
async function removeOrphans(): Promise<void> {
  for (const dir of globSync(join(tmpdir(), `${DIR_PREFIX}*`))) {
    const pid = Number(dir.split('-').at(-2));
    if (!existsSync(`/proc/${pid}`)) await rm(dir, { recursive: true, force: true });
  }
}

/** Debian keeps the server out of PATH, one directory for each major version. */
function findBinDir(): string {
  const newestFirst = globSync('/usr/lib/postgresql/*/bin').toSorted((a, b) =>
    b.localeCompare(a, 'en', { numeric: true }),
  );
  const binDir = newestFirst.find((dir) => existsSync(join(dir, 'initdb')));
  if (binDir !== undefined) return binDir;
  throw new Error(
    'This test needs PostgreSQL: no /usr/lib/postgresql/*/bin/initdb here. ' +
      'Install the Debian package `postgresql` (scripts/setup.sh all does it as root).',
  );
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root, so root lends it another account. */
function findAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const passwd = readFileSync('/etc/passwd', 'utf8');
  const fields = (/^postgres:.*$/m.exec(passwd) ?? /^nobody:.*$/m.exec(passwd))?.[0].split(':');
  if (fields === undefined) throw new Error('no account `postgres` or `nobody` to run PostgreSQL');
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}

const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

interface Cluster {
  readonly binDir: string;
  readonly dataDir: string;
  readonly passwordFile: string;
  readonly password: string;
  readonly account: Account | undefined;
}

async function makeCluster(cluster: Cluster): Promise<void> {
  await writeFile(cluster.passwordFile, cluster.password, { mode: 0o600 });
  const { account } = cluster;
  if (account !== undefined) chownSync(cluster.passwordFile, account.uid, account.gid);
  const args = [
    `--pgdata=${cluster.dataDir}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${cluster.passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ];
  await promisify(execFile)(join(cluster.binDir, 'initdb'), args, {
    env: environment,
    cwd: '/',
    ...account,
  });
}

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'max_connections=200',
  'shared_buffers=32MB',
  'logging_collector=off',
].flatMap((setting) => ['-c', setting]);

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
}

/** PostgreSQL cannot choose a port, and one that was free may be taken before it starts. */
async function startOnFreePort(
  program: string,
  dataDir: string,
  account: Account | undefined,
): Promise<Running> {
  let log = '';
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    const port = await freePort();
    const args = ['-D', dataDir, '-p', String(port), ...SETTINGS];
    const child = spawn('setpriv', ['--pdeathsig', 'QUIT', '--', program, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: environment,
      cwd: '/',
      ...account,
    });
    const outcome = await untilReady(child);
    if (outcome === 'ready') return { child, port };
    log = outcome.log;
    if (!log.includes('Address already in use')) break;
  }
  throw new Error(`PostgreSQL did not start:\n${log}`);
}

async function freePort(): Promise<number> {
  await using server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Its own word that it is ready, or what it said before it ended. Its log is drained after. */
async function untilReady(child: ChildProcess): Promise<'ready' | { readonly log: string }> {
  if (child.stderr === null) throw new Error('the log of PostgreSQL is not piped');
  const lines: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<'ready' | { log: string }>();
  createInterface(child.stderr).on('line', (line) => {
    lines.push(line);
    if (lines.length > KEPT_LOG_LINES) lines.shift();
    if (line.includes(READY)) resolve('ready');
  });
  child.once('error', reject);
  child.once('close', () => resolve({ log: lines.join('\n') }));
  return await promise;
}

/** QUIT makes it drop everything at once, which is right for data that nobody wants. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  child.kill('SIGQUIT');
  await ended;
}
