/** Each path is another way to go wrong. */
export default {
  async fetch(request: Request): Promise<unknown> {
    switch (new URL(request.url).pathname) {
      case '/throw':
        throw new Error('thrown on purpose');
      case '/not-a-response':
        return { status: 200 };
      case '/nothing':
        return undefined;
      case '/error':
        return Response.error();
      case '/used': {
        const response = new Response('once');
        await response.text();
        return response;
      }
      case '/exit':
        return process.exit(3);
      case '/uncaught':
        queueMicrotask(() => {
          throw new Error('uncaught on purpose');
        });
        return new Response('sent before the end');
      case '/unhandled':
        void Promise.reject(new Error('unhandled on purpose'));
        return new Response('sent before the end');
      default:
        return new Response(`pid ${process.pid}`);
    }
  },
};
