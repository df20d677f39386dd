/** Files that are sent to the server, to be migrated from. */
import { basename } from 'node:path';

import { uploadToText } from '#apps/drover/app/upload-progress.ts';
import { openFileContent } from '#apps/drover/client/file-content.ts';
import { forEachWord } from '#apps/drover/client/for-each-word.ts';
import { printAnswer } from '#apps/drover/client/print-answer.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { formatTable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, OptionTable } from '#apps/drover/command.ts';
import { whileTelling } from '#apps/drover/terminal.ts';
import { formatBytes } from '#kernel/units.ts';

/** As the API answers it. */
interface WireUpload {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly uploaded_at: string;
}

const UPLOADS = '/uploads';
const MOST_NAMES = 100;
const OPTIONS: OptionTable = { ...SERVER_OPTIONS, ...JSON_OPTION };

export const uploadsList: Command = {
  name: 'uploads list',
  group: 'Migration',
  usage: '',
  summary: 'List the files that were sent to the server',
  options: OPTIONS,
  words: { least: 0, most: 0 },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    const answer = await api.call('GET', UPLOADS);
    const { uploads } = answer as { readonly uploads: readonly WireUpload[] };
    await printAnswer(invocation, answer, () => {
      const rows = uploads.map(({ name, size, uploaded_at: at, path }) => [
        ...[name, formatBytes(size), at, path],
      ]);
      return rows.length === 0 ? '' : formatTable(['NAME', 'SIZE', 'UPLOADED', 'PATH'], rows);
    });
    if (uploads.length > 0) return;
    invocation.terminal.note('no uploads yet; make one with: drover uploads add FILE');
  },
};

export const uploadsAdd: Command = {
  name: 'uploads add',
  group: 'Migration',
  usage: 'FILE',
  summary: 'Send a file to the server, to be migrated from',
  details: [
    'It is there when all of it is. What is there under that name already is not written over.',
  ],
  options: {
    name: { kind: 'text', argument: 'NAME', doc: 'What it is called there. Default: as here.' },
    ...OPTIONS,
  },
  examples: ['drover uploads add web-1.ova', 'drover uploads add /srv/disk.vmdk --name web-1.vmdk'],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, env, terminal } = invocation;
    const [file = ''] = words;
    const api = await openRestClient(invocation, 'operator');
    const { content, totalBytes, sentBytes } = await openFileContent(file, env.currentDir);
    const say = (elapsedMs: number) =>
      `sending ${file}: ${uploadToText({ sentBytes: sentBytes(), totalBytes, elapsedMs })}`;
    const sending = api.upload(uploadPath(options.text('name') ?? basename(file)), {
      ...{ method: 'PUT', type: 'application/octet-stream', content, totalBytes },
    });
    const answer = await whileTelling(invocation, say, sending);
    const { upload } = answer as { readonly upload: WireUpload };
    await printAnswer(invocation, upload, () => `${upload.path}\n`);
    terminal.note(`migrate from it with: drover migrate VM --from file:${upload.path} --to …`);
  },
};

export const uploadsRemove: Command = {
  name: 'uploads remove',
  group: 'Migration',
  usage: 'NAME…',
  summary: 'Remove files that were sent to the server',
  options: OPTIONS,
  words: { least: 1, most: MOST_NAMES },
  async run(invocation) {
    const api = await openRestClient(invocation, 'operator');
    await forEachWord(invocation, async (name) => {
      await api.call('DELETE', uploadPath(name));
      return { text: `removed ${name}`, plain: { removed: name } };
    });
  },
};

function uploadPath(name: string): string {
  return `${UPLOADS}/${encodeURIComponent(name)}`;
}
