/** In place of a view for operators, when somebody else opens it by its address. */
import type { ReactNode } from 'react';
import { useIsOperator } from '#web/api/session.ts';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { TEXT } from '#web/text/en.ts';

export function OperatorsOnly({ children }: { readonly children: ReactNode }) {
  if (useIsOperator()) return children;
  return <EmptyState title={TEXT.operatorsOnly.title}>{TEXT.operatorsOnly.hint}</EmptyState>;
}
