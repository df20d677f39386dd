/**
 * What makes a request certain to fail, as far as that shows at once: only this host's settings
 * and its database are asked. What can be otherwise when the job runs is for the preflight.
 */
import type { JobRequest } from '#jobs/job.ts';
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import { assertNamedWithin } from './allowed-directories.ts';
import type { ConnectionService } from './connection-service.ts';
import { readSpec, type DestinationSpec, type SourceSpec } from './migration-spec.ts';
import { refuseDefault } from './source-resolver.ts';

export interface SubmitCheckParts {
  /** That jobs may use. */
  readonly directories: readonly string[];
  readonly connections: Pick<ConnectionService, 'get'>;
  /** Whether there is a source where nobody names one. */
  readonly hasDefaultSource: () => boolean;
}

/** Throws what the job would fail with, and names the field. */
export async function checkSubmission(
  parts: SubmitCheckParts,
  request: Pick<JobRequest, 'spec'>,
): Promise<void> {
  const { source, destination } = readSpec(request);
  checkDestination(parts, destination);
  await checkSource(parts, source);
}

async function checkSource(
  { directories: allowed, connections, hasDefaultSource }: SubmitCheckParts,
  source: SourceSpec,
): Promise<void> {
  switch (source.kind) {
    case 'file':
      if (source.path === undefined) return;
      return assertNamedWithin(source.path, { allowed, field: 'source.path' });
    case 'default':
      if (!hasDefaultSource()) refuseDefault();
      return;
    case 'vsphere': {
      if (source.connection !== undefined) await assertConnection(connections, source.connection);
    }
  }
}

async function assertConnection(
  connections: SubmitCheckParts['connections'],
  name: string,
): Promise<void> {
  try {
    await connections.get(name);
  } catch (cause) {
    if (!isErrorKind(cause, 'not_found')) throw cause;
    throw new DroverError('invalid_argument', `source.connection: there is none called ${name}`, {
      ...{ reason: 'CONNECTION_NOT_FOUND', metadata: { field: 'source.connection' }, cause },
    });
  }
}

function checkDestination(
  { directories: allowed }: SubmitCheckParts,
  destination: DestinationSpec,
): void {
  if (destination.kind === 'drover' || destination.directory === undefined) return;
  assertNamedWithin(destination.directory, { allowed, field: 'destination.directory' });
}
