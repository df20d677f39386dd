/** The messages of vSphere's SOAP, as far as the double reads and writes them itself. */
import type { IncomingHttpHeaders } from 'node:http';

import { childOf, escapeXml, parseXml, textOf } from './xml-element.ts';
import type { XmlElement } from './xml-element.ts';

export interface Reference {
  readonly type: string;
  readonly value: string;
}

export interface SoapRequest {
  /** Such as `RetrievePropertiesEx`. */
  readonly method: string;
  readonly target: Reference;
  readonly body: XmlElement;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface SoapAnswer {
  readonly status: number;
  readonly text: string;
  readonly cookie?: string | undefined;
}

const NAMESPACES =
  'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ' +
  'xmlns:xsd="http://www.w3.org/2001/XMLSchema" ' +
  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

/** What the simulator writes for `xsi:type`; inside of such an element without the declaration. */
const LOCAL_TYPE = /(?: xmlns:XMLSchema-instance="[^"]*")? XMLSchema-instance:type=/g;

export function envelope(content: string): string {
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope ${NAMESPACES}>` +
    `<soapenv:Body>${content}</soapenv:Body></soapenv:Envelope>`
  );
}

/** `content` is the XML of the arguments. */
export function callXml(method: string, target: Reference, content: string): string {
  const self = referenceXml('_this', target);
  return `<${method} xmlns="urn:vim25">${self}${content}</${method}>`;
}

export function parseRequest(text: string, headers: IncomingHttpHeaders): SoapRequest {
  const [body] = childOf(parseXml(text), 'Body')?.children ?? [];
  if (body === undefined) throw new Error('a SOAP request without a body');
  return { method: body.name, target: referenceOf(childOf(body, '_this')), body, headers, text };
}

export function referenceOf(element: XmlElement | undefined): Reference {
  return { type: element?.attributes.get('type') ?? '', value: element?.text.trim() ?? '' };
}

/** The value that a call returned. */
export function resultOf({ status, text }: SoapAnswer): XmlElement | undefined {
  const [body] = childOf(parseXml(text), 'Body')?.children ?? [];
  if (status === 200) return childOf(body, 'returnval');
  const fault = childOf(body, 'detail')?.children[0]?.name ?? text;
  throw new Error(`the simulator answers ${fault}: ${textOf(body, 'faultstring')}`);
}

export function answer(method: string, returnval = ''): SoapAnswer {
  const text = envelope(`<${method}Response xmlns="urn:vim25">${returnval}</${method}Response>`);
  return { status: 200, text };
}

/** `details` is the XML inside the fault: what is particular to this one. */
export function faultAnswer(fault: string, message: string, details = ''): SoapAnswer {
  const detail =
    `<${fault}Fault xmlns="urn:vim25" xsi:type="${fault}">` + `${details}</${fault}Fault>`;
  const text = envelope(
    '<soapenv:Fault><faultcode>ServerFaultCode</faultcode>' +
      `<faultstring>${escapeXml(message)}</faultstring><detail>${detail}</detail></soapenv:Fault>`,
  );
  return { status: 500, text };
}

export function referenceXml(name: string, { type, value }: Reference): string {
  return `<${name} type="${type}">${escapeXml(value)}</${name}>`;
}

/** The same document with its types named as a vCenter does. */
export function withVcenterTypes(text: string): string {
  return text.replaceAll(LOCAL_TYPE, ' xsi:type=');
}
