/** `GET /get`: how the host stands, or with `?instance_id=` one machine on it. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { customerScopeOf, type Principal } from '#access/principal.ts';
import type { ResourceSnapshot } from '#events/resource-snapshot.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { hostSnapshot, machineSnapshot, unmeasuredSnapshot } from '#metrics/resource-snapshots.ts';
import type { CompletedTick } from '#metrics/sampler.ts';
import { principalOf } from '#surfaces/edge/authenticate.ts';
import { snapshotToJson } from './render/resource-snapshot.ts';
import type { VmMetricsParts } from './vm-metrics-parts.ts';

const SAMPLE_AGE_HEADER = 'x-sample-age-ms';

export function registerGet(app: FastifyInstance, parts: VmMetricsParts): void {
  const { sampler, clock, style } = parts;
  // Between two samples everybody is told the same, so the host's answer is written once.
  let written: { readonly tick: CompletedTick; readonly text: string } | undefined;
  app.get('/get', async (request, reply) => {
    const wanted = parseInstanceId(request.query as Record<string, unknown>);
    const tick = await sampler.sample(request.signal);
    setSampleAge(reply, tick, clock);
    void reply.type('application/json; charset=utf-8');
    const machine = findMachine(tick, wanted, principalOf(request), parts);
    if (machine !== undefined) return JSON.stringify(snapshotToJson(machine, style));
    if (written?.tick !== tick) {
      written = {
        tick,
        text: JSON.stringify(snapshotToJson(hostSnapshot(tick, parts.identity), style)),
      };
    }
    return written.text;
  });
}

/** How old the sample is that an answer stands on; a proxy must not keep it any longer. */
export function setSampleAge(reply: FastifyReply, tick: CompletedTick, clock: Clock): void {
  const ageMs = Math.max(0, Math.round(clock.monotonicMs() - tick.monotonicMs));
  void reply.header(SAMPLE_AGE_HEADER, String(ageMs)).header('cache-control', 'no-store');
}

function parseInstanceId({
  instance_id: id,
  ...others
}: Record<string, unknown>): string | undefined {
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) {
    throw invalidArgument(unknown, 'is not a parameter here; the only one is instance_id');
  }
  if (id === undefined || (typeof id === 'string' && id !== '')) return id;
  throw invalidArgument('instance_id', 'must be given once, and not be empty');
}

/** Undefined: the host itself is meant, which only an operator may see. */
function findMachine(
  tick: CompletedTick,
  wanted: string | undefined,
  principal: Principal,
  { identity, roster }: VmMetricsParts,
): ResourceSnapshot | undefined {
  const customerId = customerScopeOf(principal);
  const isHost = wanted === undefined || wanted === identity.instanceId;
  if (isHost && customerId === undefined) return undefined;
  const entry = wanted === undefined ? undefined : roster?.find(wanted);
  const isTheirs = customerId === undefined || entry?.customerId === customerId;
  if (entry?.isUp === true && isTheirs) {
    const measured = tick.readings.machines?.find(({ machineId }) => machineId === wanted);
    if (measured !== undefined) return machineSnapshot(tick, measured);
    // It was booted since the sample, or could not be measured: it runs all the same.
    return unmeasuredSnapshot(tick, entry);
  }
  if (wanted === undefined) {
    throw new DroverError(
      'permission_denied',
      'the host is for operators to see; ask for one of your machines with ?instance_id=',
      { reason: 'OPERATOR_REQUIRED' },
    );
  }
  throw new DroverError('not_found', `no machine ${JSON.stringify(wanted)} runs on this host`, {
    reason: 'INSTANCE_NOT_FOUND',
    metadata: { instance_id: wanted },
  });
}
