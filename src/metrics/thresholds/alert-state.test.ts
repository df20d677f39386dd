import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  nextState,
  type AlertState,
  type AlertTerms,
  type Instant,
  type Observation,
} from './alert-state.ts';

const TERMS: AlertTerms = {
  comparison: '>',
  value: 90,
  hysteresis: 5,
  forMs: 3000,
  cooldownMs: 0,
  repeatMs: undefined,
};

/** A number is a value, `-` is absent, `?` is unknown. */
type Sign = number | '-' | '?';

function signToSeen(sign: Sign): Observation {
  if (sign === '-') return { kind: 'absent' };
  return sign === '?' ? { kind: 'unknown' } : { kind: 'value', value: sign };
}

interface Walk {
  readonly terms?: Partial<AlertTerms>;
  /** One a second. */
  readonly signs: readonly Sign[];
  /** What the wall clock and the monotonic clock say at each; by default they agree. */
  readonly instant?: (second: number) => Partial<Instant>;
  readonly start?: AlertState;
}

/** `.` inactive, p pending, F firing, r resolved; `!` after a notice, `~` a repeated one. */
function walk({ terms = {}, signs, instant = () => ({}), start }: Walk) {
  let state = start;
  let text = '';
  for (const [second, sign] of signs.entries()) {
    const now = { atMs: second * 1000, monotonicMs: second * 1000, longestStepMs: 5000 };
    const full = { ...TERMS, ...terms };
    const step = nextState(full, state, signToSeen(sign), { ...now, ...instant(second) });
    ({ state } = step);
    const letter = { pending: 'p', firing: 'F', resolved: 'r' }[state?.kind ?? 'pending'];
    text += state === undefined ? '.' : letter;
    if (step.notice !== undefined) text += step.notice === 'repeated' ? '~' : '!';
  }
  return { text, state };
}

const repeat = (count: number, sign: Sign): Sign[] => Array<Sign>(count).fill(sign);

describe('nextState', () => {
  const table: readonly (Walk & { readonly title: string; readonly expected: string })[] = [
    {
      title: 'stays inactive below the threshold, and at it',
      signs: [1, 90, '-', '?', 50],
      expected: '.....',
    },
    {
      title: 'fires once the threshold was crossed for as long as it says',
      signs: [95, 95, 95, 95, 95],
      expected: 'pppF!F',
    },
    {
      title: 'fires at the first sample when it says no time',
      terms: { forMs: 0 },
      signs: [50, 95],
      expected: '.F!',
    },
    {
      title: 'starts over when one sample is good',
      signs: [95, 95, 95, 90, 95, 95, 95, 95],
      expected: 'ppp.pppF!',
    },
    {
      title: 'does not resolve before the value is back by the hysteresis',
      terms: { forMs: 0 },
      signs: [95, 89, 86, 85, 80],
      expected: 'F!FFr!.',
    },
    {
      title: 'knows which way back lies for a lower bound',
      terms: { forMs: 0, comparison: '<', value: 10 },
      signs: [9, 12, 14.9, 15],
      expected: 'F!FFr!',
    },
    {
      title: 'resolves equality by any other value',
      terms: { forMs: 0, comparison: '==', value: 0, hysteresis: 0 },
      signs: [1, 0, 1],
      expected: '.F!r!',
    },
    {
      title: 'resolves inequality by the value',
      terms: { forMs: 0, comparison: '!=', value: 1, hysteresis: 0 },
      signs: [1, 0, 1],
      expected: '.F!r!',
    },
    {
      title: 'stays pending within the cooldown and fires when it is over',
      terms: { forMs: 0, cooldownMs: 6000 },
      signs: [95, 50, 95, 95, 50, 95, 95, 95],
      expected: 'F!r!pprpF!F',
    },
    {
      title: 'forgets a cooldown that is over',
      terms: { forMs: 0, cooldownMs: 3000 },
      signs: [95, 50, 50, 50, 95],
      expected: 'F!r!r.F!',
    },
    {
      title: 'tells again while it fires, when asked to',
      terms: { forMs: 0, repeatMs: 2000 },
      signs: [95, 95, 95, 95, 95, 50],
      expected: 'F!FF~FF~r!',
    },
    {
      title: 'does not count for `for` the time that ended without a sample',
      signs: [95, '-', '-', 95, 95, 95],
      expected: 'pppppF!',
    },
    {
      title: 'drops what was pending and is gone for ten seconds',
      signs: [95, ...repeat(11, '-')],
      expected: 'pppppppppp..',
    },
    {
      title: 'resolves what fired and is gone for ten seconds',
      terms: { forMs: 0 },
      signs: [95, ...repeat(10, '-'), '-'],
      expected: 'F!FFFFFFFFFr!.',
    },
    {
      title: 'begins counting anew when it is seen in between',
      terms: { forMs: 0 },
      signs: [95, ...repeat(9, '-'), 95, ...repeat(9, '-')],
      expected: 'F!FFFFFFFFFFFFFFFFFFF',
    },
    {
      title: 'keeps what fires for as long as nobody can look',
      terms: { forMs: 0 },
      signs: [95, ...repeat(30, '?'), 50],
      expected: `F!${'F'.repeat(30)}r!`,
    },
  ];
  for (const { title, expected, ...how } of table) {
    it(title, () => {
      assert.equal(walk(how).text, expected);
    });
  }

  it('goes by the time between samples, wherever the wall clock is set', () => {
    for (const jumpMs of [-86_400_000, -3600_000, 3600_000, 86_400_000]) {
      const { text, state } = walk({
        signs: [95, 95, 95, 95, 95],
        instant: (second) => ({ atMs: second * 1000 + (second >= 2 ? jumpMs : 0) }),
      });
      assert.equal(text, 'pppF!F');
      assert.ok(state?.kind === 'firing' && state.sinceMs === 0);
    }
  });

  it('does not fire at once after the host slept, and not never', () => {
    const slept = (second: number) => ({ monotonicMs: second * 1000 + (second >= 1 ? 9e6 : 0) });
    const terms = { forMs: 8000 };
    const { text } = walk({ terms, signs: repeat(6, 95), instant: slept });
    // The step over the sleep counts for five seconds.
    assert.equal(text, 'ppppF!F');
  });

  it('has more patience with what it has not seen since a restart', () => {
    const start: AlertState = {
      kind: 'firing',
      sinceMs: -1e6,
      value: undefined,
      lookedAtMs: 0,
      missedTicks: 0,
      missedMs: 0,
      patienceMs: 60_000,
      noticedAtMs: -1e6,
    };
    const { text } = walk({ start, signs: repeat(62, '-') });
    assert.equal(text, `${'F'.repeat(60)}r!.`);
  });

  it('never tells of a crossing twice, nor of an end without one', () => {
    const signs = [95, 50, 88, '-', '?'] as const;
    let seed = 7;
    const next = () => (seed = (seed * 48_271) % 2_147_483_647);
    for (let round = 0; round < 300; round += 1) {
      const terms = {
        forMs: (next() % 3) * 1000,
        cooldownMs: (next() % 3) * 5000,
        repeatMs: next() % 2 === 0 ? undefined : 2000,
      };
      const path = Array.from({ length: 80 }, () => signs[next() % signs.length] ?? '-');
      const notices = walk({ terms, signs: path }).text.replaceAll(/F~|[^Fr!]/g, '');
      const told = notices.match(/[Fr]!/g) ?? [];
      for (const [at, notice] of told.entries()) {
        assert.equal(notice, at % 2 === 0 ? 'F!' : 'r!', `${path.join()} ${notices}`);
      }
    }
  });
});
