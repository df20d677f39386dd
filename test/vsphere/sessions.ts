/** Logins as the proxy gives them out. A session can end at any time, as those of vCenter do. */
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import { faultAnswer, referenceXml } from './soap-message.ts';
import type { SoapAnswer, SoapRequest } from './soap-message.ts';

const COOKIE = 'vmware_soap_session';
const WITHOUT_SESSION = /^(RetrieveServiceContent|Login\w*|CloneSession)$/;

export class Sessions {
  /** Ours to the simulator's. */
  readonly #simulatorCookies = new Map<string, string>();

  /** A header that sets what the client is to send. */
  add(simulatorCookie: string): string {
    const id = randomBytes(20).toString('hex');
    this.#simulatorCookies.set(id, simulatorCookie);
    return `${COOKIE}="${id}"; Path=/; HttpOnly; Secure; `;
  }

  /** Undefined without a valid session. */
  find(headers: IncomingHttpHeaders): { id: string; simulatorCookie: string } | undefined {
    const id = new RegExp(`${COOKIE}="?([0-9a-f]+)"?`).exec(headers.cookie ?? '')?.[1] ?? '';
    const simulatorCookie = this.#simulatorCookies.get(id);
    return simulatorCookie === undefined ? undefined : { id, simulatorCookie };
  }

  get count(): number {
    return this.#simulatorCookies.size;
  }

  remove(id: string): void {
    this.#simulatorCookies.delete(id);
  }

  removeAll(): void {
    this.#simulatorCookies.clear();
  }

  refusal({ method, target, headers }: SoapRequest): SoapAnswer | undefined {
    if (WITHOUT_SESSION.test(method) || this.find(headers) !== undefined) return undefined;
    const details = `${referenceXml('object', target)}<privilegeId>System.View</privilegeId>`;
    return faultAnswer('NotAuthenticated', 'The session is not authenticated.', details);
  }
}
