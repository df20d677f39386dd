import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';

import { findQemuUser } from './qemu-user.ts';

it('QEMU runs as the first fitting user of the host, and never as root', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'drover-user-'));
  try {
    const passwdPath = join(directory, 'passwd');
    const groupPath = join(directory, 'group');
    await writeFile(groupPath, 'root:x:0:\nkvm:x:104:someone\n');
    const find = async (passwd: string, isKvm = false) => {
      await writeFile(passwdPath, passwd);
      return await findQemuUser({ isKvm, passwdPath, groupPath });
    };
    const nobody = 'nobody:x:65534:65534:nobody:/:/bin/false\n';
    const libvirt = 'libvirt-qemu:x:64055:108::/var/lib/libvirt:/bin/false\n';
    assert.equal((await find(`root:x:0:0::/:\n${nobody}${libvirt}`))?.name, 'libvirt-qemu');
    assert.deepEqual(await find(nobody, true), { name: 'nobody', uid: 65534, gid: 104 });
    assert.equal((await find(`drover:x:0:0::/:\n${nobody}`))?.name, 'nobody');
    assert.equal(await find('root:x:0:0::/:\n'), undefined);
    await rm(passwdPath);
    assert.equal(await findQemuUser({ isKvm: false, passwdPath }), undefined);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
