/** The agent as `npm run build:agent` makes it: one file, alone in a directory. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** `nobody` of every Linux. */
const NOBODY = 65_534;

let scratch = '';
let program = '';

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'drover-agent-'));
  await chmod(scratch, 0o755);
  const built = join(scratch, 'built', 'drover-agent');
  await run(process.execPath, [join(ROOT, 'scripts/build-agent.ts'), '--out', built]);
  await mkdir(join(scratch, 'alone'));
  program = join(scratch, 'alone', 'drover-agent');
  await copyFile(built, program);
  await rm(join(scratch, 'built'), { recursive: true });
});

after(() => rm(scratch, { recursive: true, force: true }));

/** With nothing of this process: no PATH to find Node by, no HOME, a directory not its own. */
function start(...args: readonly string[]) {
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn(program, args, {
    ...user,
    env: {},
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return { child, exit };
}

async function runToEnd(...args: readonly string[]) {
  const { child, exit } = start(...args);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { ...(await exit), stdout, stderr };
}

async function makeDataDir(): Promise<string> {
  const data = await mkdtemp(join(scratch, 'data-'));
  if (process.getuid?.() === 0) await chown(data, NOBODY, NOBODY);
  return data;
}

describe('the executable of the agent', () => {
  it('measures and serves, as another user and without anything beside it', async () => {
    const data = await makeDataDir();
    const { child, exit } = start('--port', '0', '--data', data, '--instance-id', 'web-1');
    const log = text(child.stderr);
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([
      once(lines, 'line'),
      exit.then(async () => Promise.reject(new Error(`it ended:\n${await log}`))),
    ]);
    const url = /^drover ready (http:\S+)$/.exec(line)?.[1];
    assert.ok(url !== undefined, line);
    const health = await fetch(`${url}/health`, { headers: { accept: 'text/plain' } });
    assert.equal(await health.text(), 'healthy');
    const got = (await (await fetch(`${url}/get`)).json()) as Record<string, unknown>;
    assert.equal(got['instance_id'], 'web-1');
    assert.ok(typeof got['timestamp'] === 'number' && got['timestamp'] > 1.7e9);
    const metrics = await fetch(`${url}/metrics`);
    assert.equal(metrics.status, 200);
    assert.match(await metrics.text(), /^process_resident_memory_bytes \d+$/m);
    child.kill('SIGTERM');
    assert.deepEqual(await exit, { code: 0, signal: null }, await log);
  });

  it('explains itself under its own name', async () => {
    const { code, stdout } = await runToEnd('--help');
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: drover-agent \[OPTION…\]$/m);
    assert.match(stdout, /--instance-id/);
    assert.match(stdout, /^ {2}drover-agent --port 8080/m);
    assert.doesNotMatch(stdout, /drover agent/);
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    assert.equal((await runToEnd('--version')).stdout, `drover ${version}\n`);
  });

  it('refuses what it does not know, and names what is near', async () => {
    const { code, stderr } = await runToEnd('--prot', '1');
    assert.equal(code, 2);
    assert.match(stderr, /no option --prot; did you mean --port\?\n {2}see drover-agent --help/);
    const wrong = await runToEnd('--metrics-interval', 'often');
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /see drover-agent --help for every setting/);
  });
});

describe('the systemd unit of the agent', () => {
  it('is one that systemd takes without a complaint', async (t) => {
    const hasSystemd = await run('systemd-analyze', ['--version']).then(
      () => true,
      () => false,
    );
    if (!hasSystemd) {
      t.skip('systemd-analyze is missing: Debian package systemd');
      return;
    }
    const unit = await readFile(join(ROOT, 'packaging/drover-agent.service'), 'utf8');
    const installed = join(scratch, 'drover-agent.service');
    assert.match(unit, /^ExecStart=\/usr\/local\/bin\/drover-agent /m);
    await writeFile(installed, unit.replace('/usr/local/bin/drover-agent', program));
    const { stderr } = await run('systemd-analyze', ['verify', '--man=no', installed]);
    assert.equal(stderr, '');
  });
});
