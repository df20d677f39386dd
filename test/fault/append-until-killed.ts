/**
 * A program that appends ticks to a history until it is killed, as fast as it can, and prints each
 * instant once it is appended. A cut comes every minute of samples, so that it is often sealing.
 */
import { systemClock } from '#kernel/clock.ts';
import { HistoryPlace, TestTicks } from '#test/history-fixture.ts';

const TICKS_AT_ONCE = 10;

const [directory = '', start = '0'] = process.argv.slice(2);
const place = await HistoryPlace.at(directory);
const history = await place.open({ clock: systemClock, cutEveryMs: 60_000 });
const ticks = new TestTicks();
process.stdout.write('open\n');
for (let atMs = Number(start); ;) {
  for (let count = 0; count < TICKS_AT_ONCE; count += 1) {
    ticks.tick(history, atMs);
    process.stdout.write(`${atMs}\n`);
    atMs += 1000;
  }
  // Sealing goes on in between.
  await new Promise((resolve) => setImmediate(resolve));
}
