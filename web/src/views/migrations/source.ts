/**
 * Where VMs are looked for: files here, a connection that is saved, or an address with a login
 * that is typed for this once. The address of the page says which; a login stays in memory.
 */
import { loginToJson, type Login } from './login.ts';

export type Source =
  | { readonly kind: 'file' }
  | { readonly kind: 'connection'; readonly name: string }
  | TypedSource;

export interface TypedSource {
  readonly kind: 'address';
  readonly login: Login;
  /** Which of those that were tried; stands for the login where that must not be shown. */
  readonly turn: number;
}

/** `file`, `address`, or `connection:lab`: what stands in the address of the page. */
export type SourceChoice = string;

export const ADDRESS: SourceChoice = 'address';
const CONNECTION = 'connection:';

export function choiceOf(connection: string): SourceChoice {
  return CONNECTION + connection;
}

/** Its name; whatever names no connection, as it is. */
export function connectionOf(choice: SourceChoice): string {
  return choice.startsWith(CONNECTION) ? choice.slice(CONNECTION.length) : choice;
}

let turns = 0;

export function typedSource(login: Login): TypedSource {
  turns += 1;
  return { kind: 'address', login, turn: turns };
}

/** Undefined while nobody has logged in at the address. */
export function sourceOf(choice: SourceChoice, typed: TypedSource | undefined): Source | undefined {
  if (choice === ADDRESS) return typed;
  if (!choice.startsWith(CONNECTION)) return { kind: 'file' };
  return { kind: 'connection', name: connectionOf(choice) };
}

/** For what was asked of it: never the login itself. */
export function sourceKey(source: Source | undefined): readonly string[] {
  switch (source?.kind) {
    case undefined:
      return ['none'];
    case 'file':
      return ['file'];
    case 'connection':
      return ['connection', source.name];
    case 'address':
      return ['address', String(source.turn)];
  }
}

/** How it is named where VMs are looked for. */
export function listRequest(source: Source): object {
  switch (source.kind) {
    case 'file':
      return { source: { type: 'file' } };
    case 'connection':
      return { connection: source.name };
    case 'address':
      return loginToJson(source.login);
  }
}
