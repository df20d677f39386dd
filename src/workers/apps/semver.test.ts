import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import semver from 'semver';
import { randomFraction } from '#kernel/random.ts';
import { highestFitting, isVersion, parseWanted, sortVersions } from './semver.ts';

function pick(versions: readonly string[], text: string): string | undefined {
  const wanted = parseWanted(text);
  if (wanted === undefined || wanted.kind === 'current') return `refused ${text}`;
  return highestFitting(versions, wanted);
}

describe('versions', () => {
  it('are whole, without v, build or leading zeros', () => {
    for (const good of ['0.0.0', '1.2.3', '10.20.30', '1.0.0-beta.1', '1.0.0-x-y']) {
      assert.ok(isVersion(good), good);
    }
    const bad = ['', '1', '1.2', 'v1.2.3', '1.2.3+b', '01.2.3', '1.2.3-', '1.2.3-01', '1.2.3 '];
    for (const text of [...bad, '../1.2.3', 'latest', `1.0.0-${'x'.repeat(60)}`]) {
      assert.ok(!isVersion(text), text);
    }
  });

  it('are sorted by what they mean, highest first', () => {
    const versions = ['1.9.0', '1.10.0', '1.10.0-rc.1', '1.10.0-beta', '0.1.0'];
    assert.deepEqual(sortVersions(versions), [
      '1.10.0',
      '1.10.0-rc.1',
      '1.10.0-beta',
      '1.9.0',
      '0.1.0',
    ]);
  });
});

describe('what stands behind the @', () => {
  const there = ['1.2.3', '1.2.9', '1.10.0', '2.0.0', '2.1.0-beta.1', '2.1.0-beta.2'];

  it('means the highest that fits', () => {
    assert.equal(pick(there, '1'), '1.10.0');
    assert.equal(pick(there, '1.2'), '1.2.9');
    assert.equal(pick(there, '^1.2'), '1.10.0');
    assert.equal(pick(there, '~1.2.3'), '1.2.9');
    assert.equal(pick(there, '>=1.3'), '2.0.0');
    assert.equal(pick(there, '3'), undefined);
    assert.equal(pick(there, 'latest'), '2.0.0');
  });

  it('means itself alone when it is whole', () => {
    assert.equal(pick(there, '1.2.3'), '1.2.3');
    assert.equal(pick(there, '1.2.4'), undefined);
    assert.equal(pick(there, '2.1.0-beta.1'), '2.1.0-beta.1');
  });

  it('means a prerelease only when it names one', () => {
    assert.equal(pick(there, '2.1'), undefined);
    assert.equal(pick(there, '^2.1.0-beta.1'), '2.1.0-beta.2');
    assert.equal(pick(['1.0.0-a'], 'latest'), undefined);
    assert.equal(pick(['1.0.0-a'], '1'), undefined);
  });

  it('is refused when it is anything else', () => {
    const bad = ['', ' ', '*', 'x', '1.x', '1 || 2', '>1', '<=2', '1 - 2', '==1', '^', '1.2.3.4'];
    for (const text of [...bad, 'v1', 'Latest', '1.2-beta', '01', '9'.repeat(65)]) {
      assert.equal(parseWanted(text), undefined, text);
    }
  });

  it('means what npm takes it to mean, for any versions', () => {
    const number = (most: number) => Math.floor(randomFraction() * most);
    const version = () => {
      const pre =
        randomFraction() < 0.3 ? `-${['alpha', 'beta', 'rc'][number(3)]}.${number(3)}` : '';
      return `${number(3)}.${number(4)}.${number(4)}${pre}`;
    };
    for (let round = 0; round < 2000; round += 1) {
      const versions = [...new Set(Array.from({ length: 1 + number(12) }, version))];
      const whole = version();
      const [core = ''] = whole.split('-');
      const shorter = core
        .split('.')
        .slice(0, 1 + number(2))
        .join('.');
      for (const text of [
        whole,
        shorter,
        `^${whole}`,
        `~${whole}`,
        `>=${shorter}`,
        `^${shorter}`,
      ]) {
        assert.equal(pick(versions, text), semver.maxSatisfying(versions, text) ?? undefined, text);
      }
      const latest = pick(versions, 'latest');
      const releases = versions.filter((it) => !it.includes('-'));
      assert.equal(latest, releases.toSorted(semver.rcompare)[0]);
      if (latest !== undefined) assert.ok(releases.every((it) => semver.lte(it, latest)));
    }
  });
});
