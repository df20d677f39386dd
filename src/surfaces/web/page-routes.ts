/** The web page: `/`, its files, and every address of its own that a browser opens. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DroverError } from '#kernel/errors.ts';
import { sendError } from '#surfaces/edge/http-errors.ts';
import { BuiltPage } from './built-page.ts';
import { PAGE_HEADERS, sendPageFile } from './send-page-file.ts';

const PUBLIC = { config: { public: true } };
const ICON = 'favicon.svg';

const NOT_BUILT = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Drover: the page has not been built</title>
<h1>The page has not been built</h1>
<p>Drover runs, and its APIs answer. Its web page comes from the folder <code>web/dist</code>,
which is not there yet. <code>npm start</code> makes it, and so does</p>
<pre>node scripts/build-web.ts</pre>
<p>in Drover's folder. Then load this page again: Drover need not be started again.</p>
</html>
`;

export function registerPage(app: FastifyInstance, { directory }: { readonly directory: string }) {
  const page = new BuiltPage(directory);
  const sendIndex = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const index = await page.index();
    if (index !== undefined) {
      sendPageFile(request, reply, index);
      return;
    }
    void reply.code(503).headers(PAGE_HEADERS).type('text/html; charset=utf-8');
    void reply.header('cache-control', 'no-store').send(NOT_BUILT);
  };
  const sendFile = async (path: string, request: FastifyRequest, reply: FastifyReply) => {
    const file = await page.find(path);
    if (file === undefined) throw noSuchFile();
    sendPageFile(request, reply, file);
    return reply;
  };
  app.get('/', PUBLIC, async (request, reply) => {
    await sendIndex(request, reply);
    return reply;
  });
  app.get(`/${ICON}`, PUBLIC, (request, reply) => sendFile(ICON, request, reply));
  app.get<{ Params: { file: string } }>('/assets/:file', PUBLIC, (request, reply) =>
    sendFile(`assets/${request.params.file}`, request, reply),
  );
  app.navigations.register((request, reply) => {
    sendIndex(request, reply).catch((thrown: unknown) => sendError(thrown, request, reply));
  });
}

function noSuchFile(): DroverError {
  return new DroverError('not_found', 'the page has no such file; it was built again meanwhile', {
    reason: 'FILE_NOT_FOUND',
  });
}
