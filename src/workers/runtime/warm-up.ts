/**
 * What the first request would otherwise wait for: Node makes its web classes when they are first
 * touched, and code is slow until it has run. So a member that has no app yet answers one request.
 */
import { stripTypeScriptTypes } from 'node:module';
import { createAppAnswerer } from './app-answerer.ts';
import { WorkCount } from './work-count.ts';

const URL_TEXT = 'http://localhost/';

/**
 * What takes types out of TypeScript is 16 MB and 90 ms of work to load: for members that wait, and
 * not for one that an app waits for, which may have no types at all.
 */
export function warmUpTypes(): void {
  stripTypeScriptTypes('const types: string = "gone";');
}

export async function warmUp(): Promise<void> {
  const done = Promise.withResolvers<void>();
  const answer = createAppAnswerer({
    app: {
      name: 'warm-up',
      version: '1.0.0',
      module: { fetch, onIdle: undefined, onTerminate: undefined },
    },
    work: new WorkCount(() => undefined),
    report: () => undefined,
  });
  const head = { method: 'POST', url: URL_TEXT, headers: ['host', 'localhost'], hasBody: false };
  answer(head, Buffer.from('{}'), {
    head: () => undefined,
    write: () => true,
    end: () => done.resolve(),
    fail: () => done.resolve(),
    consume: () => undefined,
  });
  await done.promise;
}

async function fetch(request: Request): Promise<Response> {
  const { headers, signal } = request.clone();
  if (signal.aborted || headers.get('host') === null) return Response.error();
  await request.json();
  return new Response(new Response('a stream').body);
}
