/**
 * Nodes of one Proxmox VE cluster. One answer of the cluster has most of all nodes; each node adds
 * what only it knows, if it answers soon enough: one that hangs costs the others nothing but its
 * own wait, and that once a minute.
 *
 * A cluster leaves out of its answer what a token may not see, as if it were not there. So what the
 * token may do is asked as well, and who may see no guests is shown none and told why.
 */
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import type { ServerId } from '#kernel/ids.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import type { SourceSpec } from '#fleet/server.ts';
import type { FeedReading, SourceFeed } from '#fleet/source-feed.ts';
import { listOf, objectOf, textOf, type AnswerObject } from './answer-values.ts';
import { isForbidden, ProxmoxClient } from './proxmox-client.ts';
import { ProxmoxGuestDisks } from './proxmox-guest-disks.ts';
import { isHidden, missingOf, proxmoxToReading } from './proxmox-reading.ts';
import { readResources, type ClusterResources, type NodeResource } from './proxmox-resources.ts';

const NODE_DEADLINE_MS = 3 * SECOND_MS;
const SILENT_NODE_MS = MINUTE_MS;
const TOKEN_AGAIN_MS = 10 * MINUTE_MS;

export interface ProxmoxRequest {
  readonly id: ServerId;
  readonly spec: SourceSpec & { readonly kind: 'proxmox' };
}

export interface ProxmoxFeedOptions {
  /** At least one; they differ in id and node alone. */
  readonly requests: readonly [ProxmoxRequest, ...ProxmoxRequest[]];
  readonly secret: string | undefined;
  readonly clock: Clock;
}

export class ProxmoxFeed implements SourceFeed {
  readonly kind = 'proxmox';
  readonly label: string;
  readonly #requests: readonly ProxmoxRequest[];
  readonly #clock: Clock;
  readonly #client: ProxmoxClient;
  readonly #agents: ProxmoxClient;
  readonly #disks: ProxmoxGuestDisks;
  /** Until when a node that did not answer is not asked, and why. */
  readonly #silent = new Map<string, { readonly untilMs: number; readonly why: string }>();
  #about: AboutCluster | undefined;

  constructor({ requests, secret, clock }: ProxmoxFeedOptions) {
    const { url, trust } = requests[0].spec;
    this.label = `proxmox ${url}`;
    this.#requests = requests;
    this.#clock = clock;
    this.#client = new ProxmoxClient({ url, trust, secret });
    this.#agents = new ProxmoxClient({ url, trust, secret });
    this.#disks = new ProxmoxGuestDisks(this.#agents, clock);
  }

  async poll(signal: AbortSignal): Promise<ReadonlyMap<ServerId, FeedReading | Error>> {
    const resources = readResources(await this.#client.get('/cluster/resources', signal));
    const about = await this.#aboutCluster(signal);
    const local = await this.#localNode(resources, signal);
    const wanted = new Set(this.#requests.map(({ spec }) => spec.node ?? local));
    const readings = new Map<string | undefined, FeedReading | Error>();
    const running = resources.guests.filter(
      ({ type, status, node }) => type === 'qemu' && status === 'running' && wanted.has(node),
    );
    this.#disks.follow(running);
    await Promise.all(
      Array.from(wanted, async (name) => {
        readings.set(name, await this.#readNode({ name, resources, about }, signal));
      }),
    );
    return new Map(
      this.#requests.flatMap(({ id, spec }) => {
        const reading = readings.get(spec.node ?? local);
        return reading === undefined ? [] : [[id, reading] as const];
      }),
    );
  }

  /** Resolves when no guest is being asked. */
  async settled(): Promise<void> {
    await this.#disks.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disks[Symbol.asyncDispose]();
    this.#agents[Symbol.dispose]();
    this.#client[Symbol.dispose]();
  }

  async #readNode(
    { name, resources, about }: NodeQuestion,
    signal: AbortSignal,
  ): Promise<FeedReading | Error> {
    if (name === undefined) return new DroverError('unavailable', 'say which node of it this is');
    const node = resources.nodes.get(name);
    if (node === undefined) {
      const known = [...resources.nodes.keys()].slice(0, 10).join(', ');
      return new DroverError('unavailable', `it has no node ${name}, but ${known || 'none'}`);
    }
    if (node.status === 'offline') {
      return new DroverError('unavailable', `its cluster says that node ${name} is offline`);
    }
    const told = await this.#statusOf(node, signal);
    const disksOf = this.#disks.disksOf.bind(this.#disks);
    const answers = { node, resources, disksOf, ...about, ...told };
    const reading = proxmoxToReading(answers);
    const hasNothing = isHidden(answers) && reading.guests === undefined;
    if (!hasNothing || reading.filesystems !== undefined) {
      return { ...reading, missing: missingOf(answers) };
    }
    return new DroverError(
      'unavailable',
      `its token sees nothing of node ${name}; give it the role PVEAuditor on /`,
    );
  }

  /** Without a status where it may not be seen, or where the node does not answer now. */
  async #statusOf(node: NodeResource, signal: AbortSignal): Promise<NodeStatus> {
    const nowMs = this.#clock.monotonicMs();
    const silent = this.#silent.get(node.node);
    if (silent !== undefined && silent.untilMs > nowMs) return { status: undefined, ...silent };
    const path = `/nodes/${encodeURIComponent(node.node)}/status`;
    using deadline = openDeadline(this.#clock, NODE_DEADLINE_MS, `asking ${node.node}`, signal);
    try {
      const status = objectOf(await this.#client.get(path, deadline.signal));
      this.#silent.delete(node.node);
      return { status, why: undefined };
    } catch (thrown) {
      signal.throwIfAborted();
      const why = toDroverError(thrown).message;
      const untilMs = nowMs + SILENT_NODE_MS;
      if (!isForbidden(thrown)) this.#silent.set(node.node, { untilMs, why });
      return { status: undefined, why };
    }
  }

  /** What changes seldom. */
  async #aboutCluster(signal: AbortSignal): Promise<AboutCluster> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#about !== undefined && this.#about.untilMs > nowMs) return this.#about;
    const [version, permissions] = await Promise.all([
      this.#orNothing('/version', signal),
      this.#orNothing('/access/permissions', signal),
    ]);
    this.#about = {
      version: textOf(objectOf(version)['version']),
      rights: permissionsToRights(permissions),
      untilMs: nowMs + TOKEN_AGAIN_MS,
    };
    return this.#about;
  }

  /** The node that answers; asked for only where a server does not say which one it is. */
  async #localNode({ nodes }: ClusterResources, signal: AbortSignal): Promise<string | undefined> {
    if (this.#requests.every(({ spec }) => spec.node !== undefined)) return undefined;
    if (nodes.size === 1) return nodes.keys().next().value;
    const answer = await this.#orNothing('/cluster/status', signal);
    const local = listOf(answer)
      .map(objectOf)
      .find((each) => each['local'] === 1);
    return textOf(local?.['name']);
  }

  async #orNothing(path: string, signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#client.get(path, signal);
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }
}

interface NodeQuestion {
  readonly name: string | undefined;
  readonly resources: ClusterResources;
  readonly about: AboutCluster;
}

interface AboutCluster {
  readonly version: string | undefined;
  /** What the token may do anywhere; undefined where it may not ask. */
  readonly rights: ReadonlySet<string> | undefined;
  readonly untilMs: number;
}

interface NodeStatus {
  readonly status: AnswerObject | undefined;
  /** There is none. */
  readonly why: string | undefined;
}

/** Privileges by path, each with what it is passed on to; where does not matter here. */
function permissionsToRights(answer: unknown): ReadonlySet<string> | undefined {
  if (answer === undefined) return undefined;
  return new Set(Object.values(objectOf(answer)).flatMap((each) => Object.keys(objectOf(each))));
}
