/** The page begins here. */
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { queryClient } from './api/query-client.ts';
import { sessionQuery } from './api/session.ts';
import { router } from './app/router.tsx';
import { startTheme } from './app/theme.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/controls.css';
import './styles/data.css';
import './styles/overlays.css';

startTheme();
// Who is signed in, and the script of the view, are on their way while the first thing is drawn.
queryClient.query(sessionQuery).catch(() => undefined);
void router.load();
const root = document.getElementById('root');
if (root === null) throw new Error('index.html has the element with the id root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
