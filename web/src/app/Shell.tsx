/** What is around every view: navigation, the banner, the palette, notices. */
import { Outlet, useRouterState } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useSession } from '#web/api/session.ts';
import { ErrorState } from '#web/components/ErrorState.tsx';
import { IconButton } from '#web/components/IconButton.tsx';
import { Loading } from '#web/components/Loading.tsx';
import { Toasts } from '#web/components/Toasts.tsx';
import { TEXT } from '#web/text/en.ts';
import { Navigation } from './Navigation.tsx';
import { OfflineBanner } from './OfflineBanner.tsx';
import { Palette } from './Palette.tsx';
import { SignInPage } from './SignInPage.tsx';

export function Shell() {
  const session = useSession();
  const content = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  // On a phone the navigation lies over the view, and is in the way once another was chosen.
  const [openAt, setOpenAt] = useState<string | null>(null);
  const isOpen = openAt === path;

  if (session.data === undefined) {
    return (
      <main className="alone">
        <OfflineBanner />
        {session.isError ? (
          <ErrorState error={session.error} onRetry={() => void session.refetch()} />
        ) : (
          <Loading />
        )}
      </main>
    );
  }
  if (!session.data.authenticated) {
    return <SignInPage devMode={session.data.dev_mode} />;
  }
  return (
    <div className="shell" data-open={isOpen}>
      <a
        className="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          content.current?.focus();
        }}
      >
        {TEXT.skipToContent}
      </a>
      <div className="topbar">
        <IconButton
          icon={isOpen ? 'close' : 'menu'}
          label={isOpen ? TEXT.closeNavigation : TEXT.openNavigation}
          expanded={isOpen}
          onClick={() => setOpenAt(isOpen ? null : path)}
        />
        <span className="product">{TEXT.product}</span>
      </div>
      <Navigation session={session.data} />
      <div className="stage">
        <OfflineBanner />
        <main id="content" className="content" ref={content} tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      <Palette />
      <Toasts />
    </div>
  );
}
