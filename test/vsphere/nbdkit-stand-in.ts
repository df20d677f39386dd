/**
 * An nbdkit with a plugin for VDDK. Neither the plugin nor VMware's library is in Debian 12, so a
 * script stands for them: it takes the plugin's parameters, looks at login and disk as the library
 * would, and then becomes Debian's nbdkit, which gives the raw disk behind the VM's.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VSphereFixture } from './open-vsphere.ts';

export interface NbdkitStandIn extends AsyncDisposable {
  /** The settings migration.nbdkit and migration.vddkLibrary. */
  readonly nbdkit: string;
  readonly vddkLibrary: string;
  /** Of every start, the parameters of the plugin, and the process id. */
  readonly starts: () => Promise<readonly NbdkitStart[]>;
  /** From the next start on the disk comes at this rate. */
  readonly limitRate: (bytesPerSecond: number | undefined) => Promise<void>;
}

export interface NbdkitStart {
  readonly pid: number;
  readonly params: readonly string[];
}

export interface StandInOptions {
  readonly vsphere: VSphereFixture;
  readonly vms: readonly string[];
  /** What VDDK takes for right; the one of vSphere unless said. */
  readonly password?: string;
}

const SCRIPT = `#!/bin/sh
if [ "$1" = --dump-plugin ]; then
  [ "$2" = vddk ] || exit 1
  echo name=vddk
  [ -e "\${3#libdir=}/lib64/libvixDiskLib.so.8" ] && echo vddk_library_version=8
  exit 0
fi
here=\${0%/*}
IFS= read -r password <&3
exec 3<&-
seen=
start="$$"
for arg; do
  shift
  case "$seen$arg" in
    vddk) seen=yes ;;
    yesfile=*) name=$(printf %s "\${arg#file=}" | tr / _); start="$start	$arg" ;;
    yes*) start="$start	$arg" ;;
    *) set -- "$@" "$arg" ;;
  esac
done
echo "$start" >>"$here/starts"
fails() {
  exec /usr/bin/nbdkit "$@" eval get_size='echo 0' pread='exit 1' \\
    open="echo 'EPERM $said' >&2; exit 1"
}
if [ "$password" != "$(cat "$here/password")" ]; then
  said='VixDiskLib_ConnectEx: Cannot complete login due to an incorrect user name or password'
  fails "$@"
elif [ ! -e "$here/disks/$name" ]; then
  said='VixDiskLib_Open: You do not have access rights to this file'
  fails "$@"
elif [ -e "$here/rate" ]; then
  exec /usr/bin/nbdkit "$@" --filter=rate file "$here/disks/$name" rate="$(cat "$here/rate")"
fi
exec /usr/bin/nbdkit "$@" file "$here/disks/$name"
`;

export async function openNbdkitStandIn(options: StandInOptions): Promise<NbdkitStandIn> {
  const { vsphere, vms, password = vsphere.login.password } = options;
  const directory = await mkdtemp(join(tmpdir(), 'drover-vddk-test-'));
  const [nbdkit, vddkLibrary] = [join(directory, 'nbdkit'), join(directory, 'vddk')];
  await writeFile(nbdkit, SCRIPT);
  await chmod(nbdkit, 0o755);
  await mkdir(join(vddkLibrary, 'lib64'), { recursive: true });
  await writeFile(join(vddkLibrary, 'lib64', 'libvixDiskLib.so.8'), '');
  await writeFile(join(directory, 'password'), password);
  await writeFile(join(directory, 'starts'), '');
  await mkdir(join(directory, 'disks'));
  for (const { path, rawPath } of vms.flatMap((name) => vsphere.vm(name).disks)) {
    await symlink(rawPath, join(directory, 'disks', path.replaceAll('/', '_')));
  }
  return {
    ...{ nbdkit, vddkLibrary },
    async starts() {
      const lines = (await readFile(join(directory, 'starts'), 'utf8')).split('\n');
      return lines
        .filter((line) => line !== '')
        .map((line) => {
          const [pid, ...params] = line.split('\t');
          return { pid: Number(pid), params };
        });
    },
    async limitRate(bytesPerSecond) {
      const path = join(directory, 'rate');
      if (bytesPerSecond === undefined) await rm(path, { force: true });
      else await writeFile(path, String(8 * bytesPerSecond));
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}
