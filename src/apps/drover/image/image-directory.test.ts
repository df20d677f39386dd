import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { imageToJson, parseImage } from './built-image.ts';
import { listImages, readImage } from './image-directory.ts';

const SHA256 = 'ab'.repeat(32);

describe('image.json', () => {
  it('comes back as it was written', () => {
    const image = {
      name: 'demo',
      description: 'a guest',
      directory: '/images/demo',
      builtAt: Date.UTC(2026, 0, 1),
      files: [{ name: 'vmlinuz', sizeBytes: 12, sha256: SHA256 }],
      config: { cpu: { vcpu_count: 1 } },
    };
    assert.deepEqual(parseImage(imageToJson(image), '/images/demo'), image);
  });

  it('needs no more than a name and a config', () => {
    const image = parseImage('{"name":"mine","config":{}}', '/images/mine');
    assert.deepEqual([image.description, image.builtAt, image.files], ['', undefined, []]);
  });

  const refusals: readonly (readonly [string, unknown, RegExp])[] = [
    ['a list', [], /^image\.json: must be a JSON object/],
    ['no name', { config: {} }, /^name: must be a string/],
    ['a name with a slash', { name: '../x', config: {} }, /^name: must be 1 to 64/],
    ['no config', { name: 'x' }, /^config: must be a JSON object/],
    ['a config that is a list', { name: 'x', config: [] }, /^config: must be a JSON object/],
    ['a time that is none', { name: 'x', config: {}, built_at: 'soon' }, /^built_at: must be/],
    ['files that are no list', { name: 'x', config: {}, files: {} }, /^files: must be a list/],
    [
      'a file outside the folder',
      { name: 'x', config: {}, files: [{ name: '../y' }] },
      /^files\[0\]\.name: must be the name of a file/,
    ],
    [
      'a size that is no number',
      { name: 'x', config: {}, files: [{ name: 'y', size_bytes: '1' }] },
      /^files\[0\]\.size_bytes: must be a whole number/,
    ],
    [
      'a short checksum',
      { name: 'x', config: {}, files: [{ name: 'y', size_bytes: 1, sha256: 'ab' }] },
      /^files\[0\]\.sha256: must be 64 hex digits/,
    ],
  ];
  for (const [what, value, message] of refusals) {
    it(`with ${what} is refused by the field's name`, () => {
      assert.throws(() => parseImage(JSON.stringify(value), '/images/x'), {
        kind: 'invalid_argument',
        message,
      });
    });
  }

  it('that is not JSON is refused as such', () => {
    assert.throws(() => parseImage('{', '/images/x'), /image\.json: must be JSON/);
  });
});

describe('an image directory', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'drover-images-'));
    const images = { beta: '{"name":"beta","config":{}}', alpha: '{"name":"alpha","config":{}}' };
    for (const [name, text] of Object.entries({ ...images, torn: '{', moved: images.beta })) {
      await mkdir(join(directory, name));
      await writeFile(join(directory, name, 'image.json'), text);
    }
    await mkdir(join(directory, 'just-a-folder'));
    await mkdir(join(directory, '.demo.building-1-x'));
    await writeFile(join(directory, 'a-file'), '');
  });
  after(() => rm(directory, { recursive: true }));

  it('lists its images by name, and apart from them those that cannot be used', async () => {
    const { images, broken } = await listImages(directory);
    assert.deepEqual(
      images.map(({ name }) => name),
      ['alpha', 'beta'],
    );
    assert.deepEqual(
      broken.map(({ name, error }) => [name, error.kind]),
      [
        ['moved', 'invalid_argument'],
        ['torn', 'invalid_argument'],
      ],
    );
  });

  it('is empty before it exists', async () => {
    assert.deepEqual(await listImages(join(directory, 'none')), { images: [], broken: [] });
  });

  it('gives one image by its name', async () => {
    const image = await readImage(directory, 'alpha');
    assert.equal(image.directory, join(directory, 'alpha'));
  });

  it('names the images there are when the wanted one is not', async () => {
    await assert.rejects(readImage(directory, 'gamma'), {
      kind: 'not_found',
      message: 'there is no image gamma; there is alpha, beta',
    });
  });

  it('tells how to build the demo image', async () => {
    await assert.rejects(readImage(directory, 'demo'), /drover image build demo/);
  });

  it('does not look outside itself', async () => {
    await assert.rejects(readImage(directory, '../alpha'), { kind: 'invalid_argument' });
  });
});
