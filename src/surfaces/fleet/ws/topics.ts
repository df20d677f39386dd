/**
 * What can be followed: the overview, the document's three servers by their names, and each server
 * by its id.
 */
import type { ServerSnapshot } from '#fleet/server-snapshot.ts';
import { invalidArgument } from '#kernel/errors.ts';
import { isServerId } from '#kernel/ids.ts';
import type { FleetParts } from '#surfaces/fleet/fleet-parts.ts';
import { NAMED } from '#surfaces/fleet/render/overview.ts';
import { anyToJson } from '#surfaces/fleet/render/views.ts';

type FleetView = Pick<FleetParts['fleet'], 'list' | 'find' | 'withRole'>;

export const OVERVIEW = 'overview';
const MOST_TOPICS = 256;

/** Undefined: whatever there is. */
export type Wish = WishedTopics | undefined;

export interface WishedTopics {
  readonly topics: ReadonlySet<string>;
  /** The same for wishes for the same. */
  readonly text: string;
}

/** The server that a topic is about, if it is about one that is there. */
export function findTopic(fleet: FleetView, topic: string): ServerSnapshot | undefined {
  if (isNamed(topic)) return fleet.withRole(NAMED[topic].role);
  return isServerId(topic) ? fleet.find(topic) : undefined;
}

export function topicToJson(topic: string, snapshot: ServerSnapshot): object {
  return isNamed(topic) ? NAMED[topic].toJson(snapshot) : anyToJson(snapshot);
}

/** For who wishes for nothing special: each server under one name at least. */
export function listTopics(fleet: FleetView): readonly string[] {
  const names = Object.keys(NAMED).filter((name) => findTopic(fleet, name) !== undefined);
  const named = new Set(names.map((name) => findTopic(fleet, name)));
  const others = fleet.list().filter((snapshot) => !named.has(snapshot));
  return [...names, ...others.map(({ server }) => server.id)];
}

/** A server that is not there now may come. */
export function parseWish(field: string, names: readonly string[]): WishedTopics {
  if (names.length > MOST_TOPICS) throw invalidArgument(field, `must be at most ${MOST_TOPICS}`);
  for (const name of names) {
    if (isServerId(name)) continue;
    const known = [OVERVIEW, ...Object.keys(NAMED)].join(', ');
    throw invalidArgument(field, `each must be ${known}, or the id of a server`);
  }
  const topics = new Set(names);
  return { topics, text: [...topics].toSorted().join(' ') };
}

function isNamed(topic: string): topic is keyof typeof NAMED {
  return Object.hasOwn(NAMED, topic);
}
