import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeTerminal } from '#apps/drover/fake-terminal.ts';
import { UploadFolder } from '#backends/files/upload-folder.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { openMigrationCommands } from '#test/migration-command.ts';
import type { Uploads } from '#transfers/uploads.ts';

async function open(beforeSave: () => Promise<void> = () => Promise.resolve()) {
  const directory = await mkdtemp(join(tmpdir(), 'drover-sent-'));
  const folder = new UploadFolder({ directory: join(directory, 'there'), clock: new FakeClock() });
  const uploads: Uploads = {
    list: (signal) => folder.list(signal),
    remove: (name) => folder.remove(name),
    async save(name, body) {
      await beforeSave();
      return await folder.save(name, body);
    },
  };
  const commands = await openMigrationCommands({ parts: { uploads, maxUploadBytes: 100_000 } });
  const file = join(directory, 'web 1.ova');
  await writeFile(file, 'x'.repeat(70_000));
  return {
    ...{ ...commands, directory, file },
    async [Symbol.asyncDispose]() {
      await commands[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}

describe('drover uploads', () => {
  it('sends a file, lists it, and removes it', async () => {
    await using all = await open();
    const { file, directory } = all;
    const path = join(directory, 'there', 'web 1.ova');
    const added = await all.drover('uploads', 'add', file);
    assert.deepEqual([added.exitCode, added.out], [0, `${path}\n`], added.notes);
    assert.equal((await readFile(path)).length, 70_000);
    const listed = await all.drover('uploads', 'list');
    assert.match(listed.out, /^NAME +SIZE +UPLOADED +PATH\nweb 1\.ova +68\.4 KiB .*there\/web 1/);
    const again = await all.drover('uploads', 'add', file);
    assert.deepEqual([again.exitCode, again.out], [5, '']);
    assert.match(again.notes, /there is an upload web 1\.ova already/);
    const other = await all.drover('uploads', 'add', file, '--name', 'b.ova', '--json');
    assert.partialDeepStrictEqual(JSON.parse(other.out), { name: 'b.ova', size: 70_000 });
    const removed = await all.drover('uploads', 'remove', 'web 1.ova', 'b.ova', 'c.ova');
    assert.equal(removed.out, 'removed web 1.ova\nremoved b.ova\n');
    assert.match(removed.notes, /there is no upload c\.ova/);
    assert.equal((await all.drover('uploads', 'list')).out, '');
  });

  it('refuses what is no file, and learns at once that one is too long', async () => {
    await using all = await open();
    const { directory } = all;
    assert.match((await all.drover('uploads', 'add', directory)).notes, /must be a file/);
    assert.match(
      (await all.drover('uploads', 'add', '/no/such')).notes,
      /cannot be read \(ENOENT\)/,
    );
    const long = join(directory, 'long');
    await writeFile(long, Buffer.alloc(20_000_000));
    const refused = await all.drover('uploads', 'add', long);
    assert.match(refused.notes, /the file is longer than 97\.7 KiB/);
  });

  it('tells on a terminal how far it is', async () => {
    const reached = Promise.withResolvers<undefined>();
    const goOn = Promise.withResolvers<undefined>();
    await using all = await open(async () => {
      reached.resolve(undefined);
      await goOn.promise;
    });
    const terminal = new FakeTerminal({ isTty: true });
    const run = all.start(['uploads', 'add', all.file], { terminal });
    await reached.promise;
    await all.fake.clock.advance(1000);
    goOn.resolve(undefined);
    assert.equal(await run.exitCode, 0);
    assert.match(terminal.notes, /^sending .*web 1\.ova: .*68\.4 KiB/);
  });
});
