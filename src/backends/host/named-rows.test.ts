import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ByteScanner } from './byte-scanner.ts';
import { NamedRows } from './named-rows.ts';

function createFixture() {
  const dropped: string[] = [];
  let made = 0;
  const rows = new NamedRows<{ name: string; id: number }>(
    (name) => ({ name, id: (made += 1) }),
    ({ name }) => dropped.push(name),
  );
  const pass = (...names: string[]) => {
    const scanner = new ByteScanner();
    rows.begin();
    const taken = names.map((name) => {
      const bytes = Buffer.from(name);
      scanner.reset(bytes, bytes.length);
      return rows.take(scanner, 0, bytes.length)?.id;
    });
    rows.end();
    return taken;
  };
  return { rows, pass, dropped };
}

describe('NamedRows', () => {
  it('keeps the row of a name, wherever it stands', () => {
    const { pass, rows } = createFixture();
    assert.deepEqual(pass('a', 'b', 'c'), [1, 2, 3]);
    const { changes } = rows;
    assert.deepEqual(pass('a', 'b', 'c'), [1, 2, 3]);
    assert.deepEqual(pass('c', 'a', 'b'), [3, 1, 2]);
    assert.equal(rows.changes, changes);
  });

  it('drops a row whose name is gone, and makes a new one when it is back', () => {
    const { pass, rows, dropped } = createFixture();
    pass('a', 'b');
    const { changes } = rows;
    assert.deepEqual(pass('b'), [2]);
    assert.deepEqual(dropped, ['a']);
    assert.notEqual(rows.changes, changes);
    assert.deepEqual(pass('a', 'b'), [3, 2]);
  });

  it('gives a row once in a pass, though the name stands there twice', () => {
    const { pass } = createFixture();
    assert.deepEqual(pass('a', 'a', 'b'), [1, undefined, 2]);
    assert.deepEqual(pass('a', 'a', 'b'), [1, undefined, 2]);
  });
});
