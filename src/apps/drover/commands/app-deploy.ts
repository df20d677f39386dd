import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import { packAppFolder } from '#apps/drover/app/app-archive.ts';
import { readAppFolder } from '#apps/drover/app/app-folder.ts';
import { IGNORE_FILE } from '#apps/drover/app/app-ignore.ts';
import { uploadToText } from '#apps/drover/app/upload-progress.ts';
import { openFileContent, type UploadContent } from '#apps/drover/client/file-content.ts';
import { openRestClient } from '#apps/drover/client/rest-client.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation } from '#apps/drover/command.ts';
import { whileTelling } from '#apps/drover/terminal.ts';
import { invalidArgument, systemErrorCode } from '#kernel/errors.ts';

/** As the API answers it. */
interface WireDeployment {
  readonly name: string;
  readonly version: string;
  /** On the same server. */
  readonly url: string;
  readonly previous_version: string | null;
}

export const appDeploy: Command = {
  name: 'app deploy',
  group: 'Apps',
  usage: 'DIR|FILE.tgz',
  summary: 'Send an app to the server, and let it answer from now on',
  details: [
    'A folder needs a manifest.yaml, .yml or .json, and is packed on its way. .git, the links in ' +
      `node_modules/.bin and what ${IGNORE_FILE} names stay behind; other links are refused.`,
    'The new version lands whole or not at all. Requests in progress end on the version they ' +
      'began on.',
  ],
  options: { ...SERVER_OPTIONS, ...JSON_OPTION },
  examples: ['drover app deploy .', 'drover app deploy shop-1.2.0.tgz --json'],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, terminal } = invocation;
    const [source = ''] = words;
    const api = await openRestClient(invocation, 'operator');
    const { content, totalBytes, sentBytes } = await openCargo(source, invocation);
    const say = (elapsedMs: number) =>
      `deploying ${source}: ${uploadToText({ sentBytes: sentBytes(), totalBytes, elapsedMs })}`;
    const sending = api.upload('/api/v1/apps', { type: 'application/gzip', content });
    const deployed = (await whileTelling(invocation, say, sending)) as WireDeployment;
    if (options.flag('json')) {
      await terminal.write(`${JSON.stringify(deployed)}\n`);
      return;
    }
    const { name, version, url, previous_version: previous } = deployed;
    await terminal.write(`${name}@${version} ${new URL(url, api.url).href}\n`);
    if (previous !== null && previous !== version) {
      terminal.note(`it was ${previous} before; back to that with: drover app rollback ${name}`);
    }
  },
};

async function openCargo(source: string, { env, signal }: Invocation): Promise<UploadContent> {
  const path = resolve(env.currentDir, source);
  const stats = await stat(path).catch((thrown: unknown) => {
    throw invalidArgument(source, `cannot be read (${systemErrorCode(thrown)})`);
  });
  if (stats.isDirectory()) {
    let sent = 0;
    const folder = await readAppFolder(path, signal);
    const content = packAppFolder(folder, (byteCount) => (sent += byteCount));
    return { content, totalBytes: folder.sizeBytes, sentBytes: () => sent };
  }
  if (!stats.isFile() || !/\.(?:tgz|tar\.gz|tar)$/.test(source)) {
    throw invalidArgument(
      source,
      'must be a folder, or an archive that ends in .tgz, .tar.gz or .tar',
    );
  }
  return await openFileContent(source, env.currentDir);
}
