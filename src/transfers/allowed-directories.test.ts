import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { resolveAllowed } from './allowed-directories.ts';

const REFUSED = { kind: 'permission_denied', reason: 'DIRECTORY_NOT_ALLOWED' };

async function openRoot(t: TestContext) {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'drover-allowed-')));
  t.after(() => rm(directory, { recursive: true }));
  const root = join(directory, 'root');
  await mkdir(join(root, 'inner'), { recursive: true });
  await writeFile(join(directory, 'secret'), '');
  const resolve = (path: string, allowed = [root]) =>
    resolveAllowed(path, { allowed, field: 'path' });
  return { directory, root, resolve };
}

describe('an allowed folder', () => {
  it('has all that is in it, and what is still to be made', async (t) => {
    const { root, resolve } = await openRoot(t);
    for (const path of [root, join(root, 'inner'), join(root, 'new', 'newer')]) {
      assert.equal(await resolve(path), path);
    }
    assert.equal(await resolve(`${root}/inner/`), join(root, 'inner'));
  });

  it('has nothing beside it or above it', async (t) => {
    const { directory, root, resolve } = await openRoot(t);
    for (const path of [directory, `${root}2`, join(root, '..', 'secret'), '/']) {
      await assert.rejects(resolve(path), REFUSED);
    }
    await assert.rejects(resolve(root, []), REFUSED);
  });

  it('has nothing that a link leads out to', async (t) => {
    const { directory, root, resolve } = await openRoot(t);
    await symlink(directory, join(root, 'up'));
    await symlink(join(directory, 'secret'), join(root, 'file'));
    await symlink(join(root, 'round'), join(root, 'round'));
    for (const name of ['up', 'up/secret', 'up/new', 'file', 'file/in-a-file', 'round']) {
      await assert.rejects(resolve(join(root, name)), REFUSED);
    }
    await symlink(join(root, 'inner'), join(root, 'same'));
    assert.equal(await resolve(join(root, 'same')), join(root, 'inner'));
  });

  it('may be a link itself', async (t) => {
    const { directory, root, resolve } = await openRoot(t);
    const alias = join(directory, 'alias');
    await symlink(root, alias);
    assert.equal(await resolve(join(alias, 'inner'), [alias]), join(root, 'inner'));
  });
});
