/** The numbers of now. */
import type { ServerWhole } from '#web/api/server-shapes.ts';
import { ViewLink } from '#web/app/ViewLink.tsx';
import { Age } from '#web/components/Age.tsx';
import { Facts, type Fact } from '#web/components/Facts.tsx';
import { Meter } from '#web/components/Meter.tsx';
import { Num } from '#web/components/Num.tsx';
import {
  UNKNOWN,
  bytes,
  celsius,
  count,
  decimal,
  isKnown,
  quantityToText,
  type Known,
} from '#web/format/numbers.ts';
import { duration, parseInstant } from '#web/format/times.ts';
import { OVERVIEW } from '#web/text/overview.ts';
import { SERVER } from '#web/text/server.ts';
import { alertsView } from '#web/views/alerts/view.ts';

const { facts } = SERVER;
const GIB = 1024 ** 3;

export function ServerFacts({ server }: { readonly server: ServerWhole }) {
  const { name, cpu, memory, server_status: state, roles, proxmox_host: host, gpus } = server;
  const [gpu] = gpus;
  const optional: readonly (Fact | false)[] = [
    isKnown(cpu.temperature) && [facts.temperature, <Num key="t" of={celsius(cpu.temperature)} />],
    gpu !== undefined && [
      facts.gpu,
      <Meter
        key="gpu"
        {...{ label: OVERVIEW.gpuOf(name), warnAt: 101, errorAt: 101 }}
        share={gpu.usage_percent}
      />,
    ],
    host.product !== null && [facts.product, host.product],
  ];
  return (
    <Facts
      items={[
        [
          facts.cpu,
          <Meter
            key="cpu"
            {...{ label: OVERVIEW.cpuOf(name), warnAt: 90, errorAt: 101 }}
            share={cpu.usage_percent}
          />,
        ],
        [facts.load, loadText(cpu.load_average)],
        [facts.cores, <Num key="cores" of={count(cpu.cores)} />],
        [
          facts.memory,
          <Meter
            key="memory"
            {...{ label: OVERVIEW.memoryOf(name), warnAt: 90 }}
            share={memory.usage_percent}
          />,
        ],
        [facts.swap, ofWhole(memory.swap_used_gb, memory.swap_total_gb)],
        ...optional.filter((fact) => fact !== false),
        [
          facts.alerts,
          <ViewLink key="alerts" to={alertsView} search={{ q: server.id }}>
            <Num of={count(server.alerts)} />
          </ViewLink>,
        ],
        [facts.uptime, duration(state.uptime_seconds)],
        [facts.measured, <Age key="age" at={parseInstant(state.last_updated)} />],
        [facts.roles, roles.join(', ')],
      ]}
    />
  );
}

function loadText(load: readonly Known[] | null) {
  const texts = load?.map((each) => quantityToText(decimal(each))) ?? [UNKNOWN.value];
  return <span className="num">{texts.join('  ')}</span>;
}

/** Of sizes that the API tells in GiB. */
export function ofWhole(part: Known, whole: Known) {
  if (!isKnown(part) || !isKnown(whole) || whole === 0) return <Num of={UNKNOWN} />;
  const [used, all] = [part, whole].map((gib) => quantityToText(bytes(gib * GIB)));
  return <span className="num">{OVERVIEW.of(used ?? '', all ?? '')}</span>;
}
