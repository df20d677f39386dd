/** The host's GPUs of all makers. One that fails takes nothing from the others. */
import type { Clock } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import type { Collector, Tick } from '#metrics/collector.ts';
import type { SampleTable } from '#metrics/sample-table.ts';
import { DrmGpus } from './drm-gpus.ts';
import { GpuSeries, gpuSampleToReading } from './gpu-sample.ts';
import { NvidiaSmiProcess } from './nvidia-smi-process.ts';

export interface GpuCollectorOptions {
  readonly table: SampleTable;
  readonly sysRoot: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Usually `nvidia-smi`. */
  readonly nvidiaSmi: string;
}

export class GpuCollector implements Collector {
  readonly name = 'gpu';
  readonly #nvidia: NvidiaSmiProcess;
  readonly #drm: DrmGpus;
  readonly #series: GpuSeries;
  /** Cards that NVIDIA's driver does not number come after those it does. */
  #nvidiaCount = 0;

  constructor({ table, sysRoot, clock, log, nvidiaSmi }: GpuCollectorOptions) {
    this.#nvidia = new NvidiaSmiProcess({ program: nvidiaSmi, clock, log });
    this.#drm = new DrmGpus(sysRoot, clock);
    this.#series = new GpuSeries(table);
  }

  collect(tick: Tick): void {
    const nvidia = this.#nvidia.poll(tick.intervalMs);
    const others = this.#drm.read();
    for (const sample of [...nvidia, ...others]) this.#series.publish(sample);
    for (const { index } of nvidia) this.#nvidiaCount = Math.max(this.#nvidiaCount, index + 1);
    tick.readings.gpus = [
      ...nvidia.map((gpu) => gpuSampleToReading(gpu, gpu.index)),
      ...others.map((gpu, at) => gpuSampleToReading(gpu, this.#nvidiaCount + at)),
    ];
    const { trouble } = this.#nvidia;
    if (trouble !== undefined) throw new Error(`nvidia-smi tells nothing: ${trouble}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nvidia[Symbol.asyncDispose]();
  }
}
