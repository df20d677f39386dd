/** Finds and reads the config file, then parses everything: what the commands call. */
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';

import { DroverError, invalidArgument, systemErrorCode } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import { defaultConfigPath, parseConfig } from './config.ts';
import type { ParsedConfig } from './config.ts';
import type { ConfigDocument, ConfigFile } from './config-document.ts';
import type { FlagValue } from './config-reader.ts';
import type { Environment } from './env.ts';

const MAX_FILE_BYTES = 1 * MIB;

/**
 * `folderName` is what the data folder is called where none is set.
 * `--config` and `DROVER_CONFIG` must exist; the default place may be empty.
 */
export async function loadConfig(
  flags: ReadonlyMap<string, FlagValue>,
  env: Environment,
  folderName?: string,
): Promise<ParsedConfig & { readonly configPath: string | undefined }> {
  const given = flags.get('config') ?? env.variables['DROVER_CONFIG'];
  const source = flags.has('config') ? '--config' : 'DROVER_CONFIG';
  const file =
    typeof given === 'string'
      ? await readGiven(resolve(env.currentDir, given), source)
      : await readConfigFile(defaultConfigPath(env));
  const document = file === undefined ? undefined : await parseDocument(file);
  return { ...parseConfig({ flags, env, file: document, folderName }), configPath: file?.path };
}

async function parseDocument(file: ConfigFile): Promise<ConfigDocument> {
  // Loaded here: many do without a file, and a reader of YAML is large.
  const { parseConfigDocument } = await import('./config-document.ts');
  return parseConfigDocument(file);
}

async function readGiven(path: string, source: string): Promise<ConfigFile> {
  const file = await readConfigFile(path);
  if (file !== undefined) return file;
  throw invalidArgument(`config (${source})`, `there is no file ${path}`);
}

async function readConfigFile(path: string): Promise<ConfigFile | undefined> {
  try {
    await using handle = await open(path, 'r');
    const { size } = await handle.stat();
    if (size > MAX_FILE_BYTES) {
      throw invalidArgument('config', `${path} is over 1 MiB, which no config file needs`);
    }
    return { path, text: await handle.readFile('utf8') };
  } catch (thrown) {
    if (thrown instanceof DroverError) throw thrown;
    const code = systemErrorCode(thrown);
    if (code === 'ENOENT') return undefined;
    throw new DroverError('failed_precondition', `config: ${path} cannot be read (${code})`, {
      reason: 'CONFIG_UNREADABLE',
      cause: thrown,
    });
  }
}
