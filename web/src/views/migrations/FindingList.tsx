/** What stands in the way, or is worth knowing, VM by VM; the worst first. */
import { Status, type StatusKind } from '#web/components/Status.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import type { Finding } from './wire.ts';

export interface FindingGroup {
  readonly name: string;
  readonly findings: readonly Finding[];
}

const KINDS: Readonly<Record<Finding['severity'], StatusKind>> = {
  ...{ error: 'error', warning: 'warning', info: 'idle' },
};
const RANKS: Readonly<Record<Finding['severity'], number>> = { error: 0, warning: 1, info: 2 };

export function FindingList({ groups }: { readonly groups: readonly FindingGroup[] }) {
  const { severities, fine } = MIGRATIONS.create;
  return (
    <ul className="findings">
      {groups.map(({ name, findings }) => (
        <li key={name}>
          <h3>{name}</h3>
          <ul>
            {findings.length === 0 && (
              <li>
                <Status kind="ok" />
                <span>{fine}</span>
              </li>
            )}
            {findings
              .toSorted((a, b) => RANKS[a.severity] - RANKS[b.severity])
              .map((finding) => (
                <li key={`${finding.code} ${finding.subject} ${finding.message}`}>
                  <Status kind={KINDS[finding.severity]}>{severities[finding.severity]}</Status>
                  <span>
                    {finding.subject !== null && <strong>{`${finding.subject}: `}</strong>}
                    {finding.message}
                    {finding.remedy !== null && (
                      <span className="quiet">{` – ${finding.remedy}`}</span>
                    )}
                  </span>
                </li>
              ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}
