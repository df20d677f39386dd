/** Opens the disks of a VM to be read, in the way that was asked for or in the best there is. */
import type { JobContext } from '#jobs/job-handler.ts';
import { DroverError, toDroverError, type ErrorKind } from '#kernel/errors.ts';
import type { MigrationSpec } from './migration-spec.ts';
import type { SourceVm } from './source-vm.ts';
import type { Export, Source, Transport } from './source.ts';

/** What says that a way does not suit this VM, rather than that the source is in trouble. */
const UNSUITED: readonly ErrorKind[] = ['failed_precondition', 'not_found', 'unimplemented'];

export interface OpenExportQuery {
  readonly source: Source;
  readonly spec: MigrationSpec;
  readonly vm: SourceVm;
  /** What an earlier attempt began with: its halves are of no use to another way. */
  readonly begun: Transport | undefined;
  readonly context: Pick<JobContext, 'log' | 'signal'>;
}

export async function openExport(query: OpenExportQuery): Promise<Export> {
  const { source, vm, spec, context } = query;
  const ways = candidates(query);
  for (const [at, way] of ways.entries()) {
    try {
      return await source.openExport(vm, way, context.signal);
    } catch (thrown) {
      const { kind, message } = toDroverError(thrown);
      const next = ways[at + 1];
      if (next === undefined || !UNSUITED.includes(kind)) throw thrown;
      context.log('warn', `${way} does not suit this VM, so it goes over ${next}: ${message}`);
    }
  }
  throw transportUnavailable(source, spec.options.transport);
}

/** What a job that has not begun would try before all else; undefined: there is none. */
export function firstWay(
  query: Pick<OpenExportQuery, 'source' | 'spec' | 'vm'>,
): Transport | undefined {
  return candidates({ ...query, begun: undefined })[0];
}

/** Files can be gone on with after a break; a stream is for what the files alone do not tell. */
function candidates({
  source,
  spec,
  vm,
  begun,
}: Omit<OpenExportQuery, 'context'>): readonly Transport[] {
  const { transports } = source;
  const { transport } = spec.options;
  if (begun !== undefined) return [begun];
  if (transport !== 'auto') return transports.filter((each) => each === transport);
  const isPlain = vm.powerState === 'poweredOff' && vm.snapshots === 0;
  if (!isPlain || !transports.includes('datastore')) return transports;
  return ['datastore', ...transports.filter((each) => each !== 'datastore')];
}

function transportUnavailable(source: Source, asked: MigrationSpec['options']['transport']) {
  const { message, remedy } = describeObstacle(source, asked);
  return new DroverError('failed_precondition', `${message}: ${remedy}`, {
    reason: 'TRANSPORT_UNAVAILABLE',
  });
}

/** Of a way that the source does not offer. */
export function describeObstacle(
  { transports, obstacles = {} }: Source,
  asked: MigrationSpec['options']['transport'],
): { readonly message: string; readonly remedy: string } {
  const why = asked === 'auto' ? undefined : obstacles[asked];
  return {
    message: `options.conversion_method: ${asked} cannot be used here`,
    remedy: why ?? `use ${transports.join(' or ')}`,
  };
}
