/** A client of the double for its own tests: as little of one as will do. */
import { once } from 'node:events';
import { request } from 'node:https';
import type { RequestOptions } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';

import type { VSphereFixture } from './open-vsphere.ts';
import { callXml, envelope, referenceXml } from './soap-message.ts';
import type { Reference } from './soap-message.ts';
import { childOf, escapeXml, parseXml } from './xml-element.ts';
import type { XmlElement } from './xml-element.ts';

export interface Fetched {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Said {
  /** Of the answer: what is inside the `…Response`. */
  readonly result: XmlElement | undefined;
  readonly results: readonly XmlElement[];
  /** The type of the fault. */
  readonly fault: string | undefined;
  readonly text: string;
}

const COLLECTOR = { type: 'PropertyCollector', value: 'propertyCollector' };

export class SoapProbe {
  readonly #vsphere: VSphereFixture;
  cookie: string | undefined;

  constructor(vsphere: VSphereFixture) {
    this.#vsphere = vsphere;
  }

  async fetch(path: string, options: RequestOptions = {}, body = ''): Promise<Fetched> {
    const sent = request(new URL(path, this.#vsphere.url), {
      ca: this.#vsphere.ca,
      agent: false,
      ...options,
      headers: {
        ...(this.cookie === undefined ? {} : { cookie: this.cookie }),
        ...(options.headers as Record<string, string> | undefined),
      },
    });
    sent.end(body);
    const [response] = await once(sent, 'response');
    const { statusCode: status = 0, headers } = response;
    return { status, headers, body: await buffer(response) };
  }

  async call(method: string, target: Reference, content = ''): Promise<Said> {
    const xml = callXml(method, target, content);
    const { headers, body } = await this.fetch('/sdk', { method: 'POST' }, envelope(xml));
    this.cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? this.cookie;
    const text = body.toString();
    const said = childOf(parseXml(text), 'Body')?.children[0];
    const fault = childOf(said, 'detail')?.children[0]?.attributes.get('xsi:type');
    return { result: said?.children[0], results: said?.children ?? [], fault, text };
  }

  async login(password = this.#vsphere.login.password): Promise<Said> {
    const name = `<userName>${escapeXml(this.#vsphere.login.username)}</userName>`;
    const word = `<password>${escapeXml(password)}</password>`;
    return await this.call(
      'Login',
      { type: 'SessionManager', value: 'SessionManager' },
      name + word,
    );
  }

  async retrieve(specSet: string, options = ''): Promise<Said> {
    const content = `<specSet>${specSet}</specSet><options>${options}</options>`;
    return await this.call('RetrievePropertiesEx', COLLECTOR, content);
  }

  async property(target: Reference, path: string): Promise<XmlElement | undefined> {
    const what = `<propSet><type>${target.type}</type><pathSet>${path}</pathSet></propSet>`;
    const said = await this.retrieve(
      `${what}<objectSet>${referenceXml('obj', target)}</objectSet>`,
    );
    return childOf(said.result, 'objects', 'propSet', 'val');
  }
}
