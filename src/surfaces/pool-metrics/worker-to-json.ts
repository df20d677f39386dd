/** One worker as `stats` shows it: the documented fields first, then those that are our own. */
import { SECOND_MS } from '#kernel/units.ts';
import type { WorkerMemory, WorkerView } from '#workers/worker-view.ts';

type Json = Readonly<Record<string, unknown>>;

export function workerToJson(worker: WorkerView): Json {
  return {
    id: worker.id,
    app: worker.app,
    state: worker.state,
    requests: worker.requests,
    uptime: Math.floor(worker.uptimeMs / SECOND_MS),
    memory: memoryToJson(worker.memory),
    kind: worker.kind,
    pid: worker.pid ?? null,
    inFlight: worker.inFlight,
    draining: worker.isDraining,
    utilization: worker.utilization ?? null,
    endReason: worker.endReason ?? null,
  };
}

/** The document has 0 for what was not read yet; the source tells that from a true 0. */
function memoryToJson(memory: WorkerMemory | undefined): Json {
  return {
    rss: memory?.rssBytes ?? 0,
    heapUsed: memory?.heapUsedBytes ?? 0,
    source: memory?.source ?? null,
    age: memory === undefined ? null : Math.round(memory.ageMs) / SECOND_MS,
  };
}
