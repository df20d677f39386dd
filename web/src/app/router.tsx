/** From the list of views to addresses. Search parameters are plain texts: `?q=web&sort=-cpu`. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import type { ComponentType } from 'react';
import { queryToText } from '#web/api/http.ts';
import { NotFoundPage } from './NotFoundPage.tsx';
import { OperatorsOnly } from './OperatorsOnly.tsx';
import { PageFailure } from './PageFailure.tsx';
import { Shell } from './Shell.tsx';
import type { View } from './view.ts';
import { VIEWS } from './views.ts';

const rootRoute = createRootRoute({ component: Shell });

const routes = VIEWS.map((view) =>
  createRoute({
    getParentRoute: () => rootRoute,
    path: view.path,
    component: lazyRouteComponent(async () => ({ default: await loadView(view) })),
  }),
);

export const router = createRouter({
  routeTree: rootRoute.addChildren(routes),
  defaultPreload: 'intent',
  defaultErrorComponent: PageFailure,
  defaultNotFoundComponent: NotFoundPage,
  scrollRestoration: true,
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => queryToText(textsOf(search)),
});

async function loadView({ load, isForOperators }: View): Promise<ComponentType> {
  const Page = await load();
  if (isForOperators !== true) return Page;
  return () => (
    <OperatorsOnly>
      <Page />
    </OperatorsOnly>
  );
}

function textsOf(search: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(search).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value] as const] : [],
    ),
  );
}
