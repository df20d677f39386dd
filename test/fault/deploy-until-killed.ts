/**
 * A program that deploys, rolls back and removes until it is killed. It says what it is about to
 * do, and again once it is done: `begin deploy 0.0.7`, `done`. Arguments: the folder of the apps,
 * and the number of the first version.
 */
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MIB } from '#kernel/units.ts';
import { appArchive, FakeAppWorkers, inPieces, OPEN_POLICY } from '#test/app-fixture.ts';
import { AppService } from '#workers/apps/app-service.ts';

const [directory = '', first = ''] = process.argv.slice(2);
const { signal } = new AbortController();
const apps = await AppService.open({
  ...{ directory, workers: new FakeAppWorkers(), clock: systemClock, log: silentLog },
  ...{ policy: OPEN_POLICY, mostUploadBytes: MIB, logBytes: MIB },
});

async function doing(what: string, work: () => Promise<unknown>): Promise<void> {
  process.stdout.write(`begin ${what}\n`);
  await work();
  process.stdout.write('done\n');
}

for (let at = Number(first); ; at += 1) {
  const version = `0.0.${at}`;
  const names = Array.from({ length: 20 }, (_, file) => `lib/${file}.txt`);
  const files = Object.fromEntries(names.map((name) => [name, `${version} of ${name}`]));
  const archive = await appArchive('shop', version, { files: { 'main.js': '', ...files } });
  await doing(`deploy ${version}`, () => apps.deploy(inPieces(archive), { signal }));
  const before = apps.get('shop').versions[1]?.manifest.version;
  if (before === undefined) continue;
  if (at % 3 === 0) await doing(`current ${before}`, () => apps.rollback('shop', before));
  if (at % 3 === 1) await doing(`remove ${before}`, () => apps.remove('shop', before));
  if (at % 10 === 9) await doing('remove all', () => apps.remove('shop'));
}
