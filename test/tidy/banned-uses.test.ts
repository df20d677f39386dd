import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkBannedUses } from './banned-uses.ts';
import { parseSource } from './source-tree.ts';

function usesFoundIn(text: string, path = 'src/machines/x.ts'): string[] {
  return checkBannedUses(parseSource(path, text)).map(
    (problem) => / uses (.*?): [a-z]+ /.exec(problem)?.[1] ?? problem,
  );
}

describe('checkBannedUses', () => {
  const banned: readonly (readonly [text: string, use: string])[] = [
    ['const home = process.env.HOME;', 'process.env'],
    [`const home = process['env']['HOME'];`, 'process.env'],
    [`process.on('SIGTERM', stop);`, 'process.on'],
    [`globalThis.process.once('SIGTERM', stop);`, 'process.once'],
    ['process.exit(1);', 'process.exit'],
    [`console.log('x');`, 'console.log'],
    ['const nowMs = Date.now();', 'Date.now'],
    ['const now = new Date();', 'new Date()'],
    ['const started = performance.now();', 'performance.now'],
    ['setTimeout(stop, 10);', 'setTimeout()'],
    ['globalThis.setInterval(stop, 10);', 'setInterval()'],
    [`import { setTimeout as delay } from 'node:timers/promises';`, 'node:timers/promises'],
    ['const dice = Math.random();', 'Math.random'],
    [`import { exec } from 'node:child_process';`, 'child_process.exec'],
    [`spawn('ls', [], { shell: true });`, 'shell: true'],
    ['const id = text as unknown as MachineId;', 'as unknown as'],
  ];
  for (const [text, use] of banned) {
    it(`finds ${use} in \`${text}\``, () => {
      assert.deepEqual(usesFoundIn(text), [use]);
    });
  }

  it('names the file, the line and the way out', () => {
    const [problem] = checkBannedUses(parseSource('src/jobs/x.ts', '\n\nDate.now();'));
    assert.match(problem ?? '', /^src\/jobs\/x\.ts:3 uses Date\.now: take a Clock/);
  });

  it('leaves each thing its home', () => {
    assert.deepEqual(usesFoundIn('Date.now(); setTimeout(f, 1);', 'src/kernel/clock.ts'), []);
    assert.deepEqual(usesFoundIn('process.env.HOME;', 'src/apps/drover/env.ts'), []);
    assert.deepEqual(usesFoundIn('Date.now();', 'test/e2e/x.test.ts'), []);
  });

  it('holds tests beside the code to the clock, but not to the environment', () => {
    const text = 'process.env.HOME; setTimeout(f, 1);';
    assert.deepEqual(usesFoundIn(text, 'src/machines/x.test.ts'), ['setTimeout()']);
  });

  it('lets nobody use a shell', () => {
    const text = `import { execSync } from 'node:child_process';`;
    assert.deepEqual(usesFoundIn(text, 'scripts/x.ts'), ['child_process.execSync']);
  });

  it('minds code only: strings, comments, and names that look alike are free', () => {
    const text = `
      // Date.now() would be wrong here
      const message = 'process.env is not read';
      const at = new Date(ms);
      clock.setTimeout(f);
      const { env } = settings.process;
    `;
    assert.deepEqual(usesFoundIn(text), []);
  });
});
