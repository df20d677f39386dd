import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TerminalScreen, runsOf } from './terminal-screen.ts';

function screenOf(...texts: readonly string[]): TerminalScreen {
  const screen = new TerminalScreen();
  for (const text of texts) screen.write(new TextEncoder().encode(text));
  return screen;
}

describe('TerminalScreen', () => {
  it('keeps lines, and writes over one after a carriage return', () => {
    assert.equal(screenOf('a\r\nb\n\nloading 1%\rloading 50%\n').text(), 'a\nb\n\nloading 50%');
    assert.equal(screenOf('abc\b\bX\tY').text(), 'aXc     Y');
  });

  it('obeys moves and erasing, as boot loaders use them', () => {
    assert.equal(screenOf('one\ntwo\u001B[1;2HX').text(), 'oXe\ntwo');
    assert.equal(screenOf('hello\u001B[3D\u001B[K!').text(), 'he!');
    assert.equal(screenOf('abcdef\u001B[1G\u001B[2P').text(), 'cdef');
    assert.equal(screenOf('a\nb\nc\u001B[1;1H\u001B[J').text(), '\n\n');
    assert.equal(screenOf('\u001B7one\u001B8two').text(), 'two');
  });

  it('keeps above what was cleared away', () => {
    assert.equal(screenOf('menu\n\u001B[2J\u001B[Hbooted').text(), 'menu\nbooted');
    assert.equal(screenOf('menu\u001Bcbooted').text(), 'menu\nbooted');
  });

  it('shows no control sequence as text, wherever it is cut', () => {
    const text = '\u001B]0;title\u0007a\u001B[?25lb\u001B(Bc\u001B[38;5;196md\u001B[6n\u0000é';
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at <= bytes.length; at += 1) {
      const screen = new TerminalScreen();
      screen.write(bytes.subarray(0, at));
      screen.write(bytes.subarray(at));
      assert.equal(screen.text(), 'abcdé');
    }
  });

  it('puts what looks alike together', () => {
    const [line] = screenOf('[\u001B[1;32m OK \u001B[0m] up\u001B[7m!').lines;
    assert.ok(line);
    const runs = runsOf(line).map(({ text, style }) => [text, style.colour, style.isInverse]);
    assert.deepEqual(runs, [
      ['[', undefined, false],
      [' OK ', 'green', false],
      ['] up', undefined, false],
      ['!', undefined, true],
    ]);
  });

  it('stays bounded, whatever comes', () => {
    const many = screenOf(Array.from({ length: 5000 }, (_, at) => `line ${at}\n`).join(''));
    assert.equal(many.lines.length, 3000);
    assert.match(many.text(), /line 4999$/);
    many.write(new TextEncoder().encode('\u001B[1;1Htop'));
    assert.match(many.text(), /\ntope 4977\n/);
    const wide = screenOf('x'.repeat(2500), `\u001B[${'9'.repeat(500)}`, '\u001B[999999C.');
    assert.deepEqual(
      wide.lines.map(({ cells }) => cells.length),
      [1000, 1000, 1000],
    );
  });

  it('changes the version of a line that changes, and of no other', () => {
    const screen = screenOf('a\nb');
    const before = screen.lines.map(({ version }) => version);
    screen.write(new TextEncoder().encode('c'));
    const after = screen.lines.map(({ version }) => version);
    assert.equal(after[0], before[0]);
    assert.notEqual(after[1], before[1]);
  });
});
