/**
 * Stops everything before each single change to the disk in turn, as a crash would, and opens the
 * apps again. test/fault/app-deploy-crash.test.ts does it with kill -9, at random moments.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { AppFixture, appArchive, inPieces } from '#test/app-fixture.ts';
import type { AppService } from './app-service.ts';

const { signal } = new AbortController();

/** Lets so many calls through; all later ones never return, until it is opened again. */
class Gate {
  #stopped = Promise.withResolvers<void>();
  #left = Infinity;
  #underWay = 0;
  readonly #original = { ...fs };

  constructor() {
    fs.rename = this.#gated(this.#original.rename);
    fs.rm = this.#gated(this.#original.rm);
    fs.mkdir = this.#gated(this.#original.mkdir);
    fs.open = this.#gated(this.#original.open);
    fs.chmod = this.#gated(this.#original.chmod);
    syncBuiltinESMExports();
  }

  closeAfter(calls: number): void {
    this.#stopped = Promise.withResolvers();
    this.#left = calls;
  }

  /** Resolves when a call is held. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  get isClosed(): boolean {
    return this.#left < 0;
  }

  /** Once nothing goes on behind it: what was let through may ask for more. */
  async open(): Promise<void> {
    for (let quiet = 0; quiet < 20; quiet = this.#underWay > 0 ? 0 : quiet + 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#left = Infinity;
  }

  restore(): void {
    Object.assign(fs, this.#original);
    syncBuiltinESMExports();
  }

  #gated<Call extends (...args: never[]) => Promise<unknown>>(call: Call): Call {
    const gated = async (...args: Parameters<Call>) => {
      this.#left -= 1;
      if (this.#left < 0) {
        this.#stopped.resolve();
        return await new Promise<never>(() => undefined);
      }
      this.#underWay += 1;
      try {
        return await call(...args);
      } finally {
        this.#underWay -= 1;
      }
    };
    return gated as Call;
  }
}

type Step = readonly [name: string, run: (apps: AppService) => Promise<unknown>, after: string];

async function deploy(apps: AppService, version: string): Promise<unknown> {
  const files = { 'main.js': version, 'lib/a.js': version };
  return await apps.deploy(inPieces(await appArchive('shop', version, { files })), { signal });
}

/** What is there after each: the current version, then all, the highest first. */
const STEPS: readonly Step[] = [
  ['the first deploy', (apps) => deploy(apps, '1.0.0'), '1.0.0: 1.0.0'],
  ['a deploy', (apps) => deploy(apps, '2.0.0'), '2.0.0: 2.0.0 1.0.0'],
  ['a rollback', (apps) => apps.rollback('shop'), '1.0.0: 2.0.0 1.0.0'],
  ['a removal', (apps) => apps.remove('shop', '2.0.0'), '1.0.0: 1.0.0'],
  ['the removal of all', (apps) => apps.remove('shop'), 'nothing'],
];

function shown(apps: AppService): string {
  const [shop] = apps.list();
  if (shop === undefined) return 'nothing';
  const versions = shop.versions.map(({ manifest }) => manifest.version);
  return `${shop.current.manifest.version}: ${versions.join(' ')}`;
}

/** Each version that is listed is there whole, and nothing else is. */
function assertWhole(apps: AppService, root: string): void {
  const versions = apps.list().flatMap((app) => app.versions);
  for (const { directory, manifest } of versions) {
    for (const file of ['main.js', 'lib/a.js']) {
      assert.equal(readFileSync(join(directory, file), 'utf8'), manifest.version);
    }
  }
  assert.deepEqual(readdirSync(join(root, '.incoming')), []);
  const folder = join(root, 'shop');
  const there = existsSync(folder) ? readdirSync(folder).filter((it) => /^\d/.test(it)) : [];
  assert.deepEqual(there.toSorted(), versions.map((it) => it.manifest.version).toSorted());
}

describe('a crash', () => {
  const gate = new Gate();
  after(() => gate.restore());

  for (const [at, [name, run, outcome]] of STEPS.entries()) {
    const before = STEPS[at - 1]?.[2] ?? 'nothing';

    it(`before any change to the disk by ${name} leaves all or nothing of it`, async () => {
      const outcomes = new Set<string>();
      let isThrough = false;
      for (let calls = 0; !isThrough; calls += 1) {
        await using fixture = await AppFixture.create();
        const apps = await fixture.open();
        for (const [, earlier] of STEPS.slice(0, at)) await earlier(apps);
        gate.closeAfter(calls);
        const ended = run(apps).then(() => 'ended');
        const stopped = gate.stopped.then(() => 'stopped');
        isThrough = (await Promise.race([ended, stopped])) === 'ended' && !gate.isClosed;
        await gate.open();
        const found = await fixture.reopenAfterCrash();
        outcomes.add(shown(found));
        await found[Symbol.asyncDispose]();
        assertWhole(found, join(fixture.directory, 'apps'));
        if (isThrough) assert.equal(shown(found), outcome);
      }
      assert.deepEqual([...outcomes].toSorted(), [before, outcome].toSorted());
    });
  }
});
