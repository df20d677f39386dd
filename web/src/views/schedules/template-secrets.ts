/**
 * What a schedule logs in with stays out of sight. The server answers none of it; what is typed
 * into the JSON of a schedule is taken out of there, into fields of its own, as soon as one leaves
 * the text, and until then the text is shown as dots.
 *
 *   typed ── "password": "…" stands in it ──▶ dots ── left ──▶ its field; the text without it
 */
export const SECRETS = ['password', 'token'] as const;
export type SecretName = (typeof SECRETS)[number];
export type Secrets = Readonly<Partial<Record<SecretName, string>>>;

interface SecretPlace {
  /** Of a request; the first is the one to be made where there is none of them. */
  readonly parts: readonly [string, ...string[]];
  /** One of these says that there is somewhere to log in. */
  readonly needs: readonly string[];
}

const PLACES: Readonly<Record<SecretName, SecretPlace>> = {
  password: { parts: ['source', 'vcenter'], needs: ['vcenter_url', 'server', 'url'] },
  token: { parts: ['destination'], needs: ['url'] },
};

/** A name and a text behind it that is not empty; it may not be closed yet. */
const WRITTEN = /"(password|token)"(\s*:\s*)"((?:[^"\\\n]|\\.)+)("?)/g;

export function holdsSecret(text: string): boolean {
  return text.search(WRITTEN) !== -1;
}

export interface Lifted {
  readonly text: string;
  readonly secrets: Secrets;
}

/** Of several of a name the last counts, as in JSON. */
export function liftSecrets(text: string): Lifted {
  const secrets: Partial<Record<SecretName, string>> = {};
  const emptied = text.replaceAll(WRITTEN, (_all, name: SecretName, colon: string, raw: string) => {
    secrets[name] = unescaped(raw);
    return `"${name}"${colon}""`;
  });
  return { text: emptied, secrets };
}

function unescaped(raw: string): string {
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch {
    return raw;
  }
}

/** Which of them this schedule could need: a saved connection, say, brings its own login. */
export function secretsNeeded(template: object | undefined): readonly SecretName[] {
  return SECRETS.filter((name) => {
    const [, part] = partOf(template, name);
    return PLACES[name].needs.some((field) => Boolean(part[field]));
  });
}

/** What is to be sent: a secret that was left empty is left out, and stays what it was. */
export function withSecrets(template: object | undefined, secrets: Secrets): object | undefined {
  if (template === undefined) return undefined;
  const filled: Record<string, unknown> = { ...template };
  for (const name of SECRETS) {
    const [at, { [name]: written, ...rest }] = partOf(template, name);
    const secret = secrets[name] ?? '';
    if (secret !== '') filled[at] = { ...rest, [name]: secret };
    else if (written === '') filled[at] = rest;
  }
  return filled;
}

/** The part that it belongs to, with its name. */
function partOf(
  template: object | undefined,
  secret: SecretName,
): readonly [name: string, part: Readonly<Record<string, unknown>>] {
  const { parts } = PLACES[secret];
  const known = new Map<string, unknown>(Object.entries(template ?? {}));
  const name = parts.find((each) => known.has(each)) ?? parts[0];
  const part = known.get(name);
  return [name, typeof part === 'object' && part !== null ? { ...part } : {}];
}
