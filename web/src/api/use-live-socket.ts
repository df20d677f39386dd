/** A live connection for as long as a component shows what comes over it. */
import { useEffect, useEffectEvent, useState } from 'react';
import { LiveSocket, type LiveState } from './live-socket.ts';
import { Store, useStore } from './store.ts';

export interface UseLiveSocketOptions {
  readonly path: string;
  readonly onMessage: (message: unknown) => void;
  readonly greeting?: () => unknown;
}

/** Opened anew when the path is another; the latest `onMessage` is the one that is called. */
export function useLiveSocket({ path, onMessage, greeting }: UseLiveSocketOptions): LiveState {
  const told = useEffectEvent(onMessage);
  const greet = useEffectEvent(() => greeting?.());
  const [state] = useState(() => new Store<LiveState>({ kind: 'closed' }));
  useEffect(() => {
    const live = new LiveSocket({
      ...{ path, state },
      onMessage: (message) => told(message),
      greeting: () => greet(),
    });
    live.open();
    return () => live.close();
  }, [path, state]);
  return useStore(state);
}
