/** Takes a VM down in the way its job allows, and waits until it is off. */
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { RunParts } from './migration-run.ts';
import type { SourceVm } from './source-vm.ts';

const POLL_MS = 2 * SECOND_MS;

export async function stopSource(
  { source, spec, context, clock }: Pick<RunParts, 'source' | 'spec' | 'context' | 'clock'>,
  vm: SourceVm,
): Promise<void> {
  const { signal } = context;
  const { power, shutdownTimeoutMs } = spec.options;
  if (power === 'power-off') {
    context.log('warn', `powering ${vm.name} off`);
    await source.powerOff(vm.ref, signal);
    return;
  }
  context.log('info', `asking the guest of ${vm.name} to shut down`);
  await source.shutDownGuest(vm.ref, signal);
  const deadline = clock.monotonicMs() + shutdownTimeoutMs;
  for (;;) {
    const { powerState } = await source.findVm(spec.vmPath, signal);
    if (powerState === 'poweredOff') return;
    if (clock.monotonicMs() >= deadline) {
      throw new DroverError(
        'failed_precondition',
        `${vm.name} did not shut down within ${shutdownTimeoutMs / SECOND_MS} s; it still runs`,
        { reason: 'SHUTDOWN_TIMEOUT' },
      );
    }
    await clock.sleep(POLL_MS, signal);
  }
}
