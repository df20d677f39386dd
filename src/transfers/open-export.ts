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
  const { source, vm, context } = query;
  const [first, ...others] = candidates(query);
  if (first === undefined) throw unavailable(query);
  try {
    return await source.openExport(vm, first, context.signal);
  } catch (thrown) {
    const { kind, message } = toDroverError(thrown);
    const [next] = others;
    if (next === undefined || !UNSUITED.includes(kind)) throw thrown;
    context.log('warn', `${first} does not suit this VM, so it goes over ${next}: ${message}`);
    return await source.openExport(vm, next, context.signal);
  }
}

/** Files can be gone on with after a break; a stream is for what the files alone do not tell. */
function candidates({ source, spec, vm, begun }: OpenExportQuery): readonly Transport[] {
  const { transports } = source;
  const { transport } = spec.options;
  if (begun !== undefined) return [begun];
  if (transport !== 'auto') return transports.filter((each) => each === transport);
  const isPlain = vm.powerState === 'poweredOff' && vm.snapshots === 0;
  if (!isPlain || !transports.includes('datastore')) return transports;
  return ['datastore', ...transports.filter((each) => each !== 'datastore')];
}

function unavailable({ source, spec }: OpenExportQuery): DroverError {
  const { transport } = spec.options;
  const choices = source.transports.join(', ');
  const why =
    transport === 'vddk' ? ": it needs VMware's own library, which is not driven from here" : '';
  return new DroverError(
    'failed_precondition',
    `options.conversion_method: ${transport} cannot be used here${why}; there are ${choices}`,
    { reason: 'TRANSPORT_UNAVAILABLE' },
  );
}
