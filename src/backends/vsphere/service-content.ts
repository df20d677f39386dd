/** Where a vSphere server keeps what, and who it is. */
import type { XmlElement } from '#kernel/xml.ts';
import { expectReference, readReference, type ManagedObject } from './managed-object.ts';

export interface ServiceContent {
  readonly rootFolder: ManagedObject;
  readonly propertyCollector: ManagedObject;
  readonly viewManager: ManagedObject;
  readonly sessionManager: ManagedObject;
  readonly searchIndex: ManagedObject;
  readonly authorizationManager: ManagedObject | undefined;
  /** Such as `VMware vCenter Server 8.0.2 build-22617221`. */
  readonly product: string;
  /** True for an ESXi host that is asked itself. */
  readonly isHost: boolean;
}

export function readServiceContent(response: XmlElement): ServiceContent {
  const content = response.child('returnval');
  const about = content?.child('about');
  return {
    rootFolder: expectReference(content?.child('rootFolder'), 'rootFolder'),
    propertyCollector: expectReference(content?.child('propertyCollector'), 'propertyCollector'),
    viewManager: expectReference(content?.child('viewManager'), 'viewManager'),
    sessionManager: expectReference(content?.child('sessionManager'), 'sessionManager'),
    searchIndex: expectReference(content?.child('searchIndex'), 'searchIndex'),
    authorizationManager: readReference(content?.child('authorizationManager')),
    product: about?.textOf('fullName') ?? about?.textOf('name') ?? 'vSphere',
    isHost: about?.textOf('apiType') === 'HostAgent',
  };
}
