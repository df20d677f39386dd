import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { loadSecretBox } from './secret-key.ts';

let directory = '';
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'drover-key-')), 'data');
});
afterEach(async () => {
  await rm(join(directory, '..'), { recursive: true });
});

describe('the secret key', () => {
  it('is made once, for its owner alone, and stays', async () => {
    const first = await loadSecretBox(directory);
    const { mode } = await stat(join(directory, 'secret.key'));
    assert.equal(mode & 0o777, 0o600);
    const sealed = first.seal('hunter2', 'here');
    assert.equal((await loadSecretBox(directory)).open(sealed, 'here'), 'hunter2');
    assert.deepEqual(await readdir(directory), ['secret.key']);
  });

  it('is one and the same for all who ask for it first at once', async () => {
    const boxes = await Promise.all(Array.from({ length: 8 }, () => loadSecretBox(directory)));
    assert.equal(new Set(boxes.map(({ keyId }) => keyId)).size, 1);
    assert.deepEqual(await readdir(directory), ['secret.key']);
  });

  it('is refused when it is damaged or open to others, with what to do', async () => {
    await loadSecretBox(directory);
    const path = join(directory, 'secret.key');
    await chmod(path, 0o644);
    await assert.rejects(loadSecretBox(directory), {
      reason: 'SECRET_KEY_EXPOSED',
      message: /chmod 600/,
    });
    await chmod(path, 0o600);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.slice(0, 40));
    await assert.rejects(loadSecretBox(directory), { reason: 'SECRET_KEY_DAMAGED' });
    assert.equal((await readFile(path, 'utf8')).length, 40);
  });
});
