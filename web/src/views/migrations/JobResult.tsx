/** What a migration has brought about. */
import { MIGRATIONS } from '#web/text/migrations.ts';
import { FindingList } from './FindingList.tsx';
import { nameOf } from './job-words.ts';
import type { Finding, Job } from './wire.ts';

export function JobResult({ job }: { readonly job: Job }) {
  if (job.result === null) return <p className="quiet">{MIGRATIONS.result.none}</p>;
  const { warnings, findings, ...rest } = job.result;
  const told = [warnings, findings].flatMap((each) => (Array.isArray(each) ? each : []));
  return (
    <>
      {told.length > 0 && (
        <FindingList groups={[{ name: nameOf(job), findings: told as readonly Finding[] }]} />
      )}
      <pre className="plain-json">{JSON.stringify(rest, undefined, 2)}</pre>
    </>
  );
}
