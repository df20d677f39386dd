/** kill -9 amid deploys: what was acknowledged is there whole, and what was not leaves nothing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#kernel/clock.ts';
import { randomFraction } from '#kernel/random.ts';
import { AppFixture } from '#test/app-fixture.ts';
import { until } from '#test/until.ts';
import type { AppService } from '#workers/apps/app-service.ts';

const PROGRAM = fileURLToPath(new URL('deploy-until-killed.ts', import.meta.url));
const CRASHES = 8;

/** What is there: versions, and which is current. Undefined is no app at all. */
type Shop = { readonly current: string; readonly versions: readonly string[] } | undefined;

function after(shop: Shop, step: string): Shop {
  const [, what, version = ''] = step.split(' ');
  const versions = shop?.versions ?? [];
  switch (what) {
    case 'deploy':
      return { current: version, versions: [...versions, version] };
    case 'current':
      return { current: version, versions };
    default:
      if (version === 'all' || shop === undefined) return undefined;
      return { ...shop, versions: versions.filter((it) => it !== version) };
  }
}

function shopOf(apps: AppService): Shop {
  const [shop] = apps.list();
  if (shop === undefined) return undefined;
  const versions = shop.versions.map(({ manifest }) => manifest.version).toReversed();
  return { current: shop.current.manifest.version, versions };
}

async function runUntilKilled(directory: string, first: number): Promise<string[]> {
  const args = [PROGRAM, directory, String(first)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'close');
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  await until(() => (lines.length > 4 ? true : undefined), 'the first deploys');
  await systemClock.sleep(randomFraction() * 300);
  child.kill('SIGKILL');
  await exited;
  return lines;
}

function assertWhole(apps: AppService, root: string): void {
  for (const { directory, manifest } of apps.list().flatMap(({ versions }) => versions)) {
    for (let file = 0; file < 20; file += 1) {
      const name = `lib/${file}.txt`;
      const text = readFileSync(join(directory, name), 'utf8');
      assert.equal(text, `${manifest.version} of ${name}`);
    }
  }
  const shop = shopOf(apps);
  assert.deepEqual(readdirSync(join(root, '.incoming')), []);
  assert.equal(existsSync(join(root, 'shop')), shop !== undefined);
  if (shop === undefined) return;
  const folders = readdirSync(join(root, 'shop')).filter((name) => /^\d/.test(name));
  assert.deepEqual(folders.toSorted(), shop.versions.toSorted());
}

describe('deploys', () => {
  it('survive kill -9 at any moment', async () => {
    await using fixture = await AppFixture.create();
    const root = join(fixture.directory, 'apps');
    let shop: Shop;
    let next = 0;
    for (let crash = 0; crash < CRASHES; crash += 1) {
      const lines = await runUntilKilled(root, next);
      let possible: readonly Shop[] = [shop];
      for (const line of lines) {
        const before: Shop = possible[0];
        if (line === 'done') possible = possible.slice(-1);
        else possible = [before, after(before, line)];
      }
      const apps = await fixture.open();
      const found = shopOf(apps);
      const isEither = possible.some((it) => JSON.stringify(it) === JSON.stringify(found));
      assert.ok(isEither, `${JSON.stringify(found)} is none of ${JSON.stringify(possible)}`);
      // Files on their way out are deleted in the background.
      await apps[Symbol.asyncDispose]();
      assertWhole(apps, root);
      shop = found;
      next += lines.length;
    }
  });
});
