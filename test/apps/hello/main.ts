/** The least an app can be. */
export default {
  fetch(request: Request): Response {
    return new Response(`hello from ${new URL(request.url).pathname}`);
  },
};
