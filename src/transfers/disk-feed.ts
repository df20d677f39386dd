/**
 * Where the bytes of one disk are to be had, as plain data: a feed travels to the thread that
 * reads it. It may hold a cookie, so it is never stored, logged or shown.
 */
import type { HttpTrust } from '#kernel/http-trust.ts';

export interface HttpPlace {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly trust: HttpTrust;
}

export type DiskFeed =
  /** A stream-optimized VMDK that comes once, from its beginning. */
  | { readonly kind: 'stream'; readonly place: HttpPlace; readonly expectedBytes?: number }
  /** A flat extent on a datastore that answers ranges: a copy can go on inside it. */
  | {
      readonly kind: 'ranges';
      readonly place: HttpPlace;
      readonly capacityBytes: number;
      readonly connections: number;
      /** What is allocated, in ascending order, where the source can say; absent: all of it. */
      readonly allocated?: readonly { readonly offset: number; readonly length: number }[];
    }
  /** What an NBD server on this host gives over a socket: a copy can go on inside it. */
  | {
      readonly kind: 'nbd';
      readonly socketPath: string;
      readonly exportName: string;
      readonly capacityBytes: number;
      /** Names what it holds. */
      readonly state: string;
    }
  /** An image in a file here, or in a part of one: of an OVA. Links are not followed. */
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly part?: { readonly offset: number; readonly length: number };
    };
