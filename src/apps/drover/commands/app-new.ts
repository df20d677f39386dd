import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';

import { appTemplate, folderToAppName } from '#apps/drover/app/app-template.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command } from '#apps/drover/command.ts';
import { DroverError, invalidArgument, systemErrorCode } from '#kernel/errors.ts';

export const appNew: Command = {
  name: 'app new',
  group: 'Apps',
  usage: 'DIR',
  summary: 'Begin an app: a manifest and a few lines that answer requests',
  details: ['The folder is made, or must be empty. Nothing is sent to a server.'],
  options: JSON_OPTION,
  examples: ['drover app new hello', 'drover app deploy hello'],
  words: { least: 1, most: 1 },
  async run({ words, options, env, terminal }) {
    const [word = ''] = words;
    const directory = resolve(env.currentDir, word);
    const name = folderToAppName(basename(directory));
    if (name === undefined) {
      throw invalidArgument(
        'DIR',
        `must have a letter or digit in its name, which the app is to bear: ${word}`,
      );
    }
    await makeEmpty(directory, word);
    const files = appTemplate(name);
    for (const file of files)
      await writeFile(join(directory, file.name), file.text, { flag: 'wx' });
    if (options.flag('json')) {
      const names = files.map((file) => file.name);
      await terminal.write(`${JSON.stringify({ name, directory, files: names })}\n`);
      return;
    }
    await terminal.write(`${name}\n`);
    terminal.note(`deploy it with: drover app deploy ${quoted(word)}`);
  },
};

async function makeEmpty(directory: string, word: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    if ((await readdir(directory)).length === 0) return;
  } catch (thrown) {
    throw invalidArgument('DIR', `${word} cannot be made (${systemErrorCode(thrown)})`);
  }
  throw new DroverError('already_exists', `${word} is there and not empty; choose another folder`);
}

/** As a shell wants it. */
function quoted(word: string): string {
  return /^[\w./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
