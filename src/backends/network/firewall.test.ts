import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { DroverError } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { HostId } from '#kernel/ids.ts';
import { silentLog } from '#kernel/log.ts';
import { findPortRules } from './firewall-rules.ts';
import { Firewall } from './firewall.ts';
import { HostTools, parseJsonDocuments } from './host-tools.ts';
import type { HostTool, HostToolResult } from './host-tools.ts';
import { planTapNetwork } from './tap-network-options.ts';
import type { TapNetworkOptions } from './tap-network-options.ts';

const signal = new AbortController().signal;
const clock = new FakeClock();

/** A host whose nft answers as told. */
class HostWithNft extends HostTools {
  readonly #answer: () => HostToolResult;

  constructor(answer: () => HostToolResult) {
    super(clock, undefined);
    this.#answer = answer;
  }

  override run(tool: HostTool): Promise<HostToolResult> {
    assert.equal(tool, 'nft');
    return Promise.try(this.#answer);
  }
}

const withoutNft = new HostWithNft(() => {
  throw new DroverError('failed_precondition', 'nft is missing', { reason: 'PROGRAM_MISSING' });
});
const withoutBridgeFamily = new HostWithNft(() => ({
  isSuccess: false,
  stdout: '',
  stderr: 'Error: Could not process rule: Operation not supported\n',
}));

function planOf(changes: Partial<TapNetworkOptions>) {
  return planTapNetwork({ hostId: 'h' as HostId, clock, log: silentLog, ...changes });
}

describe('Firewall', () => {
  it('goes without on a host that has none, where the bridge isolates machines', async () => {
    const missing = await Firewall.open(withoutNft, planOf({}), signal);
    assert.equal(missing.unenforcedBecause, 'the program nft is missing');
    const refused = await Firewall.open(withoutBridgeFamily, planOf({}), signal);
    assert.match(refused.unenforcedBecause ?? '', /Operation not supported$/);
    await refused.remove(['dt000000000000'], signal);
    assert.deepEqual(await refused.ruledTaps(signal), new Set());
  });

  for (const changes of [{ isolation: 'customer' }, { masquerade: true }] as const) {
    it(`refuses ${Object.keys(changes).join()} on such a host`, async () => {
      await assert.rejects(Firewall.open(withoutNft, planOf(changes), signal), {
        kind: 'failed_precondition',
        reason: 'FIREWALL_UNAVAILABLE',
      });
    });
  }

  it('says which capability is missing when it may not', async () => {
    const stderr = 'Operation not permitted (you must be root)';
    const tools = new HostWithNft(() => ({ isSuccess: false, stdout: '', stderr }));
    await assert.rejects(Firewall.open(tools, planOf({}), signal), {
      reason: 'NETWORK_NOT_PERMITTED',
    });
  });
});

describe('findPortRules', () => {
  it('finds a tap in sets, maps and chains, and nothing of other taps', () => {
    const listing = {
      nftables: [
        { metainfo: { version: '1.0.6' } },
        { set: { name: 'ports', elem: ['dt01', 'dt02'] } },
        { map: { name: 'tenants_a', elem: [['dt01', 7]] } },
        { map: { name: 'guests' } },
        { chain: { name: 'dt01' } },
        { chain: { name: 'to_dt02' } },
        { chain: { name: 'forward' } },
      ],
    };
    assert.deepEqual(
      findPortRules(listing, (tap) => tap === 'dt01'),
      {
        elements: [
          { name: 'ports', tap: 'dt01' },
          { name: 'tenants_a', tap: 'dt01' },
        ],
        chains: ['dt01'],
      },
    );
    assert.deepEqual(
      findPortRules(undefined, () => true),
      { elements: [], chains: [] },
    );
  });
});

describe('parseJsonDocuments', () => {
  it('reads one array after the other, on one line or on many', () => {
    const text = '[{"a":[1]}]\n\n[{\n"b":[2]\n}]\n';
    assert.deepEqual(parseJsonDocuments(text), [{ a: [1] }, { b: [2] }]);
    assert.deepEqual(parseJsonDocuments(''), []);
  });

  it('refuses what ends in the middle', () => {
    assert.throws(() => parseJsonDocuments('[{"a":1}'), { reason: 'NETWORK_UNREADABLE' });
  });
});

describe('planTapNetwork', () => {
  it('fills in what is not said', () => {
    const plan = planOf({});
    assert.equal(plan.bridge, 'drover0');
    assert.equal(plan.ipv4.cidr, '172.31.0.0/19');
    assert.equal(plan.ipv6?.cidr, 'fd00:d0e:5a1c:77::/64');
    assert.equal(plan.isolation, 'machine');
    assert.equal(plan.masquerade, false);
    assert.equal(planOf({ ipv6Subnet: 'none' }).ipv6, undefined);
  });

  it('refuses names the kernel or nftables would misread, and servers without address', () => {
    for (const bridge of ['', '0br', 'br 0', 'br0;', 'a-name-too-long1']) {
      assert.throws(() => planOf({ bridge }), /network bridge: must be at most 15/);
    }
    assert.throws(() => planOf({ dnsServers: ['1.1.1.1', 'dns.example'] }), /not dns\.example/);
  });
});
