import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { openFileTree } from '#test/file-tree.ts';
import { askByChild, askByThread } from './statfs-question.ts';

describe('statfs, asked by a thread and by a child', () => {
  it('is answered with the same sizes', async () => {
    const byThread = await askByThread('/').answer;
    const byChild = await askByChild('stat')('/').answer;
    assert.equal(byChild.sizeBytes, byThread.sizeBytes);
    assert.equal(byChild.files, byThread.files);
    assert.ok(byChild.sizeBytes > byChild.freeBytes && byChild.freeBytes > 0);
    assert.ok(Math.abs(byChild.freeBytes - byThread.freeBytes) < byThread.sizeBytes / 50);
  });

  it('fails for a path that is not there, and for a program that is not there', async () => {
    using tree = openFileTree({});
    const missing = `${tree.root}/missing`;
    await assert.rejects(askByThread(missing).answer, { code: 'ENOENT' });
    await assert.rejects(askByChild('stat')(missing).answer);
    await assert.rejects(askByChild(missing)('/').answer, { code: 'ENOENT' });
  });

  it('takes no other words for numbers', async () => {
    await assert.rejects(askByChild('echo')('/').answer, /something else than numbers/);
  });
});
