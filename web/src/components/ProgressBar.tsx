/** How far a piece of work is, how fast it goes, and how long it still takes. */
import { isKnown, percent, quantityToText, shareOf, type Known } from '#web/format/numbers.ts';
import { bytes, bytesPerSecond } from '#web/format/numbers.ts';
import { duration } from '#web/format/times.ts';
import { TEXT } from '#web/text/en.ts';

export interface ProgressBarProps {
  readonly label: string;
  readonly doneBytes: Known;
  readonly totalBytes: Known;
  readonly bytesPerS?: Known;
  /** It does not move any more, and why: the bar keeps its place. */
  readonly state?: 'running' | 'done' | 'failed' | 'waiting';
}

export function ProgressBar(props: ProgressBarProps) {
  const { label, doneBytes, totalBytes, bytesPerS, state = 'running' } = props;
  const share = state === 'done' ? 100 : shareOf(doneBytes, totalBytes);
  const left =
    state === 'running' && isKnown(bytesPerS) && bytesPerS > 0
      ? ((totalBytes ?? 0) - (doneBytes ?? 0)) / bytesPerS
      : null;
  const amounts = TEXT.progress.of(
    quantityToText(bytes(doneBytes)),
    quantityToText(bytes(totalBytes)),
  );
  return (
    <div className="progress" data-state={state}>
      <svg
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={share === null ? undefined : Math.floor(share)}
        viewBox="0 0 100 4"
        preserveAspectRatio="none"
      >
        <rect className="meter-rest" width="100" height="4" />
        <rect className="meter-part" width={share ?? 0} height="4" />
      </svg>
      <div className="progress-facts num">
        <span>{quantityToText(percent(share))}</span>
        <span>{amounts}</span>
        {state === 'running' && isKnown(bytesPerS) && (
          <span>{quantityToText(bytesPerSecond(bytesPerS))}</span>
        )}
        {left !== null && left > 0 && <span>{TEXT.progress.left(duration(left))}</span>}
      </div>
    </div>
  );
}
