/**
 * The dialog for the alert that the address wants silenced. It stays while somebody types, also
 * when what comes and goes is gone for a moment.
 */
import { useState } from 'react';
import { alertKey, type Alert } from '#web/api/alerts.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { SilenceDialog } from './SilenceDialog.tsx';
import { isLoud } from './silences.ts';
import { alertsView } from './view.ts';

export function AskedSilence({ alerts }: { readonly alerts: readonly Alert[] }) {
  const [{ silence }, setSearch] = useViewSearch(alertsView);
  const [asked, setAsked] = useState<Alert>();
  const isAsked = asked !== undefined && alertKey(asked) === silence;
  if (!isAsked && silence !== '') {
    const found = alerts.find((alert) => alertKey(alert) === silence && isLoud(alert));
    if (found !== undefined) setAsked(found);
  }
  if (!isAsked) return null;
  const close = () => setSearch({ silence: '' }, { replace: true });
  return <SilenceDialog alert={asked} onClose={close} />;
}
