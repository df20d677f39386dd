/** How something stands: a shape of its own for each, a colour, and always words. */
import { TEXT } from '#web/text/en.ts';

export type StatusKind = 'ok' | 'warning' | 'error' | 'idle' | 'busy' | 'unknown';

/** On a grid of 10: a disc, a triangle, a square, a ring, half a disc, a dash. */
const SHAPES: Readonly<Record<StatusKind, string>> = {
  ok: 'M5 1a4 4 0 1 0 0 8 4 4 0 0 0 0-8z',
  warning: 'M5 .8L9.6 9H.4z',
  error: 'M1.2 1.2h7.6v7.6H1.2z',
  idle: 'M5 1a4 4 0 1 0 0 8 4 4 0 0 0 0-8zm0 1.6a2.4 2.4 0 1 1 0 4.8 2.4 2.4 0 0 1 0-4.8z',
  busy: 'M5 1a4 4 0 1 0 0 8zm0 0a4 4 0 1 1 0 8V7.7a2.7 2.7 0 0 0 0-5.4z',
  unknown: 'M1.5 4.2h7v1.6h-7z',
};

export interface StatusProps {
  readonly kind: StatusKind;
  /** Default is the word for the kind. */
  readonly children?: string;
  /** The words are read aloud and shown when pointed at, and take no room. */
  readonly isCompact?: boolean;
}

export function Status({ kind, children = TEXT.status[kind], isCompact = false }: StatusProps) {
  return (
    <span className="status" data-kind={kind} title={isCompact ? children : undefined}>
      <svg viewBox="0 0 10 10" aria-hidden="true" focusable="false">
        <path d={SHAPES[kind]} />
      </svg>
      <span className={isCompact ? 'unseen' : undefined}>{children}</span>
    </span>
  );
}
