/** Every view, in the order of the navigation. Whoever adds one adds a line here. */
import type { SignedIn } from '#web/api/session.ts';
import { componentsView } from '#web/dev/view.ts';
import { overviewView } from '#web/views/overview/view.ts';
import { machineView, machinesView } from '#web/views/machines/view.ts';
import {
  migrationView,
  migrationsView,
  newMigrationView,
  sourcesView,
} from '#web/views/migrations/view.ts';
import { scheduleView, schedulesView } from '#web/views/schedules/view.ts';
import { webhooksView } from '#web/views/webhooks/view.ts';
import { alertsView } from '#web/views/alerts/view.ts';
import { serverView } from '#web/views/server/view.ts';
import { settingsView } from '#web/views/settings/view.ts';
import { workersView } from '#web/views/workers/view.ts';
import type { View } from './view.ts';

export const VIEWS: readonly View[] = [
  overviewView,
  serverView,
  machinesView,
  machineView,
  ...[migrationsView, newMigrationView, sourcesView, migrationView],
  ...[schedulesView, scheduleView],
  webhooksView,
  workersView,
  alertsView,
  settingsView,
  // Only in the build that the tests use.
  ...(__WITH_COMPONENTS_PAGE__ ? [componentsView] : []),
];

/** Those that whoever is signed in can use. */
export function viewsFor({ kind }: Pick<SignedIn, 'kind'>): readonly View[] {
  return VIEWS.filter(({ isForOperators = false }) => kind === 'operator' || !isForOperators);
}
