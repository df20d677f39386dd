/** A running simulator, and calls to it that go past the proxy. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { text as readText } from 'node:stream/consumers';

import { buildSimulator } from './simulator-program.ts';
import { callXml, envelope, referenceOf, referenceXml, resultOf } from './soap-message.ts';
import type { Reference, SoapAnswer } from './soap-message.ts';
import { childOf, escapeXml, textOf } from './xml-element.ts';
import type { XmlElement } from './xml-element.ts';

export interface Inventory {
  readonly vms?: number;
  readonly hosts?: number;
  /** For each host. */
  readonly folders?: number;
  readonly datacenters?: number;
}

export interface SimulatorOptions {
  readonly kind: 'vcenter' | 'esxi';
  readonly inventory: Inventory;
  readonly username: string;
  readonly password: string;
  /** Of its own: the simulator leaves its files here. */
  readonly directory: string;
}

const SERVICES = {
  vcenter: {
    SessionManager: 'SessionManager',
    SearchIndex: 'SearchIndex',
    PropertyCollector: 'propertyCollector',
  },
  esxi: {
    SessionManager: 'ha-sessionmgr',
    SearchIndex: 'ha-searchindex',
    PropertyCollector: 'ha-property-collector',
  },
};

export class Simulator implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #host: string;
  readonly #options: SimulatorOptions;
  readonly #agent = new Agent({ keepAlive: true });
  #cookie: string | undefined;

  private constructor(child: ChildProcess, host: string, options: SimulatorOptions) {
    this.#child = child;
    this.#host = host;
    this.#options = options;
  }

  static async open(options: SimulatorOptions): Promise<Simulator> {
    const { inventory } = options;
    const counts = ['vms', 'hosts', 'folders', 'datacenters'] as const;
    const args = counts.flatMap((name) =>
      inventory[name] === undefined ? [] : [`-${name}=${inventory[name]}`],
    );
    if (options.kind === 'esxi') args.push('-esx');
    const child = spawn(await buildSimulator(), args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        TMPDIR: options.directory,
        SIMULATOR_USER: options.username,
        SIMULATOR_PASSWORD: options.password,
      },
    });
    const ended = once(child, 'close').then(() => {
      throw new Error('the simulator of vSphere ended before it was ready');
    });
    ended.catch(() => undefined);
    const lines = createInterface({ input: child.stdout });
    const [host] = (await Promise.race([once(lines, 'line'), ended])) as [string];
    const simulator = new Simulator(child, host, options);
    await simulator.#login();
    return simulator;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Passes a message on as it is. */
  async send(path: string, body: string, cookie?: string): Promise<SoapAnswer> {
    const sent = request(`http://${this.#host}${path}`, {
      method: body === '' ? 'GET' : 'POST',
      agent: this.#agent,
      headers: {
        'content-type': 'text/xml; charset=utf-8',
        ...(cookie === undefined ? {} : { cookie }),
      },
    });
    sent.end(body);
    const [response] = await once(sent, 'response');
    return {
      status: response.statusCode ?? 0,
      text: await readText(response),
      cookie: response.headers['set-cookie']?.[0]?.split(';')[0],
    };
  }

  /** `content` is XML. The answer is what the call returns, or what its task ended with. */
  async call(method: string, target: Reference, content = ''): Promise<XmlElement | undefined> {
    const result = resultOf(await this.#post(method, target, content));
    if (!method.endsWith('_Task') || result === undefined) return result;
    // The simulator's tasks are over when the call returns.
    const info = await this.property(referenceOf(result), 'info');
    if (textOf(info, 'state') === 'success') return childOf(info, 'result');
    const message = textOf(info, 'error', 'localizedMessage') ?? '';
    const fault = childOf(info, 'error', 'fault')?.attributes.get('xsi:type');
    throw new Error(`${method} of the simulator fails with ${fault}: ${message}`);
  }

  async property(target: Reference, path: string): Promise<XmlElement | undefined> {
    return childOf(resultOf(await this.#retrieve(target, path)), 'objects', 'propSet', 'val');
  }

  /** The same as XML, element `val`. */
  async propertyText(target: Reference, path: string): Promise<string> {
    const { text } = await this.#retrieve(target, path);
    return /<val .*<\/val>/s.exec(text)?.[0] ?? '';
  }

  async find(path: string): Promise<Reference | undefined> {
    const content = `<inventoryPath>${escapeXml(path)}</inventoryPath>`;
    const found = await this.call('FindByInventoryPath', this.#service('SearchIndex'), content);
    return found === undefined || found.text === '' ? undefined : referenceOf(found);
  }

  /** Values are XML elements named `val`, with their type. `enter` makes a lease. */
  async change(
    target: Reference,
    values: Readonly<Record<string, string>>,
    kind: 'enter' | 'modify' = 'modify',
  ): Promise<void> {
    const changes = Object.entries(values).map(
      ([name, value]) => `<changeSet><name>${name}</name><op>assign</op>${value}</changeSet>`,
    );
    const update =
      '<update xmlns:xsd="http://www.w3.org/2001/XMLSchema" ' +
      'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">' +
      `<kind>${kind}</kind>${referenceXml('obj', target)}${changes.join('')}</update>`;
    const { status } = await this.send('/back-door', update);
    if (status !== 200) throw new Error(`the simulator does not take ${update}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'close');
    this.#child.stdin?.end();
    await ended;
  }

  async #login(): Promise<void> {
    const { username, password } = this.#options;
    const name = `<userName>${escapeXml(username)}</userName>`;
    const word = `<password>${escapeXml(password)}</password>`;
    const given = await this.#post('Login', this.#service('SessionManager'), name + word);
    resultOf(given);
    this.#cookie = given.cookie;
  }

  async #retrieve(target: Reference, path: string): Promise<SoapAnswer> {
    const what = `<propSet><type>${target.type}</type><pathSet>${path}</pathSet></propSet>`;
    const whose = `<objectSet>${referenceXml('obj', target)}</objectSet>`;
    const content = `<specSet>${what}${whose}</specSet><options/>`;
    return await this.#post('RetrievePropertiesEx', this.#service('PropertyCollector'), content);
  }

  async #post(method: string, target: Reference, content: string): Promise<SoapAnswer> {
    return await this.send('/sdk', envelope(callXml(method, target, content)), this.#cookie);
  }

  #service(type: keyof (typeof SERVICES)['vcenter']): Reference {
    return { type, value: SERVICES[this.#options.kind][type] };
  }
}

export function stringXml(value: string): string {
  return `<val xsi:type="xsd:string">${escapeXml(value)}</val>`;
}
