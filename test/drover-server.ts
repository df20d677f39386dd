/**
 * The whole server with fakes behind its ports: real listener, real stores in a temporary
 * directory, and image files such that the documented example of CreateVm works as it stands.
 */
import { chmod, mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Backends } from '#apps/drover/backends.ts';
import type { MigrationConfig } from '#apps/drover/config-migration.ts';
import type { WorkersConfig } from '#apps/drover/config-workers.ts';
import { parseConfig, type Config } from '#apps/drover/config.ts';
import type { ContextOverrides } from '#apps/drover/context.ts';
import { openServer, type DroverServer } from '#apps/drover/server.ts';
import { FakeHost, FakeHypervisor } from '#backends/fake/fake-hypervisor.ts';
import { FakeNetwork } from '#backends/fake/fake-network.ts';
import { createImageCatalog } from '#backends/qemu/image-catalog.ts';
import { createLogger } from '#surfaces/edge/logger.ts';

export interface TestServerOptions {
  readonly overrides?: ContextOverrides;
  /** Puts others in the place of the fakes. */
  readonly backends?: (fakes: Backends) => Backends;
  /** Over the configuration that tests use. */
  readonly config?: Partial<Config>;
  /** Over what that says of workers. */
  readonly workers?: Partial<WorkersConfig>;
  /** And over what that says of apps. */
  readonly apps?: Partial<WorkersConfig['apps']>;
  /** And of migrations. */
  readonly migration?: Partial<MigrationConfig>;
  /** Instead of SQLite in the data directory. */
  readonly databaseUrl?: string;
  /** Of an earlier server, which must be closed by now; it stays when this one closes. */
  readonly dataDir?: string;
  /** Of an earlier server: its guests run on. */
  readonly host?: FakeHost;
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly server: DroverServer;
  readonly host: FakeHost;
  readonly network: FakeNetwork;
  readonly dataDir: string;
  readonly imagesDir: string;
}

const IMAGE_BYTES = 1024 * 1024;
/** What `/assets` holds; `customers/123/` can be named by the customer 123 alone. */
const IMAGES = ['vmlinux-5.10', 'initrd', 'rootfs.ext4', 'data.img', 'customers/123/own.img'];

/** On a free port of loopback, with development tokens, without limits that tests would meet. */
export async function openTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  await using stack = new AsyncDisposableStack();
  const dataDir = options.dataDir ?? (await openDirectory(stack));
  const imagesDir = join(dataDir, 'images');
  await writeImages(imagesDir);
  const host = options.host ?? new FakeHost();
  const network = new FakeNetwork();
  const fakes: Backends = {
    hypervisor: new FakeHypervisor(host),
    network,
    images: createImageCatalog({ directories: [imagesDir] }),
  };
  const server = stack.use(
    await openServer(testConfig(dataDir, options), {
      log: createLogger({ level: 'silent' }),
      backends: options.backends?.(fakes) ?? fakes,
      ...options.overrides,
    }),
  );
  const { url } = server;
  const closing = stack.move();
  return {
    ...{ url, port: Number(new URL(url).port), server, host, network, dataDir, imagesDir },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** A data directory for several servers one after the other. */
export async function openTestDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const stack = new AsyncDisposableStack();
  const path = await openDirectory(stack);
  return { path, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function openDirectory(stack: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-api-'));
  stack.defer(() => rm(directory, { recursive: true }));
  // Workers are other users, and their apps lie in here.
  await chmod(directory, 0o755);
  return directory;
}

async function writeImages(directory: string): Promise<void> {
  for (const name of IMAGES) {
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await using file = await open(path, 'a');
    await file.truncate(IMAGE_BYTES);
  }
}

function testConfig(dataDir: string, options: TestServerOptions) {
  const { config: changes = {}, workers, apps, migration, databaseUrl } = options;
  const parsed = parseConfig({
    flags: new Map([
      ['data', dataDir],
      ['port', '0'],
    ]),
    env: {
      variables: {},
      currentDir: dataDir,
      homeDir: dataDir,
      dataHome: undefined,
      configHome: undefined,
      hostname: 'test-host',
      isRoot: false,
      wantsColour: false,
      govc: {},
      session: {},
    },
  });
  const config: Config = {
    ...parsed.config,
    capacity: { vcpusPerCore: 10_000, memory: { kind: 'size', bytes: 1024 ** 5 } },
    quota: { maxMachines: Infinity, maxVcpus: Infinity, maxMemoryMib: Infinity },
    drainMs: 1000,
    workers: {
      ...parsed.config.workers,
      ...workers,
      apps: { ...parsed.config.workers.apps, ...workers?.apps, ...apps },
    },
    migration: { ...parsed.config.migration, ...migration },
    ...changes,
  };
  const secrets = { ...parsed.secrets, ...(databaseUrl !== undefined && { databaseUrl }) };
  return { ...parsed, config, secrets };
}
