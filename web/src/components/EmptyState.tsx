/** Where there is nothing: what would be here, and the next step. */
import type { ReactNode } from 'react';

export interface EmptyStateProps {
  readonly title: string;
  /** What to do, in a sentence. */
  readonly children?: ReactNode;
  /** The button or link that does it. */
  readonly action?: ReactNode;
}

export function EmptyState({ title, children, action }: EmptyStateProps) {
  return (
    <div className="state">
      <h2>{title}</h2>
      {children !== undefined && <p>{children}</p>}
      {action !== undefined && <div className="actions">{action}</div>}
    </div>
  );
}
