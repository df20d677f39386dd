/** Tries what apps must not do: `POST /` with an expression answers with its value or its error. */
export default {
  async fetch(request: Request): Promise<Response> {
    try {
      const { href } = new URL(`data:text/javascript,${encodeURIComponent(await request.text())}`);
      const module: { readonly default: unknown } = await import(href);
      return Response.json({ value: (await module.default) ?? null });
    } catch (thrown) {
      const { message } = thrown instanceof Error ? thrown : new Error(String(thrown));
      return Response.json({ error: message, code: Reflect.get(Object(thrown), 'code') });
    }
  },
};
