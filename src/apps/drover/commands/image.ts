import { formatAge, formatTable, printable } from '#apps/drover/client/text-table.ts';
import { IMAGE_OPTIONS } from '#apps/drover/command-settings.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command } from '#apps/drover/command.ts';
import { loadConfig } from '#apps/drover/config-file.ts';
import type { BuiltImage } from '#apps/drover/image/built-image.ts';
import { buildDemoImage } from '#apps/drover/image/demo-image.ts';
import { listImages } from '#apps/drover/image/image-directory.ts';
import { invalidArgument, toDroverError } from '#kernel/errors.ts';
import { formatBytes } from '#kernel/units.ts';

const BUILDABLE = ['demo'];

export const imageBuild: Command = {
  name: 'image build',
  group: 'Images',
  usage: 'demo',
  summary: "Build the demo guest from Debian's packages",
  details: [
    'Needs neither root nor a running server. The image lands in the first of the image ' +
      'directories, and `drover vm run demo` boots it.',
  ],
  options: {
    force: { kind: 'flag', doc: 'Build it anew though it is there.' },
    ...IMAGE_OPTIONS,
    ...JSON_OPTION,
  },
  examples: ['drover image build demo', 'drover image build demo --data ./data'],
  words: { least: 1, most: 1 },
  wordChoices: BUILDABLE,
  async run({ words, options, env, terminal, signal }) {
    const [name = ''] = words;
    if (!BUILDABLE.includes(name)) {
      throw invalidArgument('image', `only ${BUILDABLE.join(', ')} can be built, not ${name}`);
    }
    const { config } = await loadConfig(options.settings(), env);
    const image = await buildDemoImage({
      imagesDir: config.images.directories[0],
      force: options.flag('force'),
      signal,
      progress: (line) => terminal.note(line),
    });
    await terminal.write(
      options.flag('json') ? `${JSON.stringify(imageToPlain(image))}\n` : `${image.name}\n`,
    );
  },
};

export const imageList: Command = {
  name: 'image list',
  group: 'Images',
  usage: '',
  summary: 'List the images machines can be made of',
  options: { ...IMAGE_OPTIONS, ...JSON_OPTION },
  words: { least: 0, most: 0 },
  async run({ options, env, terminal, clock }) {
    const { config } = await loadConfig(options.settings(), env);
    const listings = await Promise.all(config.images.directories.map(listImages));
    const images = listings.flatMap((listing) => listing.images);
    for (const { name, error } of listings.flatMap((listing) => listing.broken)) {
      terminal.note(`drover: image ${name} cannot be used: ${toDroverError(error).message}`);
    }
    if (options.flag('json')) {
      await terminal.write(`${JSON.stringify({ images: images.map(imageToPlain) }, null, 2)}\n`);
      return;
    }
    if (images.length === 0) {
      terminal.note('no images yet; build the demo guest with: drover image build demo');
      return;
    }
    const rows = images.map((image) => [
      image.name,
      formatBytes(sizeOf(image)),
      image.builtAt === undefined ? '-' : formatAge(clock.nowMs() - image.builtAt),
      printable(image.description),
    ]);
    await terminal.write(formatTable(['NAME', 'SIZE', 'AGE', 'DESCRIPTION'], rows));
  },
};

function sizeOf(image: BuiltImage): number {
  return image.files.reduce((sum, file) => sum + file.sizeBytes, 0);
}

function imageToPlain(image: BuiltImage) {
  return {
    name: image.name,
    description: image.description,
    directory: image.directory,
    built_at: image.builtAt === undefined ? null : new Date(image.builtAt).toISOString(),
    size_bytes: sizeOf(image),
    config: image.config,
  };
}
