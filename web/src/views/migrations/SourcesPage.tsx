/** Where VMs can come from: connections to vCenters and hosts, and files that were sent here. */
import { PageHeader } from '#web/components/PageHeader.tsx';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { ConnectionList } from './ConnectionList.tsx';
import { UploadList } from './UploadList.tsx';
import { migrationsView } from './view.ts';
import './migrations.css';

export function SourcesPage() {
  return (
    <>
      <PageHeader
        title={MIGRATIONS.sources.title}
        trail={<ViewLink to={migrationsView}>{MIGRATIONS.title}</ViewLink>}
      />
      <ConnectionList />
      <UploadList />
    </>
  );
}
