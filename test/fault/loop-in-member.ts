/**
 * A server whose one member is in an endless loop. It says the member's pid, and is killed. Its
 * arguments are what the app is granted.
 */
import { ConfinedApps } from '#test/confined-app.ts';
import { GRANTS } from '#workers/worker-app.ts';

const apps = await ConfinedApps.open();
const app = await apps.start('export default { fetch() { for (;;); } };', {
  grants: GRANTS.filter((grant) => process.argv.includes(grant)),
});
// In a space of processes of its own it is found only when it is looked for.
await app.member.memory();
void app.ask().catch(() => undefined);
process.stdout.write(`${app.member.pid}\n`);
setInterval(() => undefined, 1000);
