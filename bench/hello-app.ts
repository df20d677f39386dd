/** The trivial app, as its file says it: what is measured is everything around it. */
export const HELLO_APP = `export default { fetch: () => new Response('hello') };\n`;
