/** Opens the places that VMs can go to. */
import { join } from 'node:path';
import type { DroverTargetOptions } from '#backends/drover-target/drover-target.ts';
import { findEfiFirmware } from '#backends/qemu/firmware.ts';
import type { HashSentFile } from '#backends/drover-remote/remote-disks.ts';
import type { Accelerator } from '#backends/libvirt/libvirt-host.ts';
import type { Clock } from '#kernel/clock.ts';
import type { Log } from '#kernel/log.ts';
import { assertNamedWithin, resolveAllowed } from '#transfers/allowed-directories.ts';
import { parseLibvirtUri } from '#transfers/libvirt-uri.ts';
import type { TargetJob, Targets } from '#transfers/migration-parts.ts';
import type { DestinationSpec, RemoteDrover } from '#transfers/migration-spec.ts';
import type { Target } from '#transfers/target.ts';

export interface ConfiguredTargetsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** For what cannot be written in its place at once. */
  readonly workDirectory: string;
  readonly directories: readonly string[];
  readonly session: Readonly<Record<string, string>>;
  /** Of domains of a libvirt on this host; elsewhere libvirt chooses. */
  readonly accelerator: Accelerator;
  /** What is wrong with the KVM of this host, where something is. */
  readonly kvmFault: string | undefined;
  readonly hash: HashSentFile;
  /** What of this process VMs become machines of. */
  readonly here: DroverHere;
}

export type DroverHere = Pick<
  DroverTargetOptions,
  'machines' | 'capacity' | 'images' | 'imagesDirectory' | 'guestUser'
>;

export class ConfiguredTargets implements Targets {
  readonly #options: ConfiguredTargetsOptions;

  constructor(options: ConfiguredTargetsOptions) {
    this.#options = options;
  }

  async open(spec: DestinationSpec, job: TargetJob, signal: AbortSignal): Promise<Target> {
    signal.throwIfAborted();
    switch (spec.kind) {
      case 'kvm':
        return await this.#openLibvirt(spec);
      case 'drover':
        return spec.remote === undefined
          ? await this.#openDrover(spec)
          : await this.#openRemote(spec, spec.remote, job);
      case 'file':
        return await this.#openFolder(spec.directory);
    }
  }

  async #openFolder(asked: string): Promise<Target> {
    const { hash, directories: allowed } = this.#options;
    const field = 'destination.directory';
    const directory = await resolveAllowed(asked, { allowed, field });
    const { FileTarget } = await import('#backends/libvirt/file-target.ts');
    return new FileTarget({ directory, hash });
  }

  async #openDrover(spec: DestinationSpec & { kind: 'drover' }): Promise<Target> {
    const { customerId, readyText } = spec;
    const { clock, here } = this.#options;
    const [{ DroverTarget }, { specToConfig }] = await Promise.all([
      import('#backends/drover-target/drover-target.ts'),
      import('#surfaces/vm-service/config/spec-to-config.ts'),
    ]);
    const toGiven = specToConfig;
    return new DroverTarget({ ...here, clock, customerId, readyText, hasUefi, toGiven });
  }

  async #openRemote(
    { customerId, readyText }: DestinationSpec & { kind: 'drover' },
    remote: RemoteDrover,
    job: TargetJob,
  ): Promise<Target> {
    const { clock, hash, workDirectory: work } = this.#options;
    const [{ DroverRemoteTarget }, { specToConfig }] = await Promise.all([
      import('#backends/drover-remote/drover-remote-target.ts'),
      import('#surfaces/vm-service/config/spec-to-config.ts'),
    ]);
    return new DroverRemoteTarget({
      ...{ clock, hash, remote, customerId, readyText, job, toGiven: specToConfig },
      workDirectory: join(work, 'to-send'),
    });
  }

  async #openLibvirt(spec: DestinationSpec & { kind: 'kvm' }): Promise<Target> {
    const { uri, pool, directory, readyText } = spec;
    const { clock, log, workDirectory, directories, session } = this.#options;
    const { accelerator, kvmFault } = this.#options;
    if (directory !== undefined) {
      assertNamedWithin(directory, { allowed: directories, field: 'destination.directory' });
    }
    const { LibvirtTarget, ProcessVirsh } = await loadLibvirt();
    const parsed = parseLibvirtUri(uri, 'destination.libvirt_uri');
    return new LibvirtTarget({
      ...{ uri: parsed, clock, log, pool, directory, directories },
      ...(parsed.isLocal && { accelerator, kvmFault }),
      ...(readyText !== undefined && { readyTexts: [readyText] }),
      workDirectory: join(workDirectory, 'staging'),
      virsh: new ProcessVirsh({ uri: parsed, clock, environment: session }),
    });
  }
}

export async function hasUefi(): Promise<boolean> {
  try {
    await findEfiFirmware();
    return true;
  } catch {
    // It throws for no other reason, and the one who asks words it better.
    return false;
  }
}

/** When it is first needed: many servers never migrate anything. */
async function loadLibvirt() {
  const [target, virsh] = await Promise.all([
    import('#backends/libvirt/libvirt-target.ts'),
    import('#backends/libvirt/virsh.ts'),
  ]);
  return { ...target, ...virsh };
}
