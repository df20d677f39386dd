/** What networks and datastores of the VMs become at a KVM host. */
import { Loading } from '#web/components/Loading.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import type { Draft } from './draft.ts';
import { MappingFields } from './MappingFields.tsx';
import { MOST_LOOKED_AT, useVmParts } from './source-queries.ts';
import type { Source } from './source.ts';
import type { SourceVm } from './wire.ts';

const { create } = MIGRATIONS;

export interface MappingsProps {
  readonly source: Source;
  readonly vms: readonly SourceVm[];
  readonly draft: Draft;
  readonly onChange: (changes: Partial<Draft>) => void;
}

export function Mappings({ source, vms, draft, onChange }: MappingsProps) {
  const parts = useVmParts(source, vms);
  const beside = vms.length > MOST_LOOKED_AT ? create.partsOf(MOST_LOOKED_AT) : undefined;
  if (parts === undefined) return <Loading />;
  return (
    <>
      <MappingFields
        {...{ title: create.networks, beside, hint: create.hints.network }}
        {...{ empty: create.networksNone, names: parts.networks, values: draft.networks }}
        onChange={(networks) => onChange({ networks })}
      />
      {parts.storages.length > 0 && (
        <MappingFields
          {...{ title: create.storages, beside, hint: create.hints.storage }}
          {...{ empty: '', names: parts.storages, values: draft.storages }}
          onChange={(storages) => onChange({ storages })}
        />
      )}
    </>
  );
}
