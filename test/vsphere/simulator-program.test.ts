import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { buildSimulator, refuseWithout } from './simulator-program.ts';

describe('buildSimulator', () => {
  it('builds once', async () => {
    assert.equal(await buildSimulator(), await buildSimulator());
  });

  it('names the packages that are missing', () => {
    const needed = { 'golang-go': '/nowhere/go', bash: '/bin/bash', 'a-library': '/nowhere/a' };
    assert.throws(() => refuseWithout(needed), /Debian package `golang-go` and `a-library` /);
  });
});
