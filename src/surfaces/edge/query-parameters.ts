/** The parameters of a query string, each known by name, read once each. */
import type { FastifyRequest } from 'fastify';
import { invalidArgument } from '#kernel/errors.ts';
import { didYouMean } from '#kernel/nearest.ts';

const MOST_VALUES = 100;

export class QueryParameters {
  readonly #values: Readonly<Record<string, unknown>>;

  /** Refuses what is not known, by name. */
  constructor(request: FastifyRequest, known: readonly string[]) {
    this.#values = request.query as Record<string, unknown>;
    for (const name of Object.keys(this.#values)) {
      if (known.includes(name)) continue;
      const nearest = didYouMean(name, known) || `; known: ${known.join(', ')}`;
      throw invalidArgument(name, `is not a parameter here${nearest}`);
    }
  }

  /** Undefined when it is left out, or empty. */
  one(name: string): string | undefined {
    const values = this.all(name);
    if (values.length > 1) throw invalidArgument(name, 'must be given once');
    return values[0];
  }

  /** However often it is given. */
  all(name: string): readonly string[] {
    const values = [this.#values[name] ?? []].flat().filter((value) => value !== '');
    if (values.length > MOST_VALUES) {
      throw invalidArgument(name, `must be given at most ${MOST_VALUES} times`);
    }
    return values.map(String);
  }

  /** Repeated, or separated by commas. */
  list(name: string): readonly string[] {
    const words = this.all(name).flatMap((text) => text.split(','));
    return words.map((word) => word.trim()).filter((word) => word !== '');
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const word = this.one(name);
    if (word === undefined) return undefined;
    const found = choices.find((choice) => choice === word);
    if (found !== undefined) return found;
    throw invalidArgument(name, `must be one of ${choices.join(', ')}${didYouMean(word, choices)}`);
  }

  /** From 1 to `most`. */
  count(name: string, most: number): number | undefined {
    const text = this.one(name);
    if (text === undefined) return undefined;
    const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (count >= 1 && count <= most) return count;
    throw invalidArgument(name, `must be a whole number from 1 to ${most}`);
  }
}
