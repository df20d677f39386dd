/** What is around every view: navigation, the banner, the palette, notices. */
import { Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef, useState, type RefObject } from 'react';
import { useSession } from '#web/api/session.ts';
import { ErrorState } from '#web/components/ErrorState.tsx';
import { IconButton } from '#web/components/IconButton.tsx';
import { Loading } from '#web/components/Loading.tsx';
import { Toasts } from '#web/components/Toasts.tsx';
import { TEXT } from '#web/text/en.ts';
import { Navigation } from './Navigation.tsx';
import { OfflineBanner } from './OfflineBanner.tsx';
import { Palette } from './Palette.tsx';
import { paletteIsOpen } from './palette-state.ts';
import { SignInPage } from './SignInPage.tsx';

export function Shell() {
  const session = useSession();
  const content = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  // On a phone the navigation lies over the view, and is in the way once another was chosen.
  const [openAt, setOpenAt] = useState<string | null>(null);
  const isOpen = openAt === path;
  useEffect(() => {
    if (!isOpen) return undefined;
    const onKey = ({ key }: KeyboardEvent) => key === 'Escape' && setOpenAt(null);
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [isOpen]);

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
      <SkipLink content={content} />
      {/* One banner, whose parts stand where the width of the window wants them. */}
      <header className="masthead">
        <div className="topbar">
          <IconButton
            icon={isOpen ? 'close' : 'menu'}
            label={isOpen ? TEXT.closeNavigation : TEXT.openNavigation}
            expanded={isOpen}
            onClick={() => setOpenAt(isOpen ? null : path)}
          />
          <span className="product grow">{TEXT.product}</span>
          <IconButton
            icon="search"
            label={TEXT.palette.open}
            onClick={() => paletteIsOpen.set(true)}
          />
        </div>
        <Navigation session={session.data} />
      </header>
      <div className="stage">
        <OfflineBanner />
        <main id="content" className="content" ref={content} tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      <Palette session={session.data} />
      <Toasts />
    </div>
  );
}

function SkipLink({ content }: { readonly content: RefObject<HTMLElement | null> }) {
  return (
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
  );
}
