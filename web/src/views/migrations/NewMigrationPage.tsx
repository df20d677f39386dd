/** A new migration, from top to bottom: from where, which VMs, to where, how, check, start. */
import { useEffect, useState } from 'react';
import { toApiError } from '#web/api/api-error.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { Section } from '#web/components/Section.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
import { MIGRATIONS } from '#web/text/migrations.ts';
import { AddressFields } from './AddressFields.tsx';
import { isMissing, useCapabilities } from './capabilities.ts';
import { CheckAndStart } from './CheckAndStart.tsx';
import { draftFieldOf, findMistakes, type DraftErrors } from './draft-mistakes.ts';
import { EMPTY_DRAFT, TARGET_TYPES, toRequests, type Draft } from './draft.ts';
import { Mappings } from './Mappings.tsx';
import { OptionFields } from './OptionFields.tsx';
import { SendFiles, SendingList } from './SendFiles.tsx';
import { useConnections, useSourceVms } from './source-queries.ts';
import { ADDRESS, choiceOf, connectionOf, sourceOf, typedSource } from './source.ts';
import type { Source, TypedSource } from './source.ts';
import { TargetFields } from './TargetFields.tsx';
import { VmPicker } from './VmPicker.tsx';
import { migrationsView, newMigrationView, sourcesView } from './view.ts';
import type { Connection, SourceVm } from './wire.ts';
import './migrations.css';

const { create } = MIGRATIONS;
/** As many as the server takes in one request. */
const MOST_AT_ONCE = 1000;
const NOTHING: ReadonlySet<string> = new Set();

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
  const [typed, setTyped] = useState<TypedSource>();
  const [keys, setKeys] = useState(NOTHING);
  const form = useDraft();
  const first = connections[0];
  const choice = search.source || (first === undefined ? 'file' : choiceOf(first.name));
  const source = sourceOf(choice, typed);
  const listed = useSourceVms(source);
  const vms = (listed.data ?? []).filter(({ path }) => keys.has(path));
  const kind = source?.kind ?? 'address';
  return (
    <>
      <Section title={create.source}>
        <SourceField
          {...{ connections, choice }}
          onChange={(next) => {
            setKeys(NOTHING);
            setSearch({ source: next, q: '' });
          }}
        />
        {choice === ADDRESS && (
          <AddressFields
            isBusy={listed.isFetching}
            error={listed.isError ? toApiError(listed.error) : undefined}
            onList={(login) => {
              setKeys(NOTHING);
              setTyped(typedSource(login));
            }}
            // What was chosen is there by the connection as well.
            onSaved={(name) => setSearch({ source: choiceOf(name) })}
          />
        )}
      </Section>
      <Section
        title={create.vms}
        beside={<span className="quiet num">{create.chosen(vms.length)}</span>}
        actions={kind === 'file' && <SendFiles />}
      >
        <SendingList />
        {source === undefined ? (
          <p className="quiet">{create.listFirst}</p>
        ) : (
          <VmPicker source={source} keys={keys} onKeys={setKeys} />
        )}
      </Section>
      <Section title={create.target}>
        <TargetFields {...form} />
      </Section>
      {form.draft.type === 'kvm' && source !== undefined && vms.length > 0 && (
        <Mappings {...{ source, vms, draft: form.draft }} onChange={form.onChange} />
      )}
      <Section title={create.options}>
        <OptionFields {...form} kind={kind} isOne={vms.length <= 1} />
      </Section>
      <Section title={create.check}>
        <Finish {...{ source, vms, draft: form.draft }} onErrors={form.onErrors} />
      </Section>
    </>
  );
}

/** What was typed, over what suits this installation; and what is wrong with it. */
function useDraft() {
  const { data: capabilities } = useCapabilities();
  const [changes, setChanges] = useState<Partial<Draft>>({});
  const [errors, onErrors] = useState<DraftErrors>({});
  useEffect(() => {
    document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [errors]);
  const usual = TARGET_TYPES.find((type) => !isMissing(capabilities?.destinations, type));
  const draft = { ...EMPTY_DRAFT, type: usual ?? EMPTY_DRAFT.type, ...changes };
  const onChange = (more: Partial<Draft>) => {
    setChanges({ ...changes, ...more });
    onErrors({});
  };
  return { draft, errors, capabilities, onChange, onErrors };
}

interface FinishProps {
  readonly source: Source | undefined;
  readonly vms: readonly SourceVm[];
  readonly draft: Draft;
  readonly onErrors: (errors: DraftErrors) => void;
}

function Finish({ source, vms, draft, onErrors }: FinishProps) {
  if (source === undefined || vms.length === 0) {
    return <p className="quiet">{create.chooseFirst}</p>;
  }
  if (vms.length > MOST_AT_ONCE) return <p className="quiet">{create.tooMany(MOST_AT_ONCE)}</p>;
  const requests = toRequests(source, vms, vms.length === 1 ? draft : { ...draft, name: '' });
  return (
    <CheckAndStart
      wanted={vms.map(({ name }, at) => ({ name, request: requests[at] ?? {} }))}
      isComplete={() => {
        const mistakes = findMistakes(draft);
        onErrors(mistakes);
        return Object.keys(mistakes).length === 0;
      }}
      onRefused={({ field, message }) => {
        const at = draftFieldOf(field);
        if (at !== undefined) onErrors({ [at]: message });
      }}
      scheduleObstacle={source.kind === 'address' ? create.scheduleSaved : undefined}
    />
  );
}

interface SourceFieldProps {
  readonly connections: readonly Connection[];
  readonly choice: string;
  readonly onChange: (choice: string) => void;
}

function SourceField({ connections, choice, onChange }: SourceFieldProps) {
  const saved = connections.map(({ name, vcenter_url: url }) => ({
    ...{ value: choiceOf(name), title: create.connection(name, url) },
  }));
  const others = [
    { value: 'file', title: create.files },
    { value: ADDRESS, title: create.address },
  ];
  // One that was saved a moment ago, or is gone.
  const isListed = [...saved, ...others].some(({ value }) => value === choice);
  const unlisted = isListed ? [] : [{ value: choice, title: connectionOf(choice) }];
  return (
    <div className="form">
      <SelectField
        label={create.sourceField}
        value={choice}
        onChange={onChange}
        choices={[...saved, ...unlisted, ...others]}
      />
      <p className="beside-field">
        <ViewLink to={sourcesView}>{create.manageSources}</ViewLink>
      </p>
    </div>
  );
}
