/** Set by scripts/build-web.ts: whether /dev/components is part of the page. */
declare const __WITH_COMPONENTS_PAGE__: boolean;
