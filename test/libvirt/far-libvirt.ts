/** A libvirtd with an empty pool, reached through an sshd as one of another host. */
import { join } from 'node:path';
import { ProcessVirsh } from '#backends/libvirt/virsh.ts';
import { systemClock } from '#kernel/clock.ts';
import { parseLibvirtUri, type LibvirtUri } from '#transfers/libvirt-uri.ts';
import { LibvirtFixture, type TestTarget } from './libvirt-fixture.ts';
import { PrivateSshd } from './private-sshd.ts';

const POOL = 'far';

export class FarLibvirt implements AsyncDisposable {
  readonly fixture: LibvirtFixture;
  readonly sshd: PrivateSshd;
  /** The directory of the pool. */
  readonly pool: string;

  private constructor(fixture: LibvirtFixture, sshd: PrivateSshd, pool: string) {
    this.fixture = fixture;
    this.sshd = sshd;
    this.pool = pool;
  }

  static async open(): Promise<FarLibvirt> {
    await using stack = new AsyncDisposableStack();
    const fixture = stack.use(await LibvirtFixture.open());
    const sshd = stack.use(await PrivateSshd.open(join(fixture.directory, 's')));
    const pool = await fixture.libvirtd.makeDirectory('pool');
    await fixture.virsh('pool-define-as', POOL, 'dir', `--target=${pool}`);
    await fixture.virsh('pool-start', POOL);
    stack.move();
    return new FarLibvirt(fixture, sshd, pool);
  }

  /** What a request names, and beside it what only tests may: which ssh is to be called. */
  uri(keyFile = this.sshd.keyFile, socket = this.fixture.libvirtd.socket): LibvirtUri {
    const parameters = `keyfile=${keyFile}&socket=${socket}`;
    const uri = parseLibvirtUri(`qemu+ssh://${this.sshd.authority}/session?${parameters}`);
    return { ...uri, text: `${uri.text}&command=${this.sshd.ssh}` };
  }

  virsh(uri = this.uri()): ProcessVirsh {
    return new ProcessVirsh({ uri, clock: systemClock, environment: {} });
  }

  /** One that knows nothing of what is there, as that of every attempt of a job. */
  async target(uri = this.uri(), workDirectory?: string): Promise<TestTarget> {
    const options = { uri, virsh: this.virsh(uri), pool: POOL };
    if (workDirectory === undefined) return await this.fixture.target(options);
    const { target, images } = await this.fixture.target({ ...options, workDirectory });
    return { target, images, workDirectory };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sshd[Symbol.asyncDispose]();
    await this.fixture[Symbol.asyncDispose]();
  }
}
