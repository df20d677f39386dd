/** A named way to a source, so that requests need hold no password. */
import type { HttpTrust } from '#kernel/http-trust.ts';
import type { Source } from './source.ts';

export interface SourceAddress {
  readonly kind: 'vsphere';
  /** `https://HOST[:PORT]/sdk`. */
  readonly url: string;
  readonly username: string;
  readonly datacenter: string | undefined;
  readonly trust: HttpTrust;
}

/** With what it takes to log in: only ever in memory. */
export interface SourceLogin extends SourceAddress {
  readonly password: string;
}

export interface Connection extends SourceAddress {
  readonly name: string;
  readonly sealedPassword: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Opens files here as a source: a folder with images in it, or one of them; undefined: all. */
export interface FileSourceOpener {
  open(path: string | undefined, signal: AbortSignal): Promise<Source>;
}

/** Opens sources; a backend implements it. */
export interface SourceOpener {
  open(login: SourceLogin, signal: AbortSignal): Promise<Source>;
}
