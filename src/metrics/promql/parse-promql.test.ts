import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { isCallable } from './call-function.ts';
import { FUNCTIONS } from './function-table.ts';
import { parsePromql, parseSeriesSelector } from './parse-promql.ts';
import type { Expression } from './syntax-tree.ts';

/** With every operation in parentheses, so that the grouping shows. */
function show(node: Expression): string {
  switch (node.kind) {
    case 'number':
      return String(node.value);
    case 'string':
      return JSON.stringify(node.text);
    case 'selector': {
      const name = node.matchers.map(({ value }) => value).join();
      const offset = node.shift.offsetMs === 0 ? '' : ` offset ${node.shift.offsetMs}`;
      return `${name}${offset}${node.shift.pin === undefined ? '' : ` @ ${node.shift.pin.kind}`}`;
    }
    case 'matrix':
      return `${show(node.selector)}[${node.rangeMs}]`;
    case 'subquery':
      return `${show(node.inner)}[${node.rangeMs}:${node.stepMs ?? ''}]`;
    case 'unary':
      return `(${node.operator}${show(node.operand)})`;
    case 'binary':
      return `(${show(node.left)} ${node.operator} ${show(node.right)})`;
    case 'aggregate':
      return `${node.operator}(${show(node.inner)})`;
    case 'call':
      return `${node.name}(${node.args.map(show).join()})`;
    case 'paren':
      return show(node.inner);
  }
}

async function grouping(text: string): Promise<string> {
  return show((await parsePromql(text)).expression);
}

async function refusal(text: string): Promise<DroverError> {
  try {
    await parsePromql(text);
  } catch (thrown) {
    if (thrown instanceof DroverError) return thrown;
    throw thrown;
  }
  return assert.fail(`${text} was taken`);
}

describe('parsePromql', () => {
  it('groups operators as Prometheus does, wherever a sign or an offset stands', async () => {
    const GROUPINGS = {
      'a + b * c': '(a + (b * c))',
      'a - b - c': '((a - b) - c)',
      'a ^ b ^ c': '(a ^ (b ^ c))',
      '-1 ^ 2': '(-(1 ^ 2))',
      '-a ^ 2 * 3': '((-(a ^ 2)) * 3)',
      '2 ^ -a + 1': '((2 ^ (-a)) + 1)',
      'a -1': '(a - 1)',
      'a + b offset 1m * c': '(a + (b offset 60000 * c))',
      'a or b and c': '(a or (b and c))',
      'a unless b and c': '((a unless b) and c)',
      'a > b + c == d': '((a > (b + c)) == d)',
      'a + b @ end() offset -1m': '(a + b offset -60000 @ end)',
      'sum(a + b[5m:1m] @ start())': undefined,
      'rate(a[1h30m])': 'rate(a[5400000])',
      'max_over_time((a + b)[5m:])': 'max_over_time((a + b)[300000:])',
      '# what\na # this is\n': 'a',
    };
    for (const [text, expected] of Object.entries(GROUPINGS)) {
      if (expected === undefined) await refusal(text);
      else assert.equal(await grouping(text), expected, text);
    }
  });

  it('says where the mistake is and what was expected', async () => {
    const MESSAGES = {
      '': /^1:1: parse error: unexpected the end of the query, expected an expression/,
      'sum(up': /^1:7: .*unexpected the end of the query, .*closing parenthesis$/,
      'up{job': /^1:7: .*one of = != =~ !~/,
      'up +\n  * 2': /^2:3: .*unexpected "\*", expected an expression/,
      'up up': /^1:4: .*unexpected "up", expected an operator/,
      'rate(up[5m': /^1:11: .*expected a duration such as 5m/,
      'rate(up)': /^1:1: .*rate\(\) wants range vector as argument 1, not instant vector$/,
      'up[5m] + 1': /^1:8: .*"\+" goes between scalars and instant vectors, not a range vector/,
      'sum by up (x)': /^1:8: .*label names between parentheses/,
      'up{a=~"("}': /^1:7: .*regular expression/,
      'up[5]': /^1:4: .*5 is no duration/,
    };
    for (const [text, message] of Object.entries(MESSAGES)) {
      const error = await refusal(text);
      assert.equal(error.kind, 'invalid_argument');
      assert.match(error.message, message, text);
    }
  });

  it('names what it does not support', async () => {
    const NAMES = {
      'holt_winters(up[5m], 0.5, 0.5)': /unknown function holt_winters\(\)/,
      'nonsense(up)': /unknown function nonsense\(\)/,
      'mad_over_time(up[5m])': /the function mad_over_time\(\) is not supported/,
      'histogram_count(up)': /the function histogram_count\(\) is not supported/,
      'info(up)': /the function info\(\) is not supported/,
      'limitk(1, up)': /the aggregation limitk is not supported/,
      'up + fill(0) down': /fill is not supported/,
      'rate(up[5m] smoothed)': /smoothed is not supported/,
      '{"with.dots"}': /a name in quotes is not supported/,
      'up[5m+1m]': /5m\+1m is no duration/,
    };
    for (const [text, message] of Object.entries(NAMES)) {
      assert.match((await refusal(text)).message, message, text);
    }
  });

  it('bounds the length, the depth and the operators of a query', async () => {
    const TOO_MUCH = [
      `up{a="${'x'.repeat(17_000)}"}`,
      `${'('.repeat(65)}up${')'.repeat(65)}`,
      `${'abs('.repeat(4000)}`,
      `${'-'.repeat(70)}up`,
      `${'2^'.repeat(70)}2`,
      Array<string>(2000).fill('up').join('+'),
      `up${' offset 1m'.repeat(300)}`,
    ];
    for (const text of TOO_MUCH) {
      assert.equal((await refusal(text)).kind, 'resource_exhausted', text.slice(0, 20));
    }
    const long = Array<string>(251).fill('up').join(' or ');
    assert.equal((await parsePromql(long)).type, 'vector');
    assert.equal((await parsePromql(`up{a="${'('.repeat(100)}"}`)).type, 'vector');
  });

  it('answers something sensible to whatever is sent', async () => {
    const pieces = [
      'up',
      '(',
      ')',
      '{',
      '}',
      '[5m]',
      '[',
      ':',
      '"',
      'by',
      'sum',
      '+',
      '@',
      '1',
      ',',
    ];
    let state = 1;
    for (let round = 0; round < 300; round += 1) {
      let text = '';
      for (let at = 0; at < 8; at += 1) {
        state = (state * 16_807) % 2_147_483_647;
        text += `${pieces[state % pieces.length] ?? ''} `;
      }
      await parsePromql(text).catch((thrown: unknown) => {
        assert.ok(thrown instanceof DroverError && thrown.kind === 'invalid_argument', text);
      });
    }
  });
});

describe('parseSeriesSelector', () => {
  it('takes a selector and nothing else', async () => {
    const expected = [
      { label: '__name__', operator: '=', value: 'up' },
      { label: 'job', operator: '=~', value: 'a|b' },
    ];
    assert.deepEqual(await parseSeriesSelector('up{job=~"a|b"}'), expected);
    for (const text of ['rate(up[5m])', 'up[5m]', 'up offset 1m', '1', 'up + up', '(up)']) {
      await assert.rejects(parseSeriesSelector(text), /selector/, text);
    }
  });
});

describe('FUNCTIONS', () => {
  it('are all there to be called', () => {
    for (const name of FUNCTIONS.keys()) assert.ok(isCallable(name), name);
  });
});
