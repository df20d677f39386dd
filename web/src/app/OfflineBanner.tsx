/** Says that the server is away, how old what one sees is, and when it is tried again. */
import { useEffect } from 'react';
import { connectivity } from '#web/api/connectivity.ts';
import { useStore } from '#web/api/store.ts';
import { Button } from '#web/components/Button.tsx';
import { Icon } from '#web/components/Icon.tsx';
import { addToast } from '#web/components/toast-store.ts';
import { relativeTime } from '#web/format/times.ts';
import { TEXT } from '#web/text/en.ts';
import { useNow } from './use-now.ts';

/** Read aloud is that it is so, once; what changes each second stands beside that. */
export function OfflineBanner() {
  const { isOnline } = useStore(connectivity.store);
  return (
    <section {...(!isOnline && { className: 'banner', 'aria-label': TEXT.offline.label })}>
      <div role="status">
        {!isOnline && (
          <>
            <Icon name="offline" /> <strong>{TEXT.offline.title}</strong>
          </>
        )}
      </div>
      {!isOnline && <Facts />}
    </section>
  );
}

function Facts() {
  const { answeredAt, nextTryAt } = useStore(connectivity.store);
  const nowMs = useNow();
  // It goes when the server answers again, and that is worth a word too.
  useEffect(() => () => addToast({ kind: 'ok', text: TEXT.offline.back }), []);
  const age =
    answeredAt === undefined
      ? TEXT.offline.never
      : TEXT.offline.age(relativeTime(answeredAt, nowMs));
  const next =
    nextTryAt === undefined
      ? TEXT.offline.trying
      : TEXT.offline.next(relativeTime(nextTryAt, nowMs));
  return (
    <>
      <span className="num">{age}</span>
      <span className="grow num">{next}</span>
      <Button size="small" onClick={() => connectivity.tryNow()}>
        {TEXT.offline.now}
      </Button>
    </>
  );
}
