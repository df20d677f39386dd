/**
 * The name of this host in the database. Machines belong to a host by it, so once it has been
 * used it is kept in the data folder and survives a change of the host's name.
 */
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { isHostId } from '#kernel/ids.ts';
import type { HostId } from '#kernel/ids.ts';
import type { Config } from './config.ts';

export async function loadHostId(
  config: Pick<Config, 'dataDir' | 'hostId' | 'hostname'>,
): Promise<HostId> {
  const path = join(config.dataDir, 'host-id');
  const kept = await readKept(path);
  const wanted = config.hostId ?? kept ?? hostnameToId(config.hostname);
  if (kept === undefined) await keep(path, config.dataDir, wanted);
  if (kept === undefined || kept === wanted) return wanted;
  throw new DroverError(
    'failed_precondition',
    `hostId: ${config.dataDir} holds the machines of host ${kept}, not of ${wanted}; ` +
      'remove the setting hostId, or use another data folder',
    { reason: 'HOST_ID_CHANGED', metadata: { kept, wanted } },
  );
}

async function readKept(path: string): Promise<HostId | undefined> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
  if (isHostId(text)) return text;
  throw new DroverError('data_loss', `${path} is damaged: write the name of this host into it`, {
    reason: 'HOST_ID_DAMAGED',
  });
}

async function keep(path: string, dataDir: string, id: HostId): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o755 });
  await using handle = await open(path, 'w', 0o644);
  await handle.writeFile(`${id}\n`);
  await handle.sync();
}

/** Whatever a host is called, something usable comes of it. */
export function hostnameToId(hostname: string): HostId {
  const text = hostname.replaceAll(/[^A-Za-z0-9_.-]/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  const id = text.slice(0, 63);
  if (isHostId(id)) return id;
  const fallback = 'host';
  if (!isHostId(fallback)) throw new Error('the fallback is no host id');
  return fallback;
}
