/** One more of those who share the bandwidth, held to what its job may have at the moment. */
import { bandwidthLimitOf } from './parse-controls.ts';
import type { Share } from './bandwidth-share.ts';
import type { RunParts } from './migration-run.ts';

interface JobShare extends Share {
  /** Takes in what was said of the job since. */
  obey(): void;
}

export function joinBandwidth({
  bandwidth,
  context,
}: Pick<RunParts, 'bandwidth' | 'context'>): JobShare {
  const { id, spec } = context.job;
  const obey = () => {
    const controls = context.controls();
    bandwidth.setJobLimit(id, bandwidthLimitOf({ spec, controls }));
  };
  obey();
  const share = bandwidth.join(id);
  return { pace: share.pace, obey, [Symbol.dispose]: () => share[Symbol.dispose]() };
}
