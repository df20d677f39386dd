/** Host names that belong to apps: named ones, and every name right below a domain. */

export interface AppHostsOptions {
  /** `<app>.<domain>` is the app. */
  readonly domain: string | undefined;
  /** From a host name, in lower case, to what is served there: `shop`, `shop@1`. */
  readonly hosts: ReadonlyMap<string, string>;
}

export class AppHosts {
  readonly #hosts: ReadonlyMap<string, string>;
  readonly #suffix: string | undefined;

  constructor({ domain, hosts }: AppHostsOptions) {
    this.#hosts = hosts;
    this.#suffix = domain === undefined ? undefined : `.${domain.toLowerCase()}`;
  }

  get isEmpty(): boolean {
    return this.#hosts.size === 0 && this.#suffix === undefined;
  }

  /** By the Host header; undefined when the host is the platform's own. */
  find(header: string | undefined): string | undefined {
    if (header === undefined) return undefined;
    const host = toHostName(header);
    const named = this.#hosts.get(host);
    if (named !== undefined || this.#suffix === undefined) return named;
    if (!host.endsWith(this.#suffix)) return undefined;
    const label = host.slice(0, -this.#suffix.length);
    return label === '' || label.includes('.') ? undefined : label;
  }
}

/** Without the port, and without the dot that ends a name given in full. */
function toHostName(header: string): string {
  const portAt = header.lastIndexOf(':');
  const name = portAt === -1 || header.endsWith(']') ? header : header.slice(0, portAt);
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase();
}
