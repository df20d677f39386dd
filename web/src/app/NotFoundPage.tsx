/** For an address that no view has. */
import { useRouterState } from '@tanstack/react-router';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { TEXT } from '#web/text/en.ts';
import { ViewLink } from './ViewLink.tsx';
import { VIEWS } from './views.ts';

export function NotFoundPage() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [first] = VIEWS;
  return (
    <>
      <PageHeader title={TEXT.notFound.title} />
      <EmptyState
        title={TEXT.notFound.hint(path)}
        action={
          first !== undefined && (
            <ViewLink to={first} className="button">
              {TEXT.notFound.action}
            </ViewLink>
          )
        }
      />
    </>
  );
}
