/** Apps by the command line and curl, as somebody new to them would go about it. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';

import { CUSTOMER, OPERATOR, type Json } from '#test/api-client.ts';
import { CommandLine, DROVER } from '#test/drover-command.ts';
import { DroverHost } from '#test/drover-host.ts';

const README = join(import.meta.dirname, '../../README.md');
const APP = 'export default { fetch: () => new Response(process.env.SAYS) };\n';

/** A server, and a folder with `./drover` in it, as in a clone. */
class Tour {
  readonly host: DroverHost;
  readonly directory: string;
  readonly #shell: CommandLine;

  private constructor(t: TestContext, host: DroverHost, directory: string) {
    this.host = host;
    this.directory = directory;
    this.#shell = new CommandLine(t, host, directory);
  }

  static async begin(t: TestContext): Promise<Tour> {
    const directory = await mkdtemp(join(tmpdir(), 'drover-tour-'));
    t.after(() => rm(directory, { recursive: true }));
    await symlink(DROVER, join(directory, 'drover'));
    return new Tour(t, await DroverHost.start(t), directory);
  }

  /** What a line prints that has to succeed. */
  async says(line: string): Promise<string> {
    const { code, stdout, stderr } = await this.#shell.line(line);
    assert.equal(code, 0, `${line}: ${stderr}`);
    return stdout.trim();
  }

  async json(line: string): Promise<Json> {
    return JSON.parse(await this.says(`${line} --json`));
  }

  /** The exit code and what is said of a line that has to fail. */
  async fails(line: string): Promise<string> {
    const { code, stderr } = await this.#shell.line(line);
    return `${code} ${stderr.trim()}`;
  }

  /** Status and body, as curl has them. */
  async curl(path: string, token?: string): Promise<string> {
    const header = token === undefined ? '' : `-H 'Authorization: Bearer ${token}'`;
    return await this.says(`curl -sS -w ' %{http_code}' ${header} '${this.host.url}${path}'`);
  }

  start(...args: string[]) {
    return this.#shell.start(args);
  }

  /** A folder with a version of the app `shop`, which answers with what it is told to say. */
  async write(folder: string, version: string, access = 'public'): Promise<void> {
    await this.says(`mkdir ${folder}`);
    const manifest = { name: 'shop', version, access, env: { SAYS: `shop ${version}` } };
    const path = join(this.directory, folder);
    await writeFile(join(path, 'manifest.json'), JSON.stringify(manifest));
    await writeFile(join(path, 'main.js'), APP);
  }
}

/** The commands of the README's section, without what it says about them. */
async function readmeCommands(url: string): Promise<string[]> {
  const text = await readFile(README, 'utf8');
  const [, block = ''] = /^Apps of your own[^`]*```sh\n([^`]*)```/m.exec(text) ?? [];
  const lines = block.trim().split('\n');
  return lines.map((line) => line.replace(/ +# .*$/, '').replace('http://127.0.0.1:8080', url));
}

async function readme(tour: Tour): Promise<void> {
  const lines = await readmeCommands(tour.host.url);
  const said = [];
  for (const line of lines) said.push(await tour.says(line));
  assert.equal(lines.length, 6, 'the section is another; so must be what is expected of it');
  const [created, deployed, answer = '', logs, workers, metrics = ''] = said;
  assert.equal(created, 'hello');
  assert.deepEqual((await readdir(join(tour.directory, 'hello'))).toSorted(), [
    'main.ts',
    'manifest.yaml',
  ]);
  assert.equal(deployed, `hello@0.1.0 ${tour.host.url}/apps/hello/`);
  assert.deepEqual(JSON.parse(answer), { greeting: 'Hello', path: '/', answered: 1 });
  assert.match(logs ?? '', /^\S+Z 0\.1\.0 out GET \/$/);
  assert.match(workers ?? '', /^worker-\w+ +hello@0\.1\.0 +idle +1 +0 +(-|[\d.]+ MiB) /m);
  const { pool } = JSON.parse(metrics);
  assert.equal(pool.total, pool.active + pool.idle + pool.creating);
  assert.ok(pool.total >= 1);
}

async function firstVersions(tour: Tour): Promise<void> {
  assert.match(await tour.fails('./drover app deploy nowhere'), /^2 drover: nowhere/);
  assert.match(
    await tour.fails('./drover app show shop'),
    /^3 drover: .*\n {2}see drover app list/,
  );
  await tour.write('first', '1.0.0');
  await tour.write('second', '1.1.0', 'token');
  await tour.write('third', '2.0.0', 'operator');
  await tour.write('fourth', '3.0.0-beta.1');
  assert.match(await tour.says('./drover app deploy first'), /^shop@1\.0\.0 /);
  assert.match(await tour.fails('./drover app deploy first'), /^5 drover: .*1\.0\.0/);
  assert.equal(await tour.curl('/apps/shop/'), 'shop 1.0.0 200');
  assert.equal(await tour.curl('/apps/shop/', 'no-token-of-ours'), 'shop 1.0.0 200');

  await tour.says('tar -czf second.tgz second');
  const second = await tour.json('./drover app deploy second.tgz');
  assert.deepEqual([second.version, second.previous_version], ['1.1.0', '1.0.0']);
  assert.match(await tour.curl('/apps/shop/'), /"MISSING_TOKEN".* 401$/);
  assert.match(await tour.curl('/apps/shop/', 'nonsense'), / 401$/);
  assert.equal(await tour.curl('/apps/shop/', CUSTOMER), 'shop 1.1.0 200');

  await tour.says('tar -cf third.tar -C third .');
  assert.match(await tour.says('./drover app deploy third.tar'), /^shop@2\.0\.0 /);
  assert.match(await tour.curl('/apps/shop/'), / 401$/);
  assert.match(await tour.curl('/apps/shop/', CUSTOMER), /"OPERATOR_REQUIRED".* 403$/);
  assert.equal(await tour.curl('/apps/shop/', OPERATOR), 'shop 2.0.0 200');
  await tour.says('./drover app deploy fourth');
}

async function assertNames(tour: Tour): Promise<void> {
  const names: Readonly<Record<string, string>> = {
    shop: 'shop 3.0.0-beta.1 200',
    'shop@latest': 'shop 2.0.0 200',
    'shop@1': 'shop 1.1.0 200',
    'shop@^1': 'shop 1.1.0 200',
    'shop@~1.0': 'shop 1.0.0 200',
    'shop@1.0.0': 'shop 1.0.0 200',
    'shop@>=1': 'shop 2.0.0 200',
    'shop@3.0.0-beta.1': 'shop 3.0.0-beta.1 200',
  };
  for (const [name, answer] of Object.entries(names)) {
    assert.equal(await tour.curl(`/apps/${name}/`, OPERATOR), answer, name);
  }
  for (const name of ['shop@3', 'shop@1.2', 'shop@x', 'other']) {
    assert.match(await tour.curl(`/apps/${name}/`, OPERATOR), /"APP_NOT_FOUND".* 404$/, name);
  }
}

async function lists(tour: Tour): Promise<void> {
  assert.match(
    await tour.says('./drover app list'),
    /^shop +3\.0\.0-beta\.1 +4 +\S+ .*\/apps\/shop\/$/m,
  );
  const shown = await tour.says('./drover app show shop');
  for (const version of ['1.0.0', '1.1.0', '2.0.0', '3.0.0-beta.1 *']) {
    assert.ok(shown.includes(`\n${version} `), `${version} in ${shown}`);
  }
  const { apps } = await tour.json('./drover app list');
  const app = await tour.json('./drover app show shop');
  assert.deepEqual(
    apps.map(({ name }: Json) => name),
    ['hello', 'shop'],
  );
  assert.equal(app.current, '3.0.0-beta.1');
  assert.deepEqual(
    app.versions.map(({ version, file_count: files }: Json) => [version, files]),
    [
      ['3.0.0-beta.1', 2],
      ['2.0.0', 2],
      ['1.1.0', 2],
      ['1.0.0', 2],
    ],
  );
  const { pool, workers } = await tour.json('./drover pool');
  assert.equal(pool.size, 500);
  assert.ok(workers.some((worker: Json) => worker.app === 'shop@1.0.0' && worker.requests > 0));
}

async function writesALog(tour: Tour): Promise<void> {
  const follow = tour.start('app', 'logs', '-f', 'hello');
  await follow.prints(/out GET \/\n/);
  await tour.curl('/apps/hello/later');
  await follow.prints(/0\.1\.0 out GET \/later\n/);
  follow.child.kill('SIGINT');
  assert.equal((await follow.ended).code, 130);
  const lines = (await tour.says('./drover app logs hello --json')).split('\n');
  const { at, ...line } = JSON.parse(lines.at(-1) ?? '');
  assert.deepEqual(line, { version: '0.1.0', stream: 'stdout', line: 'GET /later' });
  assert.ok(Math.abs(Date.now() - Date.parse(at)) < 60_000);
  const last = await tour.says('./drover app logs hello --lines 1');
  assert.match(last, /^\S+ 0\.1\.0 out GET \/later$/);
}

async function saysWhatIsWrong(tour: Tour): Promise<void> {
  await tour.says('./drover app new broken');
  await writeFile(join(tour.directory, 'broken/main.ts'), 'enum Colour { red }\n');
  await tour.says('./drover app deploy broken');
  const why = /main\.ts:1: SyntaxError: TypeScript enum is not supported/;
  assert.match(await tour.curl('/apps/broken/'), / 503$/);
  assert.match(await tour.curl('/apps/broken/'), why);
  assert.match(await tour.says('./drover app show broken'), why);
  assert.match(await tour.says('./drover app logs broken'), why);
  assert.match(await tour.says('./drover app list'), /^broken .* failing /m);
  await tour.says('./drover app remove broken --yes');
}

async function goesBack(tour: Tour): Promise<void> {
  assert.match(await tour.says('./drover app rollback shop'), /^shop@2\.0\.0 /);
  assert.equal((await tour.json('./drover app rollback shop')).current, '1.1.0');
  assert.match(await tour.says('./drover app rollback shop --to 2.0.0'), /^shop@2\.0\.0 /);
  assert.equal(await tour.curl('/apps/shop/', OPERATOR), 'shop 2.0.0 200');
  assert.match(await tour.fails('./drover app rollback shop --to 9.9.9'), /^3 /);

  assert.equal(await tour.says('./drover app remove shop@1.0.0'), 'removed shop@1.0.0');
  assert.match(await tour.curl('/apps/shop@1.0.0/'), / 404$/);
  assert.deepEqual(await tour.json('./drover app remove shop@3.0.0-beta.1'), {
    removed: 'shop@3.0.0-beta.1',
  });
  assert.match(await tour.fails('./drover app remove shop@2.0.0'), /^6 drover: /);
  assert.match(await tour.fails('./drover app remove shop@1.0.0'), /^3 /);
}

async function survivesARestart(tour: Tour): Promise<void> {
  const before = await tour.json('./drover app show shop');
  const lines = await tour.says('./drover app logs hello');
  assert.deepEqual(await tour.host.stop(), { code: 0, signal: null });
  await tour.host.up();
  const after = await tour.json('./drover app show shop');
  const facts = ({ versions, ...app }: Json) => ({
    ...{ ...app, workers: undefined },
    versions: versions.map((version: Json) => ({ ...version, workers: undefined })),
  });
  assert.deepEqual(facts(after), facts(before));
  assert.equal(await tour.says('./drover app logs hello'), lines);
  assert.equal(await tour.curl('/apps/shop/', OPERATOR), 'shop 2.0.0 200');
  assert.equal(await tour.curl('/apps/shop@1/', CUSTOMER), 'shop 1.1.0 200');
  assert.match(await tour.says('./drover app rollback shop'), /^shop@1\.1\.0 /);
}

async function isRemoved(tour: Tour): Promise<void> {
  assert.match(await tour.fails('./drover app remove shop'), /^6 drover: .*all its 2 versions/);
  assert.equal(await tour.says('./drover app remove shop --yes'), 'removed shop');
  assert.match(await tour.curl('/apps/shop/', OPERATOR), /"APP_NOT_FOUND".* 404$/);
  assert.deepEqual(await tour.json('./drover app remove hello --yes'), { removed: 'hello' });
  assert.deepEqual(await tour.json('./drover app list'), { apps: [] });
  assert.match(await tour.fails('./drover app logs hello'), /^3 /);
  assert.deepEqual(await readdir(join(tour.host.dataDir, 'apps')), ['.incoming']);
  const created = await tour.json('./drover app new again');
  assert.deepEqual(created.files, ['manifest.yaml', 'main.ts']);
  assert.match(await tour.fails('./drover app new again'), /^5 /);
}

describe('apps by the command line', () => {
  it('are begun, deployed, called, rolled back and removed', async (t) => {
    const tour = await Tour.begin(t);
    await t.test('as the README says', () => readme(tour));
    await t.test('from a folder, a .tgz and a .tar, for whom they are meant', () =>
      firstVersions(tour),
    );
    await t.test('by every kind of name', () => assertNames(tour));
    await t.test('and listed', () => lists(tour));
    await t.test('with a log that can be followed', () => writesALog(tour));
    await t.test('not without saying what is wrong with them', () => saysWhatIsWrong(tour));
    await t.test('back, and version by version', () => goesBack(tour));
    await t.test('and are there after a restart', () => survivesARestart(tour));
    await t.test('until nothing of them is left', () => isRemoved(tour));
  });
});
