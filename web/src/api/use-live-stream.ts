/**
 * A stream over HTTP for as long as a component shows what comes over it, and somebody looks: a
 * browser has few connections for all its tabs, and those in the background leave theirs.
 */
import { useEffect, useEffectEvent, useState, useSyncExternalStore } from 'react';
import { followStream, type FollowOptions, type StreamState } from './follow-stream.ts';

export interface UseLiveStreamOptions<T> extends Pick<FollowOptions<T>, 'open' | 'onMessage'> {
  /** Another stream when it changes. */
  readonly name: string;
  readonly onStart?: () => void;
}

/** The latest functions are the ones that are called. */
export function useLiveStream<T>(options: UseLiveStreamOptions<T>): StreamState {
  const { name } = options;
  const [state, setState] = useState<StreamState>({ kind: 'waiting' });
  const isSeen = useSyncExternalStore(onVisibility, isVisible);
  const open = useEffectEvent((signal: AbortSignal) => options.open(signal));
  const onMessage = useEffectEvent((message: T) => options.onMessage(message));
  const onState = useEffectEvent((next: StreamState) => {
    setState(next);
    if (next.kind === 'following') options.onStart?.();
  });
  useEffect(() => {
    if (!isSeen) return undefined;
    const abort = new AbortController();
    void followStream<T>(
      {
        open: (signal) => open(signal),
        onMessage: (message) => onMessage(message),
        onState: (next) => onState(next),
      },
      abort.signal,
    );
    return () => abort.abort();
  }, [name, isSeen]);
  return state;
}

function onVisibility(listener: () => void): () => void {
  document.addEventListener('visibilitychange', listener);
  return () => document.removeEventListener('visibilitychange', listener);
}

function isVisible(): boolean {
  return document.visibilityState === 'visible';
}
