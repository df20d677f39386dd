/** The views, by name; below them who is signed in, and the colours. */
import { useLocation } from '@tanstack/react-router';
import { signOut, type SignedIn } from '#web/api/session.ts';
import { useStore } from '#web/api/store.ts';
import { useAction } from '#web/api/use-action.ts';
import { Icon } from '#web/components/Icon.tsx';
import { IconButton } from '#web/components/IconButton.tsx';
import type { IconName } from '#web/components/icon-shapes.ts';
import { KeyHint } from '#web/components/KeyHint.tsx';
import { TEXT } from '#web/text/en.ts';
import { paletteIsOpen } from './palette-state.ts';
import { nextTheme, theme, type Theme } from './theme.ts';
import { ViewLink } from './ViewLink.tsx';
import { VIEWS, viewsFor } from './views.ts';

const THEME_ICONS: Readonly<Record<Theme, IconName>> = {
  ...{ system: 'contrast', light: 'sun', dark: 'moon' },
};

export function Navigation({ session }: { readonly session: SignedIn }) {
  const current = useCurrentPath();
  return (
    <div className="sidebar">
      <div className="sidebar-head">
        <Icon name="drover" />
        <span className="product">{TEXT.product}</span>
        {session.dev_mode && (
          <span className="tag" title={TEXT.session.devHint}>
            {TEXT.session.devMode}
          </span>
        )}
      </div>
      <button type="button" className="palette-opener" onClick={() => paletteIsOpen.set(true)}>
        <Icon name="search" />
        <span className="grow">
          {TEXT.palette.opener}
          <span className="unseen">{TEXT.palette.openerRest}</span>
        </span>
        <KeyHint keys={['Ctrl', 'K']} />
      </button>
      <nav aria-label={TEXT.navigation}>
        <ul>
          {viewsFor(session).map(
            (view) =>
              view.icon !== undefined && (
                <li key={view.path}>
                  <ViewLink
                    to={view}
                    className="nav-link"
                    label={view.title}
                    isExact={view.path !== current}
                  >
                    <Icon name={view.icon} />
                    <span>{view.title}</span>
                  </ViewLink>
                </li>
              ),
          )}
        </ul>
      </nav>
      <SidebarFoot session={session} />
    </div>
  );
}

/** Of the view in the navigation that one is in: the most particular of those that fit. */
function useCurrentPath(): string | undefined {
  const { pathname } = useLocation();
  return VIEWS.filter(({ icon }) => icon !== undefined)
    .map(({ path }) => path)
    .filter((path) => `${pathname}/`.startsWith(path === '/' ? '//' : `${path}/`))
    .toSorted((one, other) => other.length - one.length)[0];
}

function SidebarFoot({ session }: { readonly session: SignedIn }) {
  const chosen = useStore(theme);
  const leave = useAction({ run: signOut });
  return (
    <div className="sidebar-foot">
      <span className="who" title={TEXT.session.as(session.name)}>
        <span className="who-name">{session.name}</span>
        {!session.may_change && <span className="tag">{TEXT.session.readOnly}</span>}
      </span>
      <IconButton
        icon={THEME_ICONS[chosen]}
        label={TEXT.theme.switchTo(TEXT.theme[chosen])}
        onClick={nextTheme}
      />
      <IconButton icon="leave" label={TEXT.session.signOut} onClick={() => leave.run(undefined)} />
    </div>
  );
}
