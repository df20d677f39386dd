/** States of a VM that is running, and which blocks of a disk changed between two of them. */
import { xmlNode } from '#kernel/xml-writer.ts';
import type { ChangedArea, Snapshots } from '#transfers/source.ts';
import {
  expectReference,
  operation,
  readNumber,
  reference,
  unexpectedAnswer,
  type ManagedObject,
} from './managed-object.ts';
import type { VSphereSession } from './session.ts';
import { runTask } from './tasks.ts';

/** More areas than this and reading everything is quicker than asking on. */
const MOST_AREAS = 1_000_000;
const MOST_QUESTIONS = 100_000;

export class VSphereSnapshots implements Snapshots {
  readonly #session: VSphereSession;

  constructor(session: VSphereSession) {
    this.#session = session;
  }

  /** Without the guest's memory, and without stopping its file systems. */
  async create(ref: string, name: string, signal: AbortSignal): Promise<string> {
    const node = operation(
      'CreateSnapshot_Task',
      vmOf(ref),
      xmlNode('name', {}, name),
      xmlNode('description', {}, 'made by Drover for a migration'),
      xmlNode('memory', {}, false),
      xmlNode('quiesce', {}, false),
    );
    return expectReference(await runTask(this.#session, node, signal), 'the snapshot').id;
  }

  async remove(snapshotRef: string, signal: AbortSignal): Promise<void> {
    const node = operation(
      'RemoveSnapshot_Task',
      { type: 'VirtualMachineSnapshot', id: snapshotRef },
      xmlNode('removeChildren', {}, false),
      xmlNode('consolidate', {}, true),
    );
    await runTask(this.#session, node, signal);
  }

  async changedAreas(
    { vmRef, snapshotRef, disk, changeId }: Parameters<Snapshots['changedAreas']>[0],
    signal: AbortSignal,
  ): Promise<readonly ChangedArea[]> {
    const { key, capacityBytes } = disk;
    const query = { vm: vmOf(vmRef), snapshotRef, key, capacityBytes, changeId };
    return await queryChangedAreas(this.#session, query, signal);
  }
}

export interface AreaQuery {
  readonly vm: ManagedObject;
  /** Undefined: as the disk is now, of a VM that is off. */
  readonly snapshotRef: string | undefined;
  readonly key: string;
  readonly capacityBytes: number;
  readonly changeId: string;
}

/** Ascending, none touching the next. The server tells a stretch at a time. */
export async function queryChangedAreas(
  session: VSphereSession,
  query: AreaQuery,
  signal: AbortSignal,
): Promise<readonly ChangedArea[]> {
  const areas: ChangedArea[] = [];
  let offset = 0;
  // To ask at or behind the end is refused, so the last stretch must be known as the last.
  for (let asked = 0; offset < query.capacityBytes; asked += 1) {
    if (asked >= MOST_QUESTIONS) throw unexpectedAnswer('changed areas come in too many parts');
    offset = await askFrom(session, query, { offset, areas }, signal);
  }
  return areas;
}

async function askFrom(
  session: VSphereSession,
  { vm, snapshotRef, key, capacityBytes, changeId }: AreaQuery,
  { offset, areas }: { readonly offset: number; readonly areas: ChangedArea[] },
  signal: AbortSignal,
): Promise<number> {
  const snapshot =
    snapshotRef === undefined
      ? undefined
      : reference('snapshot', { type: 'VirtualMachineSnapshot', id: snapshotRef });
  const ask = operation(
    'QueryChangedDiskAreas',
    vm,
    snapshot,
    xmlNode('deviceKey', {}, key),
    xmlNode('startOffset', {}, offset),
    xmlNode('changeId', {}, changeId),
  );
  const answer = (await session.read(ask, signal)).child('returnval');
  const start = readNumber(answer?.textOf('startOffset'));
  const length = readNumber(answer?.textOf('length'));
  if (start === undefined || length === undefined || start + length <= offset) {
    throw unexpectedAnswer('changed areas do not get on');
  }
  const end = Math.min(start + length, capacityBytes);
  for (const element of answer?.childrenNamed('changedArea') ?? []) {
    const from = readNumber(element.textOf('start'));
    const bytes = readNumber(element.textOf('length'));
    if (from === undefined || bytes === undefined) throw unexpectedAnswer('an area has no place');
    addArea(areas, from, Math.min(from + bytes, capacityBytes));
  }
  return end;
}

/** What was told of already, or lies behind the end, is left out. */
function addArea(areas: ChangedArea[], start: number, to: number): void {
  const last = areas.at(-1);
  const lastEnd = last === undefined ? 0 : last.offset + last.length;
  const from = Math.max(start, lastEnd);
  if (to <= from) return;
  if (last !== undefined && from === lastEnd) {
    areas[areas.length - 1] = { offset: last.offset, length: to - last.offset };
    return;
  }
  if (areas.length >= MOST_AREAS) throw unexpectedAnswer(`more than ${MOST_AREAS} changed areas`);
  areas.push({ offset: from, length: to - from });
}

function vmOf(id: string): ManagedObject {
  return { type: 'VirtualMachine', id };
}
