/**
 * The HTTPS server that clients of the double talk to. What the simulator does well is passed on
 * to it; the rest is answered by the parts beside this file.
 *
 *   /sdk      SOAP: trouble? → session? → leases, changed areas, pages → simulator
 *   /nfc      disks of leases, as streams without a length
 *   /folder   files of datastores, by ranges
 */
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';

import type { Clock } from '#kernel/clock.ts';
import type { KeyPair } from '#test/certificates.ts';
import { ByteTroubles } from './byte-trouble.ts';
import type { ServedDisk } from './byte-trouble.ts';
import { ChangedAreas } from './changed-areas.ts';
import { DatastoreFiles } from './datastore-files.ts';
import { sendFileBody } from './file-body.ts';
import type { HostedVm } from './hosted-vm.ts';
import { Leases, NVRAM } from './leases.ts';
import { PropertyPages } from './property-pages.ts';
import { Sessions } from './sessions.ts';
import type { Simulator } from './simulator.ts';
import { faultAnswer, parseRequest, withVcenterTypes } from './soap-message.ts';
import type { Reference, SoapAnswer, SoapRequest } from './soap-message.ts';
import { SoapTroubles } from './soap-trouble.ts';

export interface VSphereProxyOptions {
  readonly simulator: Simulator;
  readonly kind: 'vcenter' | 'esxi';
  readonly clock: Clock;
  readonly pair: KeyPair;
  /** SHA-1, as leases have it. */
  readonly thumbprint: string;
  readonly username: string;
  readonly password: string;
  readonly leaseTimeoutSeconds: number;
  readonly leaseInitializingMs: number;
  readonly mostObjectsPerPage: number;
  readonly deniedPrivileges: readonly string[];
}

export class VSphereProxy implements AsyncDisposable {
  readonly calls = new Map<string, number>();
  readonly soapTroubles = new SoapTroubles();
  readonly byteTroubles = new ByteTroubles();
  readonly sessions = new Sessions();
  readonly leases: Leases;
  readonly changedAreas: ChangedAreas;
  readonly #options: VSphereProxyOptions;
  readonly #pages: PropertyPages;
  readonly #files: DatastoreFiles;
  readonly #vms: HostedVm[] = [];
  readonly #served = new Map<string, number>();
  #server: Server | undefined;
  #port = 0;

  constructor(options: VSphereProxyOptions) {
    const { simulator, clock, thumbprint, username, password } = options;
    this.#options = options;
    const vmOf = (ref: Reference) => this.#vms.find((vm) => vm.ref.value === ref.value);
    this.leases = new Leases({
      ...{ simulator, clock, thumbprint, vmOf },
      timeoutSeconds: options.leaseTimeoutSeconds,
      initializingMs: options.leaseInitializingMs,
    });
    this.changedAreas = new ChangedAreas(vmOf);
    this.#pages = new PropertyPages(options.mostObjectsPerPage);
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    this.#files = new DatastoreFiles({
      ...{ clock, vms: this.#vms, troubles: this.byteTroubles },
      needsDatacenter: options.kind === 'vcenter',
      isAllowed: ({ headers }) =>
        headers.authorization === basic || this.sessions.find(headers) !== undefined,
      onSent: (disk, bytes) => this.#count(disk, bytes),
    });
  }

  get port(): number {
    return this.#port;
  }

  host(vm: HostedVm): void {
    this.#vms.push(vm);
  }

  /** Bytes of bodies handed out, of one disk or of all that match. */
  served(which: Partial<ServedDisk> = {}): number {
    let sum = 0;
    for (const [key, bytes] of this.#served) {
      const [transport, vm, label] = key.split('\n');
      const isMeant =
        (which.transport ?? transport) === transport &&
        (which.vm ?? vm) === vm &&
        (which.label ?? label) === label;
      if (isMeant) sum += bytes;
    }
    return sum;
  }

  /** The first time on a free port; then always on that one. */
  async start(): Promise<void> {
    const { cert, key } = this.#options.pair;
    const server = createServer({ cert, key }, (request, response) => {
      this.#answer(request, response).catch((thrown: unknown) => {
        response.destroy(thrown instanceof Error ? thrown : undefined);
      });
    });
    // A client that hangs up in the middle is what many tests are about.
    server.on('clientError', (_, socket) => socket.destroy());
    await once(server.listen(this.#port, '127.0.0.1'), 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Drops every connection and refuses new ones. What was only in memory is gone. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server.close(), 'close');
    server.closeAllConnections();
    await closed;
    this.sessions.removeAll();
    await this.leases.forgetAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://double');
    if (url.pathname.startsWith('/nfc/')) return await this.#answerNfc(request, response, url);
    if (url.pathname.startsWith('/folder/')) {
      return await this.#files.answer(request, response, url);
    }
    if (request.method === 'GET' && url.pathname === '/sdk/vimServiceVersions.xml') {
      return send(response, await this.#options.simulator.send(url.pathname, ''));
    }
    if (request.method !== 'POST' || !/^\/sdk(\/vimService)?$/.test(url.pathname)) {
      return send(response, { status: 404, text: '' });
    }
    return await this.#answerSoap(request, response);
  }

  async #answerSoap(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = parseRequest(await readText(request), request.headers);
    this.calls.set(call.method, (this.calls.get(call.method) ?? 0) + 1);
    const trouble = this.soapTroubles.take(call.method);
    if (trouble?.delayMs !== undefined) await this.#options.clock.sleep(trouble.delayMs);
    const outcome = trouble?.outcome;
    if (outcome === 'reset') return void response.destroy();
    if (outcome === 'unavailable') return send(response, { status: 503, text: 'not now\n' });
    if (typeof outcome === 'object') {
      return send(response, faultAnswer(outcome.fault, `${outcome.fault} on demand.`));
    }
    const given = await this.#carryOut(call);
    if (outcome === 'lost') return void response.destroy();
    return send(response, given);
  }

  async #carryOut(call: SoapRequest): Promise<SoapAnswer> {
    const refusal = this.sessions.refusal(call);
    if (refusal !== undefined) return refusal;
    const session = this.sessions.find(call.headers);
    const own =
      (await this.leases.handle(call)) ??
      this.changedAreas.handle(call) ??
      this.#pages.handle(call, session?.id ?? '');
    if (own !== undefined) return own;
    const given = await this.#passOn(call, session?.simulatorCookie);
    if (call.method === 'Logout') this.sessions.remove(session?.id ?? '');
    if (call.method !== 'RetrievePropertiesEx') return given;
    return this.#pages.firstPage(call, given, session?.id ?? '');
  }

  async #passOn(call: SoapRequest, simulatorCookie: string | undefined): Promise<SoapAnswer> {
    const { simulator, deniedPrivileges } = this.#options;
    const given = await simulator.send('/sdk', call.text, simulatorCookie);
    const cookie = given.cookie === undefined ? undefined : this.sessions.add(given.cookie);
    let { text } = given;
    // Clients must understand either way of naming types, and meet both.
    const count = this.calls.get(call.method) ?? 0;
    if (count % 2 === 1) text = withVcenterTypes(text);
    for (const privilege of call.method.includes('Privilege') ? deniedPrivileges : []) {
      text = text.replaceAll(
        `<privId>${privilege}</privId><isGranted>true<`,
        `<privId>${privilege}</privId><isGranted>false<`,
      );
      text = text.replaceAll(`<privileges>${privilege}</privileges>`, '');
    }
    return { status: given.status, text, cookie };
  }

  async #answerNfc(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const found = this.leases.find(url.pathname);
    if (found === undefined) return send(response, { status: 404, text: '' });
    if (request.method !== 'GET') return send(response, { status: 405, text: '' });
    response.setHeader('content-type', 'application/x-vnd.vmware-streamVmdk');
    const { vm, disk, over } = found;
    if (disk === undefined) return void response.end(NVRAM);
    const served = { transport: 'nfc', vm: vm.name, label: disk.label } as const;
    const path = await disk.streamPath();
    const body = {
      path,
      offset: 0,
      length: (await stat(path)).size,
      trouble: this.byteTroubles.take(served),
      onSent: (bytes: number) => this.#count(served, bytes),
    };
    return await sendFileBody(response, body, this.#options.clock, over);
  }

  #count({ transport, vm, label }: ServedDisk, bytes: number): void {
    const key = [transport, vm, label].join('\n');
    this.#served.set(key, (this.#served.get(key) ?? 0) + bytes);
  }
}

function send(response: ServerResponse, { status, text, cookie }: SoapAnswer): void {
  response.writeHead(status, {
    'content-type': 'text/xml; charset=utf-8',
    'cache-control': 'no-cache',
    'content-length': Buffer.byteLength(text),
    ...(cookie === undefined ? {} : { 'set-cookie': cookie }),
  });
  response.end(text);
}
