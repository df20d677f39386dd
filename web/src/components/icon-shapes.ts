/** The icons: lines on a grid of 16, drawn with a stroke of 1.5. */
export const ICON_SHAPES = {
  alert: 'M4 11V7a4 4 0 0 1 8 0v4l1 1.5H3zM6.5 14.5h3',
  check: 'M3 8.5l3.2 3.2L13 4.8',
  chevron: 'M6 3.5L10.5 8 6 12.5',
  close: 'M4 4l8 8M12 4l-8 8',
  contrast: 'M8 2.5a5.5 5.5 0 1 1 0 11zM8 2.5a5.5 5.5 0 1 0 0 11',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  download: 'M8 2.5v7.2M4.8 6.8L8 10l3.2-3.2M3 13.5h10',
  down: 'M3.5 6L8 10.5 12.5 6',
  drover: 'M2 8h6.5M5 3.5h3a4.5 4.5 0 0 1 0 9H5z',
  error: 'M5.2 2.5h5.6l2.7 2.7v5.6l-2.7 2.7H5.2l-2.7-2.7V5.2zM8 5v3.6M8 11v.2',
  external: 'M9 3h4v4M13 3L7.5 8.5M11 9.5V13H3V5h3.5',
  leave: 'M6.5 2.5h-4v11h4M6 8h7.5M10.8 5.2L13.5 8l-2.7 2.8',
  machine: 'M2.5 3h11v7.5h-11zM8 10.5v3M5 13.5h6',
  menu: 'M2.5 4h11M2.5 8h11M2.5 12h11',
  migration: 'M2.5 3h4.5v10H2.5zM9 8h5M11.7 5.4L14.3 8l-2.6 2.6',
  moon: 'M13 9.6A5.4 5.4 0 1 1 6.4 3a4.4 4.4 0 0 0 6.6 6.6z',
  more: 'M3.5 8h.1M8 8h.1M12.5 8h.1',
  offline:
    'M2 2l12 12M4.5 9.5a5 5 0 0 1 3-1.5M2 6.8a8.6 8.6 0 0 1 3-1.9M8 4.2c2.3 0 4.4.9 6 2.5' +
    'M11.5 9.5l-.6-.5M8 12.8v.1',
  overview: 'M2.5 2.5h4.5v6H2.5zM9 2.5h4.5v3.5H9zM9 8h4.5v5.5H9zM2.5 10.5H7v3H2.5z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3l7.5 5L5 13z',
  plus: 'M8 3v10M3 8h10',
  power: 'M8 2.5v5M4.7 4.5a5 5 0 1 0 6.6 0',
  refresh: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3',
  schedule: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 5v3.2l2.2 1.5',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3l3.2 3.2',
  server: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1',
  settings: 'M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6M10 3v3M6 10v3',
  stop: 'M4 4h8v8H4z',
  sun:
    'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2' +
    'M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  trash: 'M3 4.5h10M6 4.5v-2h4v2M4.2 4.5l.6 9h6.4l.6-9M6.7 7v4M9.3 7v4',
  up: 'M3.5 10L8 5.5l4.5 4.5',
  warning: 'M8 2.5l6 11H2zM8 6.5v3.2M8 11.7v.1',
  webhook:
    'M6.5 9.5l3-3M7.3 4.5l1.6-1.6a2.9 2.9 0 0 1 4.2 4.2l-1.6 1.6' +
    'M8.7 11.5l-1.6 1.6a2.9 2.9 0 0 1-4.2-4.2l1.6-1.6',
  worker:
    'M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5' +
    'M11.5 6.5H14M11.5 9.5H14',
} as const;

export type IconName = keyof typeof ICON_SHAPES;
