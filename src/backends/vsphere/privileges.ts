/** Which of the privileges that a migration needs the user lacks, before anything is begun. */
import { xmlNode } from '#kernel/xml-writer.ts';
import { operation, reference, type ManagedObject } from './managed-object.ts';
import type { VSphereSession } from './session.ts';
import { isFault } from './vsphere-fault.ts';

/** docs/vsphere.md says what each is for. */
const NEEDED: readonly string[] = [
  'System.Read',
  'VApp.Export',
  'VirtualMachine.Interact.PowerOff',
];

/** Undefined when the server cannot tell. */
export async function missingPrivileges(
  session: VSphereSession,
  vm: ManagedObject,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  try {
    const { user, content } = session;
    const authority = content.authorizationManager;
    if (authority === undefined || user === undefined) return undefined;
    const question: Question = { session, vm, authority, user, signal };
    return (await askBySession(question)) ?? (await askByName(question));
  } catch (thrown) {
    if (isFault(thrown, 'MethodNotFound', 'NotImplemented', 'NotSupported')) return undefined;
    throw thrown;
  }
}

interface Question {
  readonly session: VSphereSession;
  readonly vm: ManagedObject;
  readonly authority: ManagedObject;
  readonly user: NonNullable<VSphereSession['user']>;
  readonly signal: AbortSignal;
}

type Missing = Promise<readonly string[] | undefined>;

async function askBySession({ session, vm, authority, user, signal }: Question): Missing {
  const ask = operation(
    'HasPrivilegeOnEntities',
    authority,
    reference('entity', vm),
    xmlNode('sessionId', {}, user.sessionKey),
    ...NEEDED.map((name) => xmlNode('privId', {}, name)),
  );
  try {
    const answer = (await session.read(ask, signal)).child('returnval');
    if (answer === undefined) return undefined;
    const states = answer.childrenNamed('privAvailability');
    const isGranted = (name: string) =>
      states.some((one) => one.textOf('privId') === name && one.textOf('isGranted') === 'true');
    return NEEDED.filter((name) => !isGranted(name));
  } catch (thrown) {
    // Older servers have only the question by name, and to ask about a session needs a right.
    if (isFault(thrown, 'MethodNotFound', 'NotImplemented', 'NoPermission')) return undefined;
    throw thrown;
  }
}

async function askByName({ session, vm, authority, user, signal }: Question): Missing {
  const ask = operation(
    'FetchUserPrivilegeOnEntities',
    authority,
    reference('entities', vm),
    xmlNode('userName', {}, user.userName),
  );
  const answer = (await session.read(ask, signal)).child('returnval');
  if (answer === undefined) return undefined;
  const held = answer.childrenNamed('privileges').map((one) => one.text);
  return NEEDED.filter((name) => !held.includes(name));
}
