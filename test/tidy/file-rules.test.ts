import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  checkComments,
  checkFileShape,
  checkMachinePaths,
  checkMarkupText,
  compareNames,
  namesDocumentedIn,
} from './file-rules.ts';
import { parseSource } from './source-tree.ts';

describe('checkFileShape', () => {
  it('accepts a file at the limits', () => {
    const text = `${'// a line\n'.repeat(399)}// ${'x'.repeat(97)}\n`;
    assert.deepEqual(checkFileShape(parseSource('src/jobs/lease.ts', text)), []);
  });

  it('refuses a line more', () => {
    const [problem] = checkFileShape(parseSource('src/jobs/lease.ts', '// a line\n'.repeat(401)));
    assert.match(problem ?? '', /has 401 lines/);
  });

  it('refuses a column more, except to hold an address', () => {
    const long = `\n// ${'x'.repeat(98)}`;
    assert.match(checkFileShape(parseSource('src/a/b.ts', long))[0] ?? '', /b\.ts:2 is longer/);
    const address = `// https://example.org/${'x'.repeat(98)}`;
    assert.deepEqual(checkFileShape(parseSource('src/a/b.ts', address)), []);
  });

  it('refuses names that say nothing', () => {
    for (const name of ['index', 'utils', 'helpers', 'types', 'common', 'job-manager']) {
      const problems = checkFileShape(parseSource(`src/jobs/${name}.ts`, ''));
      assert.match(problems[0] ?? '', /does not say what it holds/, name);
    }
    assert.deepEqual(checkFileShape(parseSource('src/jobs/page-index-reader.ts', '')), []);
  });
});

describe('checkComments', () => {
  it('refuses a promise to finish later', () => {
    const [problem] = checkComments(parseSource('src/a/b.ts', '\n// Good enough for now.'));
    assert.match(problem ?? '', /b\.ts:2 says "for now"/);
  });

  it('minds comments only', () => {
    assert.deepEqual(checkComments(parseSource('src/a/b.ts', `const s = 'for now';`)), []);
  });
});

describe('checkMarkupText', () => {
  const problemsOf = (markup: string) =>
    checkMarkupText(parseSource('web/src/a/B.tsx', `export const b = () => ${markup};`));

  it('refuses words in markup and in what is read aloud', () => {
    for (const markup of ['<b>Save</b>', '<b title="Save" />', '<C label="Save" />']) {
      assert.match(problemsOf(markup)[0] ?? '', /B\.tsx:1 says "Save"/, markup);
    }
  });

  it('accepts words by name, signs, and attributes nobody reads', () => {
    for (const markup of ['<b>{TEXT.save}</b>', '<b> / </b>', '<b className="save" />']) {
      assert.deepEqual(problemsOf(markup), [], markup);
    }
  });
});

describe('checkMachinePaths', () => {
  it('refuses directories of one machine, wherever they stand', () => {
    for (const text of ['cd /work/main', '"/home/ada/x"', 'file:///root/.cache']) {
      assert.equal(checkMachinePaths('README.md', text).length, 1, text);
    }
  });

  it('accepts paths that any machine may have', () => {
    for (const text of ['/var/lib/drover', '~/work/x', '$dir/work/x', 'overlay/work/x']) {
      assert.deepEqual(checkMachinePaths('README.md', text), [], text);
    }
  });
});

describe('compareNames', () => {
  const markdown =
    '| Kind | When |\n|---|---|\n| `one` | … |\n| `old` | see `two` |\n- `item`: x\n';

  it('reads the names that open a row or an item', () => {
    assert.deepEqual(namesDocumentedIn(markdown), ['one', 'old', 'item']);
  });

  it('reports what is missing on either side', () => {
    const problems = compareNames(['one', 'two'], ['one', 'old'], 'docs/x.md');
    assert.equal(problems.length, 2);
    assert.match(problems[0] ?? '', /does not mention `two`/);
    assert.match(problems[1] ?? '', /mentions `old`/);
  });
});
