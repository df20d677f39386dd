import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isErrorKind } from '#kernel/errors.ts';
import { parseSelector } from './parse-selector.ts';

function show(text: string): string[] {
  return parseSelector(text, 'match[]').map(
    ({ label, operator, value }) => `${label} ${operator} ${value}`,
  );
}

describe('parseSelector', () => {
  for (const [text, matchers] of [
    ['up', ['__name__ = up']],
    [' job:rate5m { } ', ['__name__ = job:rate5m']],
    ['{}', []],
    ['up{a="b"}', ['__name__ = up', 'a = b']],
    ['{__name__=~"node_.*",}', ['__name__ =~ node_.*']],
    [
      'x{ a = "1" , b != \'2\', c=~`3|4`, d!~"5" }',
      ['__name__ = x', 'a = 1', 'b != 2', 'c =~ 3|4', 'd !~ 5'],
    ],
    [String.raw`x{a="q\"b\\s\nn\u00fc"}`, ['__name__ = x', 'a = q"b\\s\nnü']],
    ['x{a="}{,="}', ['__name__ = x', 'a = }{,=']],
    ['x{a=""}', ['__name__ = x', 'a = ']],
  ] as const) {
    it(`reads ${text}`, () => assert.deepEqual(show(text), matchers));
  }

  for (const [text, complaint] of [
    ['', /at character 1 a metric name or \{ is expected and it ends$/],
    ['1up', /at character 1 a metric name/],
    ['up down', /at character 3 nothing more is expected and there is " down"$/],
    ['up[5m]', /nothing more/],
    ['up{', /at character 4 a label name/],
    ['up{a}', /a label name, one of = != =~ !~, and a quoted value/],
    ['up{a=b}', /at character 6 a quoted value is expected and there is "b\}"$/],
    ['up{a="b}', /a quoted value/],
    ['up{a="b" c="d"}', /, or \} is expected/],
    ['up{,}', /a label name/],
    ['up{a=="b"}', /a quoted value/],
    ['up{1a="b"}', /a label name/],
    [String.raw`up{a="\q"}`, /a quoted value/],
    ['up{a=~"("}', /bad regular expression/],
    [`up{a="${'x'.repeat(5000)}"}`, /at most 4096 characters/],
    [`{${'a="b",'.repeat(51)}}`, /at most 50 matchers/],
  ] as const) {
    it(`refuses ${text.slice(0, 30)}`, () => {
      assert.throws(
        () => parseSelector(text, 'match[]'),
        (thrown: unknown) => {
          assert.ok(isErrorKind(thrown, 'invalid_argument'));
          assert.match(String(thrown), complaint);
          return true;
        },
      );
    });
  }
});
