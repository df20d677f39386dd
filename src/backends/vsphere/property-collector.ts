/**
 * Reads properties of many objects at once, page by page, and waits for those of one to change.
 * Pages are parsed as they come, so no answer takes the event loop for long.
 */
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import { xmlNode, type XmlContent, type XmlNode } from '#kernel/xml-writer.ts';
import type { XmlElement } from '#kernel/xml.ts';
import {
  expectReference,
  operation,
  readNumber,
  readReference,
  reference,
  typedNode,
  unexpectedAnswer,
  type ManagedObject,
} from './managed-object.ts';
import type { VSphereCaller, VSphereSession } from './session.ts';

const OBJECTS_PER_PAGE = 500;
const MOST_PAGES = 2000;
/** How long a server holds an answer back at most while nothing changes. */
const MOST_WAIT_SECONDS = 16;
const WAIT_GRACE_MS = 30 * SECOND_MS;

/** Which properties of which types. */
export interface PropertySet {
  readonly type: string;
  readonly paths: readonly string[];
}

/** What one object is known by. A property that is unset, or not to be seen, is not there. */
export class PropertyBag {
  readonly object: ManagedObject;
  readonly #values: ReadonlyMap<string, XmlElement>;

  constructor(object: ManagedObject, values: ReadonlyMap<string, XmlElement>) {
    this.object = object;
    this.#values = values;
  }

  element(path: string): XmlElement | undefined {
    return this.#values.get(path);
  }

  text(path: string): string | undefined {
    const text = this.#values.get(path)?.text;
    return text === '' ? undefined : text;
  }

  number(path: string): number | undefined {
    return readNumber(this.text(path));
  }

  boolean(path: string): boolean | undefined {
    const text = this.text(path);
    return text === undefined ? undefined : text === 'true';
  }

  reference(path: string): ManagedObject | undefined {
    return readReference(this.#values.get(path));
  }
}

/** Where a collector starts: one object, and what it selects from there. */
export interface Selection {
  readonly object: ManagedObject;
  /** True where only what is reached from it is wanted. */
  readonly isSkipped?: boolean;
  readonly traversals?: readonly XmlNode[];
}

/** From objects of a type by one of their properties to others. */
export function traversal(
  name: string,
  step: { readonly type: string; readonly path: string },
  ...next: readonly XmlNode[]
): XmlNode {
  return typedNode(
    'selectSet',
    'TraversalSpec',
    xmlNode('name', {}, name),
    xmlNode('type', {}, step.type),
    xmlNode('path', {}, step.path),
    xmlNode('skip', {}, false),
    ...next,
  );
}

/** Goes on with a traversal that has the name. */
export function selectAgain(name: string): XmlNode {
  return xmlNode('selectSet', {}, xmlNode('name', {}, name));
}

/** Must run within one login: the pages after the first are asked for by a token of it. */
export async function* retrievePages(
  caller: VSphereCaller,
  from: readonly Selection[],
  sets: readonly PropertySet[],
  signal: AbortSignal,
): AsyncGenerator<readonly PropertyBag[]> {
  const { propertyCollector } = caller.content;
  const first = operation(
    'RetrievePropertiesEx',
    propertyCollector,
    xmlNode('specSet', {}, ...sets.map(toPropertySet), ...from.map(toObjectSet)),
    xmlNode('options', {}, xmlNode('maxObjects', {}, OBJECTS_PER_PAGE)),
  );
  let answer = (await caller.read(first, signal)).child('returnval');
  for (let page = 1; ; page += 1) {
    // Servers answer nothing at all when nothing was found.
    yield (answer?.childrenNamed('objects') ?? []).map(readObject);
    const token = answer?.textOf('token');
    if (token === undefined || token === '') return;
    if (page >= MOST_PAGES) throw unexpectedAnswer(`the list has more than ${MOST_PAGES} pages`);
    // A token is good for one page; which one was sent when the answer is lost nobody knows.
    const next = xmlNode('token', {}, token);
    const more = operation('ContinueRetrievePropertiesEx', propertyCollector, next);
    answer = (await caller.step(more, signal)).child('returnval');
  }
}

/** Undefined when the object is not there any more. */
export async function retrieveOne(
  caller: VSphereCaller,
  object: ManagedObject,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<PropertyBag | undefined> {
  for await (const page of retrievePages(
    caller,
    [{ object }],
    [{ type: object.type, paths }],
    signal,
  )) {
    if (page[0] !== undefined) return page[0];
  }
  return undefined;
}

/**
 * The first state of the object that `isDone` accepts; it may throw. The server's wait is only a
 * bell: what counts is read after it, and after a while without it, because servers that fail over
 * forget to ring.
 */
export async function watchProperties(
  session: VSphereSession,
  watched: { readonly object: ManagedObject; readonly paths: readonly string[] },
  isDone: (properties: PropertyBag) => boolean,
  signal: AbortSignal,
): Promise<PropertyBag> {
  const { object, paths } = watched;
  const look = async (caller: VSphereCaller) => {
    const found = await retrieveOne(caller, object, paths, signal);
    if (found === undefined) throw gone(object);
    return isDone(found) ? found : undefined;
  };
  return await session.withinOneLogin(async (caller) => {
    const already = await look(caller);
    if (already !== undefined) return already;
    // One collector can wait for one thing at a time, so this has its own.
    const create = operation('CreatePropertyCollector', caller.content.propertyCollector);
    const created = await caller.read(create, signal);
    const collector = expectReference(created.child('returnval'), 'the collector');
    try {
      const spec = [toPropertySet({ type: object.type, paths }), toObjectSet({ object })];
      const isPartial = xmlNode('partialUpdates', {}, false);
      const filter = operation('CreateFilter', collector, xmlNode('spec', {}, ...spec), isPartial);
      await caller.read(filter, signal);
      let version = '';
      for (let waits = 0; ; waits += 1) {
        const seconds = Math.min(MOST_WAIT_SECONDS, 2 ** waits);
        version = await waitForBell(caller, collector, { version, seconds }, signal);
        const found = await look(caller);
        if (found !== undefined) return found;
      }
    } finally {
      const destroy = operation('DestroyPropertyCollector', collector);
      void session.afterwards('destroy a collector', (late) => session.read(destroy, late));
    }
  }, signal);
}

/** Returns when something changed, or after the seconds; the first time at once. */
async function waitForBell(
  caller: VSphereCaller,
  collector: ManagedObject,
  { version, seconds }: { readonly version: string; readonly seconds: number },
  signal: AbortSignal,
): Promise<string> {
  const wait = operation(
    'WaitForUpdatesEx',
    collector,
    xmlNode('version', {}, version),
    xmlNode('options', {}, xmlNode('maxWaitSeconds', {}, seconds)),
  );
  const timeoutMs = seconds * SECOND_MS + WAIT_GRACE_MS;
  const answer = await caller.read(wait, signal, timeoutMs);
  return answer.child('returnval')?.textOf('version') ?? version;
}

function gone({ type, id }: ManagedObject): DroverError {
  return new DroverError('not_found', `vSphere does not know the ${type} ${id} any more`, {
    reason: 'VSPHERE_OBJECT_GONE',
  });
}

function toPropertySet({ type, paths }: PropertySet): XmlNode {
  const pathSets = paths.map((path): XmlContent => xmlNode('pathSet', {}, path));
  return xmlNode('propSet', {}, xmlNode('type', {}, type), ...pathSets);
}

function toObjectSet({ object, isSkipped = false, traversals = [] }: Selection): XmlNode {
  const obj = reference('obj', object);
  return xmlNode('objectSet', {}, obj, xmlNode('skip', {}, isSkipped), ...traversals);
}

function readObject(element: XmlElement): PropertyBag {
  const values = new Map<string, XmlElement>();
  for (const property of element.childrenNamed('propSet')) {
    const name = property.textOf('name');
    const value = property.child('val');
    if (name !== undefined && value !== undefined) values.set(name, value);
  }
  return new PropertyBag(expectReference(element.child('obj'), 'an object'), values);
}
