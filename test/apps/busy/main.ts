/**
 * Says in its log which requests it began, and in its answers who answered: `?id=` names the
 * request, `ms` is how long it takes, and `exit` ends the worker in the middle of it.
 */
interface Context {
  readonly app: { readonly version: string };
}

export default {
  async fetch(request: Request, { app }: Context): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const id = searchParams.get('id');
    console.log(`began ${id}`);
    const ms = Number(searchParams.get('ms'));
    if (ms > 0) await new Promise((resolve) => void setTimeout(resolve, ms));
    if (searchParams.has('exit')) process.exit(3);
    const body = await request.text();
    return Response.json({ id, body, version: app.version, pid: process.pid });
  },
};
