/**
 * Long bodies: `GET /down?bytes=N` sends so many, `POST /up` counts them, `GET /wait` answers only
 * when nobody waits for it any more, `GET /endless` never stops, `GET /state` says what became of
 * those two, `GET /cut` breaks in the middle.
 */
const CHUNK_BYTES = 64 * 1024;

const state = { waitsAborted: 0, streamsCancelled: 0 };

function send(byteCount: number): ReadableStream<Uint8Array> {
  let left = byteCount;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      // Each is made anew: what piled up somewhere could be seen.
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, left)).fill(97);
      left -= chunk.length;
      if (chunk.length > 0) controller.enqueue(chunk);
      if (left === 0) controller.close();
    },
    cancel() {
      state.streamsCancelled += 1;
    },
  });
}

async function count(body: ReadableStream<Uint8Array> | null): Promise<number> {
  let byteCount = 0;
  for await (const chunk of body ?? []) byteCount += chunk.length;
  return byteCount;
}

function aborted(signal: AbortSignal): Promise<Response> {
  const { promise, resolve } = Promise.withResolvers<Response>();
  signal.addEventListener('abort', () => {
    state.waitsAborted += 1;
    resolve(new Response('too late'));
  });
  return promise;
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    switch (pathname) {
      case '/down':
        return new Response(send(Number(searchParams.get('bytes'))));
      case '/up':
        return Response.json({ byteCount: await count(request.body) });
      case '/wait':
        return aborted(request.signal);
      case '/endless':
        return new Response(send(Infinity));
      case '/cut':
        return new Response(
          new ReadableStream<Uint8Array>({
            start(controller) {
              controller.enqueue(new Uint8Array(CHUNK_BYTES));
            },
            pull() {
              throw new Error('the cable is cut');
            },
          }),
        );
      case '/memory':
        return Response.json({ mostRssBytes: 1024 * process.resourceUsage().maxRSS });
      default:
        return Response.json(state);
    }
  },
};
