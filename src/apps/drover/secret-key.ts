/**
 * The key under which secrets are kept: a file that only the owner of the process can read, made
 * when it is first needed. Whoever copies the database alone has no secrets.
 */
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import { randomHex } from '#kernel/random.ts';
import { SECRET_KEY_BYTES, SecretBox } from '#kernel/secret-box.ts';

const OWNER_ONLY = 0o600;
const OTHERS = 0o077;
const HEX = /^[0-9a-f]{64}$/;

export async function loadSecretBox(dataDir: string): Promise<SecretBox> {
  const path = join(dataDir, 'secret.key');
  const key = (await readKey(path)) ?? (await makeKey(path));
  return new SecretBox(key);
}

async function readKey(path: string): Promise<Buffer | undefined> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & OTHERS) !== 0) throw tooOpen(path);
    text = (await readFile(path, 'utf8')).trim();
  } catch (thrown) {
    if (systemErrorCode(thrown) === 'ENOENT') return undefined;
    if (systemErrorCode(thrown) === 'EACCES') throw unreadable(path, thrown);
    throw thrown;
  }
  if (HEX.test(text)) return Buffer.from(text, 'hex');
  throw new DroverError(
    'data_loss',
    `${path} is damaged: it must hold ${SECRET_KEY_BYTES * 2} hexadecimal digits; put a copy ` +
      'back, or remove it and set the secrets of webhooks anew',
    { reason: 'SECRET_KEY_DAMAGED' },
  );
}

/** The file appears whole or not at all, and of two processes that make one the first wins. */
async function makeKey(path: string): Promise<Buffer> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const key = randomBytes(SECRET_KEY_BYTES);
  const draft = `${path}.${randomHex(4)}`;
  try {
    {
      await using handle = await open(draft, 'wx', OWNER_ONLY);
      await handle.writeFile(`${key.toString('hex')}\n`);
      await handle.sync();
    }
    await link(draft, path);
    await syncDirectory(dirname(path));
    return key;
  } catch (thrown) {
    if (systemErrorCode(thrown) !== 'EEXIST') throw thrown;
    const others = await readKey(path);
    if (others === undefined) throw thrown;
    return others;
  } finally {
    await rm(draft, { force: true });
  }
}

async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

function tooOpen(path: string): DroverError {
  return new DroverError(
    'failed_precondition',
    `${path} can be read by others; run: chmod 600 ${path}`,
    { reason: 'SECRET_KEY_EXPOSED' },
  );
}

function unreadable(path: string, cause: unknown): DroverError {
  return new DroverError('failed_precondition', `${path} cannot be read by this user`, {
    reason: 'SECRET_KEY_UNREADABLE',
    cause,
  });
}
