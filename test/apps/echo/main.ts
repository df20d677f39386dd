/** Answers with what it was asked: `/json` describes the request, anything else gives it back. */
interface Context {
  readonly app: { readonly name: string; readonly version: string };
  readonly caller: { readonly kind: string; readonly id: string } | undefined;
}

export default {
  async fetch(request: Request, { app, caller }: Context): Promise<Response> {
    const { method, url, headers } = request;
    if (new URL(url).pathname === '/json') {
      const body = await request.text();
      return Response.json({ app, caller, method, url, headers: [...headers], body });
    }
    return new Response(request.body, {
      headers: [
        ['content-type', headers.get('content-type') ?? 'application/octet-stream'],
        ['set-cookie', 'first=1; Path=/'],
        ['set-cookie', 'second=2; Path=/'],
      ],
    });
  },
};
