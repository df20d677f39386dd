/** One machine: how it stands, what it uses, writes, is made of, and went through. */
import type { GetVmInfoResponse } from '#gen/vmprovisioner/v1/vm_pb.js';
import { useMayChange } from '#web/api/session.ts';
import { toApiError } from '#web/api/api-error.ts';
import { useGo, useViewParam, useViewSearch } from '#web/app/use-view.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { EmptyState } from '#web/components/EmptyState.tsx';
import { Loaded } from '#web/components/Loaded.tsx';
import { PageHeader } from '#web/components/PageHeader.tsx';
import { Status } from '#web/components/Status.tsx';
import { Tabs } from '#web/components/Tabs.tsx';
import { MACHINES } from '#web/text/machines.ts';
import { MachineActions } from './MachineActions.tsx';
import { MachineCharts } from './MachineCharts.tsx';
import { MachineConfiguration } from './MachineConfiguration.tsx';
import { MachineConsole } from './MachineConsole.tsx';
import { MachineEventList } from './MachineEventList.tsx';
import { MachineFacts } from './MachineFacts.tsx';
import { useMachine } from './machine-queries.ts';
import { machineName } from './machine-rows.ts';
import { standingOf } from './machine-state.ts';
import { useMachineEvents, type MachineEvents } from './use-machine-events.ts';
import { machineView, machinesView } from './view.ts';
import './machines.css';

const { one } = MACHINES;
const TABS = ['overview', 'console', 'configuration', 'events'] as const;

type Tab = (typeof TABS)[number];

export function MachinePage() {
  const id = useViewParam('id');
  return <OneMachine key={id} id={id} />;
}

function OneMachine({ id }: { readonly id: string }) {
  const query = useMachine(id);
  const events = useMachineEvents(id);
  if (query.isError && toApiError(query.error).isNotFound) return <NoMachine id={id} />;
  return <Loaded query={query}>{(vm) => <Machine vm={vm} events={events} />}</Loaded>;
}

function NoMachine({ id }: { readonly id: string }) {
  return (
    <>
      <PageHeader title={id} trail={<Trail />} />
      <EmptyState
        title={one.notFound}
        action={
          <ViewLink to={machinesView} className="button">
            {one.back}
          </ViewLink>
        }
      >
        {one.notFoundHint(id)}
      </EmptyState>
    </>
  );
}

function Trail() {
  return <ViewLink to={machinesView}>{MACHINES.title}</ViewLink>;
}

interface MachineProps {
  readonly vm: GetVmInfoResponse;
  readonly events: MachineEvents;
}

function Machine({ vm, events }: MachineProps) {
  const [search, setSearch] = useViewSearch(machineView);
  const mayChange = useMayChange();
  const go = useGo();
  const { kind, text } = standingOf(vm);
  const tab = TABS.find((each) => each === search.tab) ?? 'overview';
  const name = machineName(vm.vmId, vm.config?.metadata ?? {});
  return (
    <>
      <PageHeader
        title={name}
        trail={<Trail />}
        beside={<Status kind={kind}>{text}</Status>}
        actions={
          mayChange && (
            <MachineActions
              machine={{ id: vm.vmId, name, allowed: vm.allowedCommands }}
              onDeleted={() => go({ view: machinesView })}
            />
          )
        }
      />
      <MachineFacts vm={vm} />
      <div className="section">
        <Tabs
          label={one.parts}
          tabs={TABS.map((each) => ({ id: each, title: one.tabs[each] }))}
          chosen={tab}
          onChoose={(chosen) => setSearch({ tab: chosen })}
        >
          <Part {...{ tab, vm, name, events }} />
        </Tabs>
      </div>
    </>
  );
}

interface PartProps extends MachineProps {
  readonly tab: Tab;
  readonly name: string;
}

function Part({ tab, vm, name, events }: PartProps) {
  switch (tab) {
    case 'overview':
      return <MachineCharts id={vm.vmId} />;
    case 'console':
      return <MachineConsole id={vm.vmId} name={name} />;
    case 'configuration':
      return <MachineConfiguration vm={vm} />;
    case 'events':
      return <MachineEventList {...events} createdAt={vm.createdAt} />;
  }
}
