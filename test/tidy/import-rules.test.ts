import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkImports, findFolderCycle } from './import-rules.ts';
import { parseSource } from './source-tree.ts';

const TABLE = {
  kernel: [],
  machines: ['kernel'],
  'backends/qemu': ['kernel', 'machines'],
  'surfaces/edge': ['kernel'],
  'surfaces/*': ['kernel', 'machines', 'gen', 'surfaces/edge'],
  apps: ['*'],
};

function problemsOf(path: string, text: string): string[] {
  return checkImports(parseSource(path, text), TABLE);
}

function assertRefused(path: string, text: string, reason: RegExp): void {
  const problems = problemsOf(path, text);
  assert.equal(problems.length, 1, problems.join('\n'));
  assert.match(problems[0] ?? '', reason);
}

describe('checkImports', () => {
  it('accepts what the table allows, neighbours, packages and Node', () => {
    const text = `
      import { a } from '#kernel/errors.ts';
      import type { B } from './b.ts';
      import { create } from '@bufbuild/protobuf';
      import { once } from 'node:events';
      export { c } from '#machines/c.ts';
    `;
    assert.deepEqual(problemsOf('src/machines/x.ts', text), []);
  });

  it('refuses a folder that the table does not name, with the line and the way out', () => {
    assertRefused(
      'src/machines/x.ts',
      `\nimport { open } from '#stores/sql.ts';`,
      /^src\/machines\/x\.ts:2 imports #stores\/sql\.ts: machines may import kernel\. .*port/,
    );
  });

  it('sees type imports, re-exports and imports at run time as well', () => {
    assertRefused('src/kernel/x.ts', `import type { M } from '#machines/m.ts';`, /nothing/);
    assertRefused('src/kernel/x.ts', `export * from '#machines/m.ts';`, /nothing/);
    assertRefused('src/kernel/x.ts', `await import('#machines/m.ts');`, /nothing/);
  });

  it('refuses climbing paths and says what to write', () => {
    const text = `import { a } from '../../kernel/a.ts';`;
    assertRefused('src/backends/qemu/x.ts', text, /write `#kernel\/a\.ts` instead/);
    assertRefused('src/machines/x.test.ts', `import '../kernel/a.ts';`, /#kernel\/a\.ts/);
  });

  it('refuses specifiers without an extension', () => {
    assertRefused('src/machines/x.ts', `import { a } from './a';`, /with its `\.ts`/);
  });

  it('keeps siblings apart, and lets surfaces share the edge', () => {
    assertRefused('src/surfaces/fleet/x.ts', `import '#surfaces/vm-service/y.ts';`, /may import/);
    assert.deepEqual(problemsOf('src/surfaces/fleet/x.ts', `import '#surfaces/edge/y.ts';`), []);
    assertRefused('src/surfaces/edge/x.ts', `import '#machines/y.ts';`, /may import kernel\./);
  });

  it('asks for a row when a folder is new', () => {
    assertRefused('src/backends/novel/x.ts', `import './y.ts';`, /has no row/);
  });

  it('lets apps import everything but test support, and tests everything', () => {
    assert.deepEqual(problemsOf('src/apps/drover/x.ts', `import '#backends/qemu/y.ts';`), []);
    assertRefused('src/apps/drover/x.ts', `import '#test/postgres.ts';`, /only tests may/);
    assert.deepEqual(problemsOf('src/kernel/x.test.ts', `import '#machines/y.ts';`), []);
  });

  it('keeps packages out of the kernel', () => {
    assertRefused('src/kernel/x.ts', `import pino from 'pino';`, /stands on Node alone/);
  });

  it('lets a client import its own files alone', () => {
    const path = 'clients/ts/src/x.ts';
    assert.deepEqual(problemsOf(path, `import { y } from './y.ts';`), []);
    assertRefused(path, `import type { Y } from '#workers/y.ts';`, /published alone/);
    assertRefused(path, `import { once } from 'node:events';`, /published alone/);
  });

  it('keeps the page to itself, the wire and the kernel', () => {
    const path = 'web/src/views/x.tsx';
    const text = `import { a } from '#web/api/a.ts'; import '#gen/b_pb.js'; import './x.css';`;
    assert.deepEqual(problemsOf(path, `${text} import { c } from '#kernel/c.ts';`), []);
    assertRefused(path, `import type { M } from '#machines/m.ts';`, /over the APIs/);
    assertRefused(path, `import { join } from 'node:path';`, /no Node/);
    assertRefused(path, `import { a } from '../api/a.ts';`, /`#web\/api\/a\.ts`/);
    assert.deepEqual(problemsOf('web/src/a/b.test.ts', `import 'node:assert/strict';`), []);
  });

  it('is not misled by words in strings and comments', () => {
    const text = `// import '#stores/a.ts'\nexport const s = "import '#stores/a.ts'";`;
    assert.deepEqual(problemsOf('src/machines/x.ts', text), []);
  });
});

describe('findFolderCycle', () => {
  it('finds none in a table that only points down', () => {
    assert.equal(findFolderCycle(TABLE), undefined);
  });

  it('names the folders of a cycle', () => {
    assert.deepEqual(findFolderCycle({ a: ['b'], b: ['c'], c: ['b'] }), ['b', 'c', 'b']);
  });
});
