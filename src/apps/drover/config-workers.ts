/** What the settings of the worker pool and its apps come to. */
import type { Grant } from '#workers/worker-app.ts';
import type { ConfigReader } from './config-reader.ts';
import { SETTINGS } from './config-settings.ts';
import type { ShareOrSize } from './config-values.ts';

export interface WorkersConfig {
  readonly size: number;
  readonly memory: ShareOrSize;
  readonly warm: number;
  readonly threads: number;
  readonly firstUid: number;
  readonly sseIntervalMs: number;
  readonly apps: {
    readonly allow: readonly Grant[];
    readonly directories: readonly string[];
    readonly allowPrivate: boolean;
    readonly maxMemoryBytes: number;
    readonly maxUploadBytes: number;
    readonly logBytes: number;
    readonly domain: string | undefined;
    /** From a host name, in lower case, to what is served there. */
    readonly hosts: ReadonlyMap<string, string>;
  };
}

const HOST_NAME = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;

export function readWorkers(reader: ConfigReader): WorkersConfig {
  return {
    size: reader.read(SETTINGS.workersSize),
    memory: reader.read(SETTINGS.workersMemory),
    warm: reader.read(SETTINGS.workersWarm),
    threads: reader.read(SETTINGS.workersThreads),
    firstUid: reader.read(SETTINGS.workersFirstUid),
    sseIntervalMs: reader.read(SETTINGS.sseInterval),
    apps: {
      allow: reader.read(SETTINGS.appsAllow),
      directories: reader.read(SETTINGS.appsDirectories) ?? [],
      allowPrivate: reader.read(SETTINGS.appsPrivate),
      maxMemoryBytes: reader.read(SETTINGS.appsMaxMemory),
      maxUploadBytes: reader.read(SETTINGS.appsMaxUpload),
      logBytes: reader.read(SETTINGS.appsLogSize),
      domain: reader.read(SETTINGS.appsDomain),
      hosts: readHosts(reader),
    },
  };
}

function readHosts(reader: ConfigReader): ReadonlyMap<string, string> {
  const hosts = new Map<string, string>();
  for (const entry of reader.read(SETTINGS.appsHosts)) {
    const { host, app, ...others } = entry;
    const [other] = Object.keys(others);
    if (other !== undefined) {
      reader.refuse(SETTINGS.appsHosts, `${other} is unknown; an entry has host and app`);
    } else if (typeof host !== 'string' || !HOST_NAME.test(host.toLowerCase())) {
      reader.refuse(SETTINGS.appsHosts, 'host must be the name of a host, without a port');
    } else if (typeof app !== 'string' || app === '') {
      reader.refuse(SETTINGS.appsHosts, `app must name what is served at ${host}`);
    } else if (hosts.has(host.toLowerCase())) {
      reader.refuse(SETTINGS.appsHosts, `${host} is there twice`);
    } else {
      hosts.set(host.toLowerCase(), app);
    }
  }
  return hosts;
}
