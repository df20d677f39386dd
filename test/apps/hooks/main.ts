/** Writes a line for each hook, and goes on after its answers. */
interface Context {
  waitUntil(work: Promise<unknown>): void;
}

export default {
  fetch(request: Request, context: Context): Response {
    context.waitUntil(
      request.text().then((text) => console.log(text === '' ? 'nothing to do' : `did ${text}`)),
    );
    return new Response('accepted', { status: 202 });
  },
  onIdle(): void {
    console.log('idle');
  },
  async onTerminate(): Promise<void> {
    await Promise.resolve();
    console.log('terminating');
  },
};
