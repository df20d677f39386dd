/** For an address that no view has. */
import { useRouterState } from '@tanstack/react-router';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { TEXT } from '#web/text/en.ts';
import { ViewLink } from './ViewLink.tsx';
import { VIEWS } from './views.ts';

export function NotFoundPage() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [first] = VIEWS;
  return (
    <EmptyState
      title={TEXT.notFound.title}
      action={
        first !== undefined && (
          <ViewLink to={first} className="button">
            {TEXT.notFound.action}
          </ViewLink>
        )
      }
    >
      {TEXT.notFound.hint(path)}
    </EmptyState>
  );
}
