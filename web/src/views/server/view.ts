/** One server: as it stands, and as it went. */
import { defineView } from '#web/app/view.ts';
import { SERVER } from '#web/text/server.ts';

export const serverView = defineView({
  path: '/servers/$id',
  title: SERVER.title,
  search: { range: '1h', top: 'cpu' },
  isForOperators: true,
  load: async () => (await import('./ServerPage.tsx')).ServerPage,
  palette: async (session) => await (await import('./server-entries.ts')).serverEntries(session),
});
