/** Fetches the URL given by `?url=` with its own method and body, and passes the answer on. */
export default {
  async fetch(request: Request): Promise<Response> {
    const target = new URL(request.url).searchParams.get('url') ?? '';
    try {
      return await fetch(target, {
        method: request.method,
        body: request.body,
        duplex: 'half',
        signal: request.signal,
      });
    } catch (thrown) {
      const { name, message, cause } = thrown instanceof Error ? thrown : new Error(String(thrown));
      const { message: why, code } = Object(cause) as Record<string, unknown>;
      return Response.json({ name, message, why, code }, { status: 502 });
    }
  },
};
