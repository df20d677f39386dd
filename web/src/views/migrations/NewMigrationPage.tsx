/** A new migration, from top to bottom: from where, which VMs, to where, how, check, start. */
import { useState } from 'react';
import { useViewSearch } from '#web/app/use-view.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { Section } from '#web/components/Section.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { CheckAndStart } from './CheckAndStart.tsx';
import { NetworkFields } from './NetworkFields.tsx';
import { OptionFields } from './OptionFields.tsx';
import { SendFiles, SendingList } from './SendFiles.tsx';
import { TargetFields } from './TargetFields.tsx';
import { VmPicker } from './VmPicker.tsx';
import { EMPTY_DRAFT, choiceOf, connectionOf, toRequests, type Draft } from './draft.ts';
import { useConnections, useSourceVms } from './source-queries.ts';
import { migrationsView, newMigrationView, sourcesView } from './view.ts';
import type { Connection, SourceVm } from './wire.ts';
import './migrations.css';

const { create } = MIGRATIONS;

export function NewMigrationPage() {
  return (
    <>
      <PageHeader
        title={create.title}
        trail={<ViewLink to={migrationsView}>{MIGRATIONS.title}</ViewLink>}
      />
      <Loaded query={useConnections()}>
        {({ connections }) => <Form connections={connections} />}
      </Loaded>
    </>
  );
}

function Form({ connections }: { readonly connections: readonly Connection[] }) {
  const [search, setSearch] = useViewSearch(newMigrationView);
  const [draft, setDraft] = useState<Draft>(EMPTY_DRAFT);
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set());
  const first = connections[0];
  const choice = search.source || (first === undefined ? 'file' : choiceOf(first.name));
  const { data: all = [] } = useSourceVms(choice);
  const vms = all.filter(({ path }) => keys.has(path));
  const change = (changes: Partial<Draft>) => setDraft({ ...draft, ...changes });
  return (
    <>
      <Section title={create.source}>
        <SourceField
          {...{ connections, choice }}
          onChange={(source) => {
            setKeys(new Set());
            setSearch({ source, q: '' });
          }}
        />
      </Section>
      <Section
        title={create.vms}
        beside={<span className="quiet num">{create.chosen(vms.length)}</span>}
        actions={connectionOf(choice) === undefined && <SendFiles />}
      >
        <SendingList />
        <VmPicker choice={choice} keys={keys} onKeys={setKeys} />
      </Section>
      <Section title={create.target}>
        <TargetFields draft={draft} onChange={change} />
      </Section>
      {draft.type === 'kvm' && vms.length > 0 && (
        <NetworkFields {...{ choice, vms, draft }} onChange={change} />
      )}
      <Section title={create.options}>
        <OptionFields draft={draft} isOne={vms.length <= 1} onChange={change} />
      </Section>
      <Section title={create.check}>
        <Finish {...{ choice, vms, draft }} />
      </Section>
    </>
  );
}

interface FinishProps {
  readonly choice: string;
  readonly vms: readonly SourceVm[];
  readonly draft: Draft;
}

function Finish({ choice, vms, draft }: FinishProps) {
  if (vms.length === 0) return <p className="quiet">{create.chooseFirst}</p>;
  const requests = toRequests(choice, vms, vms.length === 1 ? draft : { ...draft, name: '' });
  return <CheckAndStart requests={requests} names={vms.map(({ name }) => name)} />;
}

interface SourceFieldProps {
  readonly connections: readonly Connection[];
  readonly choice: string;
  readonly onChange: (choice: string) => void;
}

function SourceField({ connections, choice, onChange }: SourceFieldProps) {
  return (
    <div className="form">
      <SelectField
        label={create.sourceField}
        value={choice}
        onChange={onChange}
        choices={[
          ...connections.map(({ name, vcenter_url: url }) => ({
            ...{ value: choiceOf(name), title: create.connection(name, url) },
          })),
          { value: 'file', title: create.files },
        ]}
      />
      <p className="beside-field">
        <ViewLink to={sourcesView}>{create.addConnection}</ViewLink>
      </p>
    </div>
  );
}
