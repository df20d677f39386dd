/** Which of the privileges that a migration needs the user lacks, before anything is begun. */
import type { PrivilegeNeeds, Transport } from '#transfers/source.ts';
import { xmlNode } from '#kernel/xml-writer.ts';
import type { XmlElement } from '#kernel/xml.ts';
import { operation, readReference, reference, type ManagedObject } from './managed-object.ts';
import { retrieveOne } from './property-collector.ts';
import type { VSphereSession } from './session.ts';
import { isFault } from './vsphere-fault.ts';

/** docs/vsphere.md says what each is for. */
const NEEDED_TO_READ: Readonly<Record<Transport, Needed>> = {
  nfc: { ofVm: ['VApp.Export'], ofDatastores: [] },
  datastore: { ofVm: [], ofDatastores: ['Datastore.Browse'] },
  vddk: { ofVm: ['VirtualMachine.Provisioning.DiskRandomRead'], ofDatastores: [] },
  file: { ofVm: [], ofDatastores: [] },
};

interface Needed {
  readonly ofVm: readonly string[];
  readonly ofDatastores: readonly string[];
}

/** Undefined when the server cannot tell. */
export async function missingPrivileges(
  session: VSphereSession,
  vm: ManagedObject,
  needs: PrivilegeNeeds,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  try {
    const { user, content } = session;
    const authority = content.authorizationManager;
    if (authority === undefined || user === undefined) return undefined;
    const { ofVm, ofDatastores } = privilegesFor(needs);
    const ask = async (entities: readonly ManagedObject[], needed: readonly string[]) => {
      if (entities.length === 0 || needed.length === 0) return [];
      const question: Question = { session, entities, needed, authority, user, signal };
      return (await askBySession(question)) ?? (await askByName(question));
    };
    const atVm = await ask([vm], ofVm);
    const datastores = ofDatastores.length === 0 ? [] : await datastoresOf(session, vm, signal);
    const atDatastores = await ask(datastores, ofDatastores);
    return atVm === undefined || atDatastores === undefined
      ? undefined
      : [...atVm, ...atDatastores];
  } catch (thrown) {
    if (isFault(thrown, 'MethodNotFound', 'NotImplemented', 'NotSupported')) return undefined;
    throw thrown;
  }
}

function privilegesFor({ transport, stopsVm, removesCdroms }: PrivilegeNeeds): Needed {
  const read = transport === undefined ? undefined : NEEDED_TO_READ[transport];
  return {
    ofVm: [
      'System.Read',
      ...(read?.ofVm ?? []),
      ...(stopsVm ? ['VirtualMachine.Interact.PowerOff'] : []),
      ...(removesCdroms ? ['VirtualMachine.Config.EditDevice'] : []),
    ],
    ofDatastores: read?.ofDatastores ?? [],
  };
}

async function datastoresOf(
  session: VSphereSession,
  vm: ManagedObject,
  signal: AbortSignal,
): Promise<readonly ManagedObject[]> {
  const bag = await session.withinOneLogin(
    async (caller) => await retrieveOne(caller, vm, ['datastore'], signal),
    signal,
  );
  return (bag?.element('datastore')?.children ?? [])
    .map(readReference)
    .filter((one) => one !== undefined);
}

interface Question {
  readonly session: VSphereSession;
  readonly entities: readonly ManagedObject[];
  readonly needed: readonly string[];
  readonly authority: ManagedObject;
  readonly user: NonNullable<VSphereSession['user']>;
  readonly signal: AbortSignal;
}

type Missing = Promise<readonly string[] | undefined>;

async function askBySession(question: Question): Missing {
  const { session, entities, needed, authority, user, signal } = question;
  const ask = operation(
    'HasPrivilegeOnEntities',
    authority,
    ...entities.map((each) => reference('entity', each)),
    xmlNode('sessionId', {}, user.sessionKey),
    ...needed.map((name) => xmlNode('privId', {}, name)),
  );
  try {
    const answers = (await session.read(ask, signal)).childrenNamed('returnval');
    if (answers.length === 0) return undefined;
    const isGranted = (answer: XmlElement, name: string) =>
      answer
        .childrenNamed('privAvailability')
        .some((one) => one.textOf('privId') === name && one.textOf('isGranted') === 'true');
    return needed.filter((name) => !answers.every((answer) => isGranted(answer, name)));
  } catch (thrown) {
    // Older servers have only the question by name, and to ask about a session needs a right.
    if (isFault(thrown, 'MethodNotFound', 'NotImplemented', 'NoPermission')) return undefined;
    throw thrown;
  }
}

async function askByName(question: Question): Missing {
  const { session, entities, needed, authority, user, signal } = question;
  const ask = operation(
    'FetchUserPrivilegeOnEntities',
    authority,
    ...entities.map((each) => reference('entities', each)),
    xmlNode('userName', {}, user.userName),
  );
  const answers = (await session.read(ask, signal)).childrenNamed('returnval');
  if (answers.length === 0) return undefined;
  const isHeld = (answer: XmlElement, name: string) =>
    answer.childrenNamed('privileges').some((one) => one.text === name);
  return needed.filter((name) => !answers.every((answer) => isHeld(answer, name)));
}
