/** `/loop` never comes back, and holds the thread while it does not. */
export default {
  fetch(request: Request): Response {
    const { pathname } = new URL(request.url);
    while (pathname === '/loop');
    return new Response(`pid ${process.pid}`);
  },
};
