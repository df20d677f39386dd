import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeMigration, REQUEST, WEB_SERVER } from '#test/fake-migration.ts';
import { runPreflight } from './preflight.ts';

async function look(migration: FakeMigration, options: object): Promise<string> {
  const { options: given } = REQUEST;
  const result = await migration.run({
    ...REQUEST,
    options: { ...given, dry_run: true, ...options },
  });
  return JSON.stringify(result['findings']);
}

describe('the look before a migration', () => {
  it('asks for the privileges that this job needs, and for no others', async () => {
    const isOn = { powerState: 'poweredOn' } as const;
    for (const [vm, options, transport, stopsVm] of [
      [{}, { conversion_method: 'datastore' }, 'datastore', false],
      [{}, { conversion_method: 'nfc', power: 'shutdown' }, 'nfc', false],
      [{}, { conversion_method: 'vddk' }, undefined, false],
      [{}, {}, 'datastore', false],
      [{ snapshots: 1 }, {}, 'nfc', false],
      [isOn, { power: 'power-off' }, 'datastore', true],
      [isOn, {}, 'datastore', false],
    ] as const) {
      const migration = new FakeMigration();
      migration.transports = ['nfc', 'datastore'];
      migration.vm = { ...WEB_SERVER, ...vm };
      await look(migration, options);
      assert.deepEqual(migration.needs, { transport, stopsVm, removesCdroms: false });
    }
    const migration = new FakeMigration();
    await look(migration, { remove_cdrom: true });
    assert.equal(migration.needs?.removesCdroms, true);
  });

  it('warns of a disk whose content is not what its name says', async () => {
    const migration = new FakeMigration();
    const disks = WEB_SERVER.disks.map((disk) => ({ ...disk, oddFormat: 'raw' }));
    migration.vm = { ...WEB_SERVER, disks };
    const findings = await look(migration, {});
    assert.match(findings, /"code":"disk-format-odd","severity":"warning"/);
    assert.match(findings, /its content is taken for raw/);
  });

  it('looks at each VM that a pattern matches, and says of which it speaks', async () => {
    const migration = new FakeMigration();
    const path = 'DC0/vm/running';
    migration.others = [{ ...WEB_SERVER, path, powerState: 'poweredOn' }];
    const request = { ...REQUEST, vm_path: 'DC0/vm/*' };
    const { signal } = new AbortController();
    const findings = await runPreflight(migration, request, signal);
    assert.equal(migration.count('find'), 2);
    const errors = findings.filter(({ severity }) => severity === 'error');
    assert.deepEqual(
      errors.map(({ code, subject }) => `${code} ${subject}`),
      [`vm-is-running ${path}`],
    );
  });
});
