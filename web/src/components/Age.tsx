/** How long ago something was, or when it will be; the instant itself when pointed at. */
import { useNow } from '#web/app/use-now.ts';
import { dateTime, relativeTime } from '#web/format/times.ts';
import { isKnown, type Known } from '#web/format/numbers.ts';

export function Age({ at }: { readonly at: Known }) {
  const nowMs = useNow();
  if (!isKnown(at)) return <span className="num">{relativeTime(at, nowMs)}</span>;
  return (
    <time className="num" dateTime={new Date(at).toISOString()} title={dateTime(at)}>
      {relativeTime(at, nowMs)}
    </time>
  );
}
