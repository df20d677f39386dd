/** Says that the server is away, how old what one sees is, and when it is tried again. */
import { connectivity } from '#web/api/connectivity.ts';
import { useStore } from '#web/api/store.ts';
import { Button } from '#web/components/Button.tsx';
import { Icon } from '#web/components/Icon.tsx';
import { relativeTime } from '#web/format/times.ts';
import { TEXT } from '#web/text/en.ts';
import { useNow } from './use-now.ts';

export function OfflineBanner() {
  const { isOnline } = useStore(connectivity.store);
  return <div role="status">{!isOnline && <Offline />}</div>;
}

function Offline() {
  const { answeredAt, nextTryAt } = useStore(connectivity.store);
  const nowMs = useNow();
  const age =
    answeredAt === undefined
      ? TEXT.offline.never
      : TEXT.offline.age(relativeTime(answeredAt, nowMs));
  const next =
    nextTryAt === undefined
      ? TEXT.offline.trying
      : TEXT.offline.next(relativeTime(nextTryAt, nowMs));
  return (
    <div className="banner">
      <Icon name="offline" />
      <strong>{TEXT.offline.title}</strong>
      <span>{age}</span>
      {/* What changes each second is not for reading aloud. */}
      <span className="grow" aria-hidden="true">
        {next}
      </span>
      <Button size="small" onClick={() => connectivity.tryNow()}>
        {TEXT.offline.now}
      </Button>
    </div>
  );
}
