/** What vSphere says when it does not do something, and what that means to whoever asked. */
import { DroverError, type ErrorKind } from '#kernel/errors.ts';
import type { XmlElement } from '#kernel/xml.ts';
import { typeOf } from './managed-object.ts';

const KINDS = {
  // Who may.
  InvalidLogin: 'unauthenticated',
  NotAuthenticated: 'unavailable',
  NoPermission: 'permission_denied',
  RestrictedVersion: 'failed_precondition',
  LicenseRestricted: 'failed_precondition',
  // Which.
  ManagedObjectNotFound: 'not_found',
  NotFound: 'not_found',
  FileNotFound: 'not_found',
  AlreadyExists: 'already_exists',
  DuplicateName: 'already_exists',
  // In what state.
  InvalidPowerState: 'failed_precondition',
  InvalidState: 'failed_precondition',
  VmToolsUpgradeFault: 'failed_precondition',
  ToolsUnavailable: 'failed_precondition',
  NotSupported: 'failed_precondition',
  InvalidVmConfig: 'failed_precondition',
  InvalidDeviceSpec: 'failed_precondition',
  SnapshotFault: 'failed_precondition',
  FileFault: 'failed_precondition',
  CannotAccessFile: 'failed_precondition',
  CannotAccessVmDisk: 'failed_precondition',
  // What another moment may change.
  TaskInProgress: 'aborted',
  ConcurrentAccess: 'aborted',
  ResourceInUse: 'aborted',
  RequestCanceled: 'aborted',
  FileLocked: 'aborted',
  HostNotConnected: 'unavailable',
  HostNotReachable: 'unavailable',
  HostCommunication: 'unavailable',
  SystemError: 'unavailable',
  Timedout: 'deadline_exceeded',
  InsufficientResourcesFault: 'resource_exhausted',
  NoDiskSpace: 'resource_exhausted',
  LimitExceeded: 'resource_exhausted',
  // What was asked.
  InvalidArgument: 'invalid_argument',
  InvalidName: 'invalid_argument',
  InvalidDatastorePath: 'invalid_argument',
  InvalidRequest: 'internal',
  InvalidType: 'internal',
  InvalidProperty: 'internal',
  MethodNotFound: 'unimplemented',
  NotImplemented: 'unimplemented',
} as const satisfies Record<string, ErrorKind>;

/** A fault that is not in the table says that it will not be done as things are. */
const OTHERWISE: ErrorKind = 'failed_precondition';
const MOST_CHARACTERS = 300;

export class VSphereFault extends DroverError {
  /** vSphere's own name of it, such as `InvalidPowerState`. */
  readonly fault: string;

  constructor(fault: string, message: string, metadata: Readonly<Record<string, string>>) {
    const kind = Object.hasOwn(KINDS, fault) ? KINDS[fault as keyof typeof KINDS] : OTHERWISE;
    super(kind, message, { reason: `VSPHERE_${toUpperSnake(fault)}`, metadata });
    this.fault = fault;
  }
}

export function isFault(thrown: unknown, ...faults: readonly string[]): thrown is VSphereFault {
  return thrown instanceof VSphereFault && faults.includes(thrown.fault);
}

/** Of `<soapenv:Fault>`; `asked` is the operation. */
export function readSoapFault(element: XmlElement, asked: string): VSphereFault {
  const detail = element.child('detail')?.children[0];
  const name = detail === undefined ? 'UnknownFault' : faultName(detail);
  return createFault(name, { asked, said: element.textOf('faultstring'), detail });
}

/** Of the error of a task, a lease or a property: a fault with a sentence beside it. */
export function readMethodFault(element: XmlElement | undefined, asked: string): VSphereFault {
  const detail = element?.child('fault');
  const name = detail === undefined ? 'UnknownFault' : faultName(detail);
  return createFault(name, { asked, said: element?.textOf('localizedMessage'), detail });
}

interface FaultParts {
  readonly asked: string;
  readonly said: string | undefined;
  readonly detail: XmlElement | undefined;
}

function createFault(name: string, { asked, said, detail }: FaultParts): VSphereFault {
  const privilege = name === 'NoPermission' ? detail?.textOf('privilegeId') : undefined;
  if (privilege !== undefined) {
    const lacked = shorten(privilege);
    const what = `vSphere does not allow ${asked}: the user lacks the privilege ${lacked}`;
    return new VSphereFault(name, what, { fault: name, privilege: lacked });
  }
  const sentence = shorten(said ?? '');
  const why = sentence === '' ? name : `${sentence.replace(/\.$/, '')} (${name})`;
  return new VSphereFault(name, `vSphere refused ${asked}: ${why}`, { fault: name });
}

/** The class of the value says it; where it has none, the element is named for it. */
function faultName(detail: XmlElement): string {
  const name = typeOf(detail) ?? detail.name.replace(/Fault$/, '');
  return /^[A-Za-z]\w{0,79}$/.test(name) ? name : 'UnknownFault';
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}…` : line;
}

function toUpperSnake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}
