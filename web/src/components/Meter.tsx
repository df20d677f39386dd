/** How much of something is taken, as a bar beside its number. */
import { isKnown, percent, type Known } from '#web/format/numbers.ts';
import { Num } from './Num.tsx';

export interface MeterProps {
  /** What is measured: read aloud. */
  readonly label: string;
  /** From 0 to 100. */
  readonly share: Known;
  /** From where on it is worth a look, and from where on it is trouble. */
  readonly warnAt?: number;
  readonly errorAt?: number;
}

export function Meter({ label, share, warnAt = 85, errorAt = 95 }: MeterProps) {
  if (!isKnown(share)) return <Num of={percent(share)} />;
  const level = share >= errorAt ? 'error' : share >= warnAt ? 'warning' : 'ok';
  const width = Math.min(100, Math.max(0, share));
  return (
    <span className="meter" data-level={level}>
      <svg
        role="meter"
        aria-label={label}
        aria-valuenow={Math.round(share)}
        aria-valuemin={0}
        aria-valuemax={100}
        viewBox="0 0 100 4"
        preserveAspectRatio="none"
      >
        <rect className="meter-rest" width="100" height="4" />
        <rect className="meter-part" width={width} height="4" />
      </svg>
      <Num of={percent(share)} />
    </span>
  );
}
