import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { MOST_YAML_BYTES } from './body-parsers.ts';
import { parseYaml } from './parse-yaml.ts';

describe('YAML', () => {
  const refused = {
    'that is cut short': 'a: "b',
    'of two documents': 'a: 1\n---\nb: 2\n',
    'with a key twice': 'a: 1\na: 2\n',
    'whose aliases stand for billions of values': bomb(),
    'nested deeper than anybody means': `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    'that only opens lists': '['.repeat(60_000),
    'of lists within lists by marks': '- '.repeat(30_000),
    'of keys within keys by marks': '? '.repeat(30_000),
    'nested by columns': Array.from({ length: 300 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
  };
  for (const [what, text] of Object.entries(refused)) {
    it(`${what} is refused`, () => {
      assert.throws(() => parseYaml(text), {
        kind: 'invalid_argument',
        reason: 'MALFORMED_YAML',
        message: /^the request body is not valid YAML: .{1,200}$/,
      });
    });
  }

  it('is refused in words for people, with the line', () => {
    const why = (text: string) => {
      try {
        parseYaml(text);
      } catch (thrown) {
        assert.ok(thrown instanceof DroverError);
        return thrown.message.replace('the request body is not valid YAML: ', '');
      }
      return 'taken';
    };
    assert.equal(why('a: 1\n---\nb: 2\n'), 'line 2: it holds more than one document');
    assert.equal(why('a: 1\nb: 2\na: 3\n'), 'line 3: the key a is there twice');
    assert.equal(why('a:\n  b: {1: x, "1": y}\n'), 'line 2: the key 1 is there twice');
    assert.equal(why('['.repeat(1000)), 'line 1: it is nested too deeply');
    assert.equal(why(bomb()), 'its aliases stand for too much');
  });

  it('takes no time that others would notice, whatever it holds', () => {
    const most = MOST_YAML_BYTES;
    const keys = Array.from({ length: most / 12 }, (_, at) => `k${at}: 1`).join('\n');
    for (const part of ['[', '- ', '&a ', '!a ', '"', ']', '%a\n', '[,', '- {b: 1}\n', keys]) {
      const text = part.repeat(Math.ceil(most / part.length)).slice(0, most);
      const before = process.cpuUsage();
      try {
        parseYaml(text);
      } catch (thrown) {
        assert.ok(thrown instanceof DroverError);
      }
      const { user } = process.cpuUsage(before);
      assert.ok(user < 2_000_000, `${part.slice(0, 10)} took ${user / 1000} ms`);
    }
  });

  it('may use an alias where it says the same twice', () => {
    const text = 'a: &one {type: vsphere}\nb: *one\n';
    assert.deepEqual(parseYaml(text), { a: { type: 'vsphere' }, b: { type: 'vsphere' } });
  });

  it('holds no tags that would make something else of a value', () => {
    assert.deepEqual(parseYaml('at: 2026-01-17\nyes: no\n'), { at: '2026-01-17', yes: 'no' });
  });

  it('cannot reach a prototype', () => {
    const value = parseYaml('__proto__:\n  polluted: yes\n') as { polluted?: unknown };
    assert.equal(value.polluted, undefined);
  });
});

/** Nine levels of nine aliases each. */
function bomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level += 1) {
    const same = Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ');
    lines.push(`a${level}: &a${level} [${same}]`);
  }
  return lines.join('\n');
}
