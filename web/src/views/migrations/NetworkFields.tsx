/** What each network of the VMs becomes at a KVM host. */
import { Loading } from '#web/components/Loading.tsx';
import { Section } from '#web/components/Section.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import type { DraftFieldsProps } from './TargetFields.tsx';
import { MOST_LOOKED_AT, useNetworks } from './source-queries.ts';
import type { SourceVm } from './wire.ts';

const { create } = MIGRATIONS;

export interface NetworkFieldsProps extends DraftFieldsProps {
  readonly choice: string;
  readonly vms: readonly SourceVm[];
}

export function NetworkFields({ choice, vms, draft, onChange }: NetworkFieldsProps) {
  const names = useNetworks(choice, vms);
  const isPart = vms.length > MOST_LOOKED_AT;
  return (
    <Section
      title={create.networks}
      beside={<span className="quiet">{isPart && create.networksOf(MOST_LOOKED_AT)}</span>}
    >
      {names === undefined && <Loading />}
      {names?.length === 0 && <p className="quiet">{create.networksNone}</p>}
      <div className="form">
        {names?.map((name) => (
          <TextField
            key={name}
            label={name}
            hint={create.hints.network}
            value={draft.networks[name] ?? ''}
            onChange={(to) => onChange({ networks: { ...draft.networks, [name]: to } })}
          />
        ))}
      </div>
    </Section>
  );
}
