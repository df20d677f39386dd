import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { OPEN_POLICY } from '#test/app-fixture.ts';
import { openFileTree } from '#test/file-tree.ts';
import { readManifest } from './manifest-file.ts';

const LEAST = 'name: shop\nversion: 1.0.0';

async function problemOf(files: Readonly<Record<string, string>>): Promise<string> {
  using tree = openFileTree(files);
  try {
    await readManifest(tree.root, OPEN_POLICY);
    return 'nothing';
  } catch (thrown) {
    return String(thrown);
  }
}

describe('readManifest', () => {
  it('reads YAML by either name, and JSON', async () => {
    const json = JSON.stringify({ name: 'shop', version: '1.0.0' });
    for (const [name, text] of [
      ['manifest.yaml', LEAST],
      ['manifest.yml', LEAST],
      ['manifest.json', json],
    ] as const) {
      using tree = openFileTree({ [name]: text, 'main.js': '' });
      const manifest = await readManifest(tree.root, OPEN_POLICY);
      assert.deepEqual([manifest.name, manifest.entrypoint], ['shop', 'main.js']);
    }
  });

  it('wants exactly one', async () => {
    assert.match(await problemOf({ 'main.js': '' }), /there is no manifest: one of manifest\.yaml/);
    const two = { 'manifest.yaml': LEAST, 'manifest.json': '{}' };
    assert.match(await problemOf(two), /one manifest, and there are manifest\.\w+, manifest/);
  });

  it('says what it cannot read', async () => {
    const broken = (text: string) => problemOf({ 'manifest.yaml': text });
    assert.match(await problemOf({ 'manifest.json': '{,}' }), /manifest\.json cannot be read/);
    assert.match(await broken('name: ['), /manifest\.yaml cannot be read/);
    assert.match(await broken('name: a\nname: b'), /keys must be unique/);
    assert.match(await broken('---\na: 1\n---\nb: 2'), /manifest\.yaml cannot be read/);
    assert.match(await broken('a: &a [1]\nb: *a'), /Alias resolution is disabled/);
    assert.match(await broken('['.repeat(50_000)), /manifest\.yaml cannot be read/);
    assert.match(await broken('x'.repeat(300_000)), /over 64 KiB/);
    assert.match(await broken(''), /must be a map/);
  });

  it('does not unfold a bomb of aliases', async () => {
    const rows = Array.from(
      { length: 12 },
      (_, at) => `a${at + 1}: &a${at + 1} [${`*a${at},`.repeat(10)}]`,
    );
    const bomb = ['a0: &a0 [x]', ...rows].join('\n');
    assert.match(await problemOf({ 'manifest.yaml': bomb }), /Alias resolution is disabled/);
  });

  it('follows no link to a manifest, nor to an entrypoint', async () => {
    using tree = openFileTree({ 'there/manifest.yaml': LEAST, 'there/x.js': '', 'app/y': '' });
    symlinkSync(join(tree.root, 'there/manifest.yaml'), join(tree.root, 'app/manifest.yaml'));
    await assert.rejects(readManifest(join(tree.root, 'app'), OPEN_POLICY), /ELOOP/);
    symlinkSync('x.js', join(tree.root, 'there/main.js'));
    await assert.rejects(readManifest(join(tree.root, 'there'), OPEN_POLICY), /no file main\.js/);
  });

  it('looks for an entrypoint in the documented order', async () => {
    const names = ['main.ts', 'main.js', 'main.mjs', 'index.ts', 'index.js', 'index.mjs'];
    using tree = openFileTree(Object.fromEntries(names.map((name) => [name, ''])));
    tree.write({ 'manifest.yaml': LEAST });
    for (const name of names) {
      assert.equal((await readManifest(tree.root, OPEN_POLICY)).entrypoint, name);
      tree.remove(name);
    }
    await assert.rejects(readManifest(tree.root, OPEN_POLICY), /entrypoint: is missing/);
  });

  it('lets static files do without an entrypoint, but neither cron nor events', async () => {
    const files = {
      'public/index.html': '',
      'manifest.yaml': `${LEAST}\nstatic: {directory: public}`,
    };
    using tree = openFileTree(files);
    assert.equal((await readManifest(tree.root, OPEN_POLICY)).entrypoint, undefined);
    const manifest = `${files['manifest.yaml']}\n`;
    const cron = `${manifest}cron: [{schedule: '@daily', path: /x}]`;
    assert.match(await problemOf({ ...files, 'manifest.yaml': cron }), /cron: needs an entrypoint/);
    const on = `${manifest}on: [machine.created]`;
    assert.match(await problemOf({ ...files, 'manifest.yaml': on }), /on: needs an entrypoint/);
  });

  it('finds every file that the manifest names', async () => {
    const withMain = (more: string) =>
      problemOf({ 'manifest.yaml': `${LEAST}\n${more}`, 'a.js': '' });
    assert.match(await withMain('entrypoint: b.js'), /entrypoint: there is no file b\.js/);
    assert.match(await withMain('entrypoint: a.js/b.js'), /entrypoint: there is no file/);
    const statics = 'entrypoint: a.js\nstatic: ';
    assert.match(await withMain(`${statics}{directory: web}`), /static\.directory: .*folder web/);
    assert.match(
      await withMain(`${statics}{directory: a.js}`),
      /static\.directory: .*folder a\.js/,
    );
    const fallback = `${statics}{directory: ., fallback: x.html}`;
    assert.match(await withMain(fallback), /static\.directory: must be a path inside/);
  });

  it('judges folders of the host by where they lie', async () => {
    using host = openFileTree(
      { 'allowed/in/x': '', 'secret/x': '' },
      { 'allowed/out': '../secret' },
    );
    const policy = { ...OPEN_POLICY, directories: [join(host.root, 'allowed')] };
    const readWith = async (path: string) => {
      const directories = `directories: {read: ["${join(host.root, path)}"]}`;
      using tree = openFileTree({ 'manifest.yaml': `${LEAST}\n${directories}`, 'main.js': '' });
      return (await readManifest(tree.root, policy)).readableDirectories;
    };
    assert.deepEqual(await readWith('allowed/in'), [join(host.root, 'allowed/in')]);
    await assert.rejects(
      readWith('allowed/out'),
      /directories\.read: .*leads to .*apps\.directories/,
    );
    await assert.rejects(readWith('allowed/none'), /directories\.read: there is no folder/);
    await assert.rejects(readWith('allowed/in/x'), /directories\.read: there is no folder/);
  });
});
