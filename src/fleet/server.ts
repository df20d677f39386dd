/** A server that is watched: what it is called, what it is for, and where its numbers come from. */
import type { HttpTrust } from '#kernel/http-trust.ts';
import type { ServerId } from '#kernel/ids.ts';

/** Of the three views that the fleet's API has by name; `any` is in none of them by its role. */
export const SERVER_ROLES = ['ai', 'app', 'storage', 'any'] as const;
export type ServerRole = (typeof SERVER_ROLES)[number];

interface HttpSource {
  /** Without credentials, query and trailing slash. */
  readonly url: string;
  readonly trust: HttpTrust;
  /** `Bearer` or `Basic` for exporters, the API token of Proxmox, the key of Qdrant; sealed. */
  readonly sealedSecret: string | undefined;
}

export type SourceSpec =
  /** This process: what it measures of its own host, and the machines that run here. */
  | { readonly kind: 'local' }
  /** Text as Prometheus scrapes it: a Drover agent, a node_exporter, an exporter of GPUs. */
  | ({ readonly kind: 'exporter' } & HttpSource)
  /** A Prometheus that scrapes the server under this label, with or without a port. */
  | ({ readonly kind: 'prometheus'; readonly instance: string } & HttpSource)
  /** One node of a Proxmox VE cluster; undefined: the one that answers. */
  | ({ readonly kind: 'proxmox'; readonly node: string | undefined } & HttpSource)
  | ({ readonly kind: 'qdrant' } & HttpSource);

export type SourceKind = SourceSpec['kind'];

export const SOURCE_KINDS: readonly SourceKind[] = [
  ...(['local', 'exporter', 'prometheus', 'proxmox', 'qdrant'] as const),
];

export interface WatchedServer {
  readonly id: ServerId;
  readonly name: string;
  /** A server may have several; the contract's `ai-server` is the first one with that role. */
  readonly roles: readonly ServerRole[];
  readonly sources: readonly SourceSpec[];
  /** `builtin` is this host where nothing is configured; only `api` ones can be changed. */
  readonly origin: 'builtin' | 'config' | 'api';
}
