/**
 * An image is a folder of the image directory: what a machine boots from, and `image.json`, which
 * says what is there and carries the VmConfig template a machine of it is created with. People
 * write that file by hand too, so only `name` and `config` are required.
 */
import { invalidArgument } from '#kernel/errors.ts';

export interface ImageFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface BuiltImage {
  readonly name: string;
  readonly description: string;
  /** Absolute path of the folder. */
  readonly directory: string;
  readonly builtAt: number | undefined;
  readonly files: readonly ImageFile[];
  /** A VmConfig in the JSON of the vm-service API; its paths begin with `/assets/`. */
  readonly config: Readonly<Record<string, unknown>>;
}

const IMAGE_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const SHA256 = /^[0-9a-f]{64}$/;

export function isImageName(text: string): boolean {
  return IMAGE_NAME.test(text);
}

/** `image.json` as text → the image; refusals name the field. */
export function parseImage(text: string, directory: string): BuiltImage {
  const fields = asObject(parseJson(text), 'image.json');
  const name = asString(fields['name'], 'name');
  if (!isImageName(name)) {
    throw invalidArgument('name', 'must be 1 to 64 lower-case letters, digits, ".", "_" or "-"');
  }
  const description = fields['description'] ?? '';
  return {
    name,
    description: asString(description, 'description'),
    directory,
    builtAt: fields['built_at'] === undefined ? undefined : parseInstant(fields['built_at']),
    files: parseFiles(fields['files'] ?? []),
    config: asObject(fields['config'], 'config'),
  };
}

export function imageToJson(image: BuiltImage): string {
  const fields = {
    name: image.name,
    description: image.description,
    ...(image.builtAt === undefined ? {} : { built_at: new Date(image.builtAt).toISOString() }),
    files: image.files.map((file) => ({
      name: file.name,
      size_bytes: file.sizeBytes,
      sha256: file.sha256,
    })),
    config: image.config,
  };
  return `${JSON.stringify(fields, null, 2)}\n`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : 'unreadable';
    throw invalidArgument('image.json', `must be JSON: ${why}`);
  }
}

function parseFiles(value: unknown): ImageFile[] {
  if (!Array.isArray(value)) throw invalidArgument('files', 'must be a list');
  return value.map((entry: unknown, index) => {
    const path = `files[${index}]`;
    const fields = asObject(entry, path);
    const name = asString(fields['name'], `${path}.name`);
    if (!FILE_NAME.test(name)) {
      throw invalidArgument(`${path}.name`, 'must be the name of a file in the image folder');
    }
    const sizeBytes = fields['size_bytes'];
    if (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
      throw invalidArgument(`${path}.size_bytes`, 'must be a whole number of bytes');
    }
    const sha256 = asString(fields['sha256'], `${path}.sha256`);
    if (!SHA256.test(sha256)) throw invalidArgument(`${path}.sha256`, 'must be 64 hex digits');
    return { name, sizeBytes, sha256 };
  });
}

function parseInstant(value: unknown): number {
  const ms = Date.parse(asString(value, 'built_at'));
  if (Number.isNaN(ms)) throw invalidArgument('built_at', 'must be an RFC 3339 time');
  return ms;
}

function asObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw invalidArgument(path, 'must be a JSON object');
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asString(value: unknown, path: string): string {
  if (typeof value !== 'string') throw invalidArgument(path, 'must be a string');
  return value;
}
