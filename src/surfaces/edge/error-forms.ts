/** How failures look below the paths of an API whose document has a form of its own for them. */
import type { DroverError } from '#kernel/errors.ts';
import { errorToBody } from './http-errors.ts';

export type ErrorForm = (error: DroverError, requestId: string) => object;

export class ErrorForms {
  readonly #forms: { readonly path: string; readonly form: ErrorForm }[] = [];

  /** For these paths and all below them; `/` is everything. */
  add(paths: readonly string[], form: ErrorForm): void {
    for (const path of paths) this.#forms.push({ path: path === '/' ? '' : path, form });
  }

  bodyFor(url: string, error: DroverError, requestId: string): object {
    const [path = '/'] = url.split('?', 1);
    const found = this.#forms.find(
      (each) => path === each.path || path.startsWith(`${each.path}/`),
    );
    return (found?.form ?? errorToBody)(error, requestId);
  }
}
