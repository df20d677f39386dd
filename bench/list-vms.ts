/**
 * The program that `discover` runs: `node list-vms.ts URL CA`, with the user and the password in
 * the environment. It lists all VMs as `/vms/list` does, and prints them as JSON.
 */
import { readFile } from 'node:fs/promises';
import { VSphereSourceOpener } from '#backends/vsphere/vsphere-source-opener.ts';
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';

const [url, authority] = process.argv.slice(2);
if (url === undefined || authority === undefined) throw new Error('which vCenter, and whose?');

const { SIMULATOR_USER: username = '', SIMULATOR_PASSWORD: password = '' } = process.env;
const trust = { ca: await readFile(authority, 'utf8'), thumbprint: undefined, isInsecure: false };
const { signal } = new AbortController();
await using opener = new VSphereSourceOpener({ clock: systemClock, log: silentLog });
const login = { kind: 'vsphere', url, username, password, datacenter: undefined, trust } as const;
await using source = await opener.open(login, signal);
process.stdout.write(JSON.stringify(await source.listVms({}, signal)));
