/** Keeps the guests' rules in nftables, and knows whether this host can enforce them at all. */
import { DroverError } from '#kernel/errors.ts';
import {
  addPortRules,
  bridgeRuleset,
  findPortRules,
  firewallTable,
  removeFoundRules,
  removePortRules,
} from './firewall-rules.ts';
import type { PortRules } from './firewall-rules.ts';
import { isPermissionRefusal, notPermitted } from './host-tools.ts';
import type { HostTools } from './host-tools.ts';
import { parseJson } from './json-shape.ts';
import type { TapNetworkPlan } from './tap-network-options.ts';

export class Firewall {
  readonly #tools: HostTools;
  readonly #plan: TapNetworkPlan;
  readonly #unenforcedBecause: string | undefined;

  private constructor(tools: HostTools, plan: TapNetworkPlan, unenforcedBecause?: string) {
    this.#tools = tools;
    this.#plan = plan;
    this.#unenforcedBecause = unenforcedBecause;
  }

  /**
   * Without nftables the bridge itself still keeps machines apart, so isolation per machine goes
   * on, saying what is missing; everything else that was asked for is refused.
   */
  static async open(
    tools: HostTools,
    plan: TapNetworkPlan,
    signal: AbortSignal,
  ): Promise<Firewall> {
    const why = await whyNotLoaded(tools, plan, signal);
    if (why === undefined) return new Firewall(tools, plan);
    if (plan.isolation === 'machine' && !plan.masquerade) return new Firewall(tools, plan, why);
    const wish = plan.masquerade ? 'masquerade' : 'isolation per customer';
    throw new DroverError(
      'failed_precondition',
      `${wish} needs nftables with its bridge family; this host lacks it`,
      { reason: 'FIREWALL_UNAVAILABLE', context: { why } },
    );
  }

  /** Undefined: everything is enforced. */
  get unenforcedBecause(): string | undefined {
    return this.#unenforcedBecause;
  }

  async add(ports: readonly PortRules[], signal: AbortSignal): Promise<void> {
    if (this.#unenforcedBecause !== undefined || ports.length === 0) return;
    const rules = addPortRules(this.#plan.bridge, ports);
    const call = { args: ['-f', '-'], stdin: rules, mayFail: true };
    const { isSuccess, stderr } = await this.#tools.run('nft', call, signal);
    if (isSuccess) return;
    // Whoever flushed the host's rules took our tables with them.
    const fixed = isAbsence(stderr) ? bridgeRuleset(this.#plan) : '';
    await this.#load(`${fixed}\n${rules}`, signal);
  }

  /** For when somebody emptied the host's rules: the fixed ones, and those of these ports. */
  async restore(ports: readonly PortRules[], signal: AbortSignal): Promise<void> {
    const { bridge } = this.#plan;
    await this.#load(`${bridgeRuleset(this.#plan)}\n${addPortRules(bridge, ports)}`, signal);
  }

  /** The taps that have rules; undefined when the table itself is gone. */
  async ruledTaps(signal: AbortSignal): Promise<ReadonlySet<string> | undefined> {
    if (this.#unenforcedBecause !== undefined) return new Set();
    const listing = await this.#list(['set', 'bridge', this.#table, 'ports'], signal);
    if (listing === undefined) return undefined;
    return new Set(findPortRules(listing, () => true).elements.map(({ tap }) => tap));
  }

  /** The kernel removes all or nothing and says which, so success is proof that they are gone. */
  async remove(taps: readonly string[], signal: AbortSignal): Promise<void> {
    if (this.#unenforcedBecause !== undefined || taps.length === 0) return;
    const stdin = removePortRules(this.#plan.bridge, taps);
    const call = { args: ['-f', '-'], stdin, mayFail: true };
    if ((await this.#tools.run('nft', call, signal)).isSuccess) return;
    // Never attached, or half detached: only what is there can be removed.
    await this.#removeFound(taps, signal);
  }

  async #removeFound(taps: readonly string[], signal: AbortSignal): Promise<void> {
    const listing = await this.#list(['table', 'bridge', this.#table], signal);
    const found = findPortRules(listing, (tap) => taps.includes(tap));
    const rules = removeFoundRules(this.#plan.bridge, found);
    if (rules !== '') await this.#load(rules, signal);
  }

  get #table(): string {
    return firewallTable(this.#plan.bridge);
  }

  /** Undefined when there is no such thing. */
  async #list(what: readonly string[], signal: AbortSignal): Promise<unknown> {
    const call = { args: ['-j', 'list', ...what], mayFail: true };
    const { isSuccess, stdout, stderr } = await this.#tools.run('nft', call, signal);
    if (isSuccess) return parseJson(stdout);
    if (isAbsence(stderr)) return undefined;
    throw new DroverError('unavailable', "the host's firewall could not be read", {
      reason: 'NETWORK_COMMAND_FAILED',
      context: { what, stderr: stderr.slice(0, 2000) },
    });
  }

  async #load(stdin: string, signal: AbortSignal): Promise<void> {
    await this.#tools.run('nft', { args: ['-f', '-'], stdin }, signal);
  }
}

async function whyNotLoaded(
  tools: HostTools,
  plan: TapNetworkPlan,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const call = { args: ['-f', '-'], stdin: bridgeRuleset(plan), mayFail: true };
    const { isSuccess, stderr } = await tools.run('nft', call, signal);
    if (isSuccess) return undefined;
    if (isPermissionRefusal(stderr)) throw notPermitted({ stderr });
    return `nft refused the rules: ${stderr.trim().split('\n')[0] ?? ''}`;
  } catch (thrown) {
    const isMissing = thrown instanceof DroverError && thrown.reason === 'PROGRAM_MISSING';
    if (isMissing) return 'the program nft is missing';
    throw thrown;
  }
}

function isAbsence(stderr: string): boolean {
  return /no such file/i.test(stderr);
}
