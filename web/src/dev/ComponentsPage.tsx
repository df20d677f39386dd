/** Every component in every state, to be looked at in both colours. No part of what is served. */
import { useState } from 'react';
import { ApiError } from '#web/api/api-error.ts';
import { useViewSearch } from '#web/app/use-view.ts';
import { Age } from '#web/components/Age.tsx';
import { Button } from '#web/components/Button.tsx';
import { CheckField } from '#web/components/CheckField.tsx';
import { ConfirmDialog } from '#web/components/ConfirmDialog.tsx';
import { CopyButton } from '#web/components/CopyButton.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { ErrorState } from '#web/components/ErrorState.tsx';
import { Facts } from '#web/components/Facts.tsx';
import { Menu } from '#web/components/Menu.tsx';
import { Meter } from '#web/components/Meter.tsx';
import { NumberField } from '#web/components/NumberField.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { ProgressBar } from '#web/components/ProgressBar.tsx';
import { Section } from '#web/components/Section.tsx';
import { SelectField } from '#web/components/SelectField.tsx';
import { Status } from '#web/components/Status.tsx';
import { Tabs } from '#web/components/Tabs.tsx';
import { TextField } from '#web/components/TextField.tsx';
import { useToast } from '#web/components/toast-store.ts';
import { ExampleCharts } from './ExampleCharts.tsx';
import { ExampleTable } from './ExampleTable.tsx';
import { EXAMPLE } from './example-text.ts';
import { componentsView } from './view.ts';

const GIB = 1024 ** 3;
const A_WHILE_AGO = Date.now() - 90_000;
const STATUSES = ['ok', 'warning', 'error', 'busy', 'idle', 'unknown'] as const;
const FAILURE = new ApiError({ kind: 'x', status: 503, message: EXAMPLE.failure, requestId: '7f' });

export function ComponentsPage() {
  return (
    <>
      <PageHeader title={EXAMPLE.title} beside={<Status kind="ok" />} actions={<Buttons />} />
      <Facts
        items={[
          [EXAMPLE.statuses, <Statuses key="statuses" />],
          [EXAMPLE.age, <Age key="age" at={A_WHILE_AGO} />],
          [EXAMPLE.unknown, <Age key="unknown" at={null} />],
          [EXAMPLE.copy, <CopyButton key="copy" text="vm-0001" />],
        ]}
      />
      <Section title={EXAMPLE.meters}>
        <Meters />
      </Section>
      <Section title={EXAMPLE.fields}>
        <Fields />
      </Section>
      <ExampleCharts />
      <Section title={EXAMPLE.states}>
        <Parts />
      </Section>
      <Section title={EXAMPLE.table}>
        <ExampleTable />
      </Section>
    </>
  );
}

function Statuses() {
  return (
    <span className="actions">
      {STATUSES.map((kind) => (
        <Status key={kind} kind={kind} />
      ))}
    </span>
  );
}

function Buttons() {
  const toast = useToast();
  const [isAsking, setAsking] = useState(false);
  const say = (kind: 'ok' | 'error') =>
    toast({ kind, text: EXAMPLE.toast, undo: { title: EXAMPLE.undo, run: () => undefined } });
  return (
    <>
      <Button onClick={() => say('ok')}>{EXAMPLE.say}</Button>
      <Button isBusy>{EXAMPLE.busy}</Button>
      <Button kind="danger" icon="trash" onClick={() => setAsking(true)}>
        {EXAMPLE.remove}
      </Button>
      <Button kind="primary" icon="plus" onClick={() => say('error')}>
        {EXAMPLE.create}
      </Button>
      <Menu
        items={[
          { title: EXAMPLE.say, icon: 'play', onChoose: () => say('ok') },
          { title: EXAMPLE.busy, disabled: true, onChoose: () => undefined },
          { title: EXAMPLE.remove, icon: 'trash', kind: 'danger', onChoose: () => setAsking(true) },
        ]}
      />
      {isAsking && (
        <ConfirmDialog
          title={EXAMPLE.removeTitle}
          action={EXAMPLE.remove}
          typeToConfirm="vm-0001"
          onConfirm={() => setAsking(false)}
          onClose={() => setAsking(false)}
        >
          {EXAMPLE.removeText}
        </ConfirmDialog>
      )}
    </>
  );
}

function Meters() {
  const shared = { label: EXAMPLE.disk, totalBytes: 40 * GIB } as const;
  return (
    <Facts
      items={[
        [EXAMPLE.disk, <Meter key="1" label={EXAMPLE.disk} share={31.4} />],
        [EXAMPLE.warning, <Meter key="2" label={EXAMPLE.disk} share={88} />],
        [EXAMPLE.trouble, <Meter key="3" label={EXAMPLE.disk} share={99.97} />],
        [EXAMPLE.unknown, <Meter key="4" label={EXAMPLE.disk} share={null} />],
        [
          EXAMPLE.copying,
          <ProgressBar key="5" {...shared} doneBytes={12.5 * GIB} bytesPerS={GIB / 8} />,
        ],
        [EXAMPLE.failed, <ProgressBar key="6" {...shared} doneBytes={30 * GIB} state="failed" />],
      ]}
    />
  );
}

function Fields() {
  const [name, setName] = useState('web-1');
  const [memory, setMemory] = useState('2048');
  const [size, setSize] = useState<'small' | 'large'>('small');
  const [isOn, setOn] = useState(true);
  return (
    <div className="form">
      <TextField label={EXAMPLE.name} hint={EXAMPLE.nameHint} value={name} onChange={setName} />
      <NumberField
        label={EXAMPLE.memory}
        unit="MiB"
        value={memory}
        onChange={setMemory}
        error={EXAMPLE.memoryError}
      />
      <SelectField
        label={EXAMPLE.size}
        value={size}
        onChange={setSize}
        choices={[
          { value: 'small', title: EXAMPLE.small },
          { value: 'large', title: EXAMPLE.large },
        ]}
      />
      <CheckField label={EXAMPLE.on} hint={EXAMPLE.onHint} checked={isOn} onChange={setOn} />
    </div>
  );
}

function Parts() {
  const [{ tab }, setSearch] = useViewSearch(componentsView);
  return (
    <Tabs
      label={EXAMPLE.states}
      tabs={[
        { id: 'one', title: EXAMPLE.empty, count: 0 },
        { id: 'two', title: EXAMPLE.failed },
      ]}
      chosen={tab === 'two' ? 'two' : 'one'}
      onChoose={(id) => setSearch({ tab: id })}
    >
      {tab === 'two' ? (
        <ErrorState error={FAILURE} onRetry={() => undefined} />
      ) : (
        <EmptyState
          title={EXAMPLE.emptyTitle}
          action={<Button kind="primary">{EXAMPLE.create}</Button>}
        >
          {EXAMPLE.emptyText}
        </EmptyState>
      )}
    </Tabs>
  );
}
