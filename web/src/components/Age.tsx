/** How long ago something was, or when it will be; the instant itself when pointed at. */
import { useSaid } from '#web/app/use-now.ts';
import { dateTime, relativeTime } from '#web/format/times.ts';
import { isKnown, type Known } from '#web/format/numbers.ts';

export function Age({ at }: { readonly at: Known }) {
  const age = useSaid((nowMs) => relativeTime(at, nowMs));
  if (!isKnown(at)) return <span className="num">{age}</span>;
  return (
    <time className="num" dateTime={new Date(at).toISOString()} title={dateTime(at)}>
      {age}
    </time>
  );
}
