/** In place of a view that threw. The rest of the page goes on. */
import type { ErrorComponentProps } from '@tanstack/react-router';
import { toApiError } from '#web/api/api-error.ts';
import { Button } from '#web/components/Button.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { TEXT } from '#web/text/en.ts';

export function PageFailure({ error }: ErrorComponentProps) {
  return (
    <EmptyState
      title={TEXT.errors.pageFailed}
      action={<Button onClick={() => location.reload()}>{TEXT.errors.reload}</Button>}
    >
      {TEXT.errors.pageFailedHint} <code>{toApiError(error).message}</code>
    </EmptyState>
  );
}
