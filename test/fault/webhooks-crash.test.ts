/** kill -9 amid deliveries: what was committed arrives, in order; some of it may arrive twice. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#kernel/clock.ts';
import { randomFraction } from '#kernel/random.ts';
import { DIALECTS, openStoresAt, useDatabases } from '#test/contract/databases.ts';
import { webhookOf } from '#test/contract/webhook-store.ts';
import { openReceiver, type Received, type WebhookReceiver } from '#test/webhook-receiver.ts';

const PROGRAM = fileURLToPath(new URL('deliver-until-killed.ts', import.meta.url));
const LIMITS = { perOwner: 1, inAll: 1 };
const CRASHES = 6;
/** Of each run: more than are delivered until it is killed. */
const MANY = 500;

class Deliverer {
  readonly #child;
  readonly #exited;
  /** Numbers whose events it said are committed. */
  readonly written: number[] = [];

  constructor(url: string, first: number, count: number) {
    const args = [PROGRAM, url, String(first), String(count)];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#exited = once(this.#child, 'close');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.written.push(Number(line));
    });
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

function numberOf({ body }: Received): number {
  const { data } = JSON.parse(body.toString()) as { data: { rule: { id: string } } };
  return Number(data.rule.id);
}

/** Numbers in the order in which each came first. */
function firstArrivals({ received }: WebhookReceiver): number[] {
  return [...new Set(received.map(numberOf))];
}

for (const dialect of DIALECTS) {
  describe(`deliveries with ${dialect}`, () => {
    const createUrl = useDatabases(dialect);

    it('survive kill -9 at any moment', async (t) => {
      const url = await createUrl();
      await using receiver = await openReceiver();
      {
        await using stores = await openStoresAt(url);
        await stores.webhooks.insert(webhookOf('a', { url: receiver.url, filter: {} }), LIMITS);
      }
      // It refuses some, so that crashes also come between an attempt and the next.
      receiver.statusOf = () => (randomFraction() < 0.01 ? 503 : 200);
      let next = 0;
      for (let crash = 0; crash < CRASHES; crash += 1) {
        const deliverer = new Deliverer(url, next, MANY);
        await receiver.until(receiver.received.length + 20);
        await systemClock.sleep(randomFraction() * 300);
        await deliverer.kill();
        const last = deliverer.written.at(-1);
        assert.ok(last !== undefined);
        // The one after it may be committed without having been told of.
        next = last + 2;
      }
      receiver.statusOf = () => 200;
      const final = new Deliverer(url, next, 1);
      for (let seen = 0, isThere = false; !isThere; seen += 1) {
        await receiver.until(seen + 1);
        const arrived = receiver.received[seen];
        isThere = arrived !== undefined && numberOf(arrived) === next;
      }
      await final.kill();
      const arrivals = firstArrivals(receiver);
      assert.deepEqual(
        arrivals,
        arrivals.toSorted((one, other) => one - other),
        'the order is kept',
      );
      const missing = Array.from({ length: next }, (_, at) => at).filter(
        (at) => !arrivals.includes(at),
      );
      t.diagnostic(
        `${arrivals.length} events, ${receiver.received.length} deliveries, ` +
          `${missing.length} numbers never committed`,
      );
      assert.ok(missing.length <= CRASHES, `missing: ${missing.join(' ')}`);
      await using stores = await openStoresAt(url);
      const committed = await stores.events.read({ afterId: 0, limit: 1_000_000 });
      assert.deepEqual(
        arrivals,
        committed.map(({ event }) => ('ruleId' in event ? Number(event.ruleId) : -1)),
        'what is in the log has arrived, and nothing else',
      );
      const idOf = new Map<number, unknown>();
      for (const one of receiver.received) {
        const id = one.headers['webhook-id'];
        assert.equal(idOf.get(numberOf(one)) ?? id, id, 'a repetition has the id of the first');
        idOf.set(numberOf(one), id);
      }
    });
  });
}
