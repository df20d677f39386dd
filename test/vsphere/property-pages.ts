/**
 * Pages of RetrievePropertiesEx, which the simulator answers whole whatever it is asked. A page is
 * kept until it is fetched once or given up; a token is worth nothing to another session.
 */
import { randomBytes } from 'node:crypto';

import { answer, faultAnswer } from './soap-message.ts';
import type { SoapAnswer, SoapRequest } from './soap-message.ts';
import { textOf } from './xml-element.ts';

interface Rest {
  readonly session: string;
  readonly objects: readonly string[];
  readonly pageSize: number;
}

const OBJECTS = /<objects>.*?<\/objects>/gs;

export class PropertyPages {
  readonly #rests = new Map<string, Rest>();
  readonly #mostObjects: number;

  /** No page has more objects, whatever is asked for. */
  constructor(mostObjects: number) {
    this.#mostObjects = mostObjects;
  }

  /** The first page of what the simulator answers to `request`. */
  firstPage(request: SoapRequest, given: SoapAnswer, session: string): SoapAnswer {
    const asked = Number(textOf(request.body, 'options', 'maxObjects') ?? Infinity);
    const pageSize = Math.min(asked > 0 ? asked : Infinity, this.#mostObjects);
    const objects = given.status === 200 ? (given.text.match(OBJECTS) ?? []) : [];
    if (given.status === 200 && objects.length === 0) return answer(request.method);
    if (objects.length <= pageSize) return given;
    return this.#page(request.method, { session, objects, pageSize });
  }

  handle({ method, body }: SoapRequest, session: string): SoapAnswer | undefined {
    if (!/^(Continue|Cancel)RetrievePropertiesEx$/.test(method)) return undefined;
    const token = textOf(body, 'token') ?? '';
    const rest = this.#rests.get(token);
    if (rest?.session !== session) {
      const message = 'A specified parameter was not correct: token';
      return faultAnswer('InvalidArgument', message, '<invalidProperty>token</invalidProperty>');
    }
    this.#rests.delete(token);
    return method.startsWith('Cancel') ? answer(method) : this.#page(method, rest);
  }

  #page(method: string, { session, objects, pageSize }: Rest): SoapAnswer {
    const rest = objects.slice(pageSize);
    let token = '';
    if (rest.length > 0) {
      token = randomBytes(8).toString('hex');
      this.#rests.set(token, { session, objects: rest, pageSize });
    }
    const page = objects.slice(0, pageSize).join('');
    const tokenXml = token === '' ? '' : `<token>${token}</token>`;
    return answer(method, `<returnval>${tokenXml}${page}</returnval>`);
  }
}
