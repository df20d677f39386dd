/** What the view of webhooks says. */
export const WEBHOOKS = {
  title: 'Webhooks',
  filter: 'Filter webhooks',
  add: 'Add webhook',
  none: {
    title: 'No webhooks yet',
    hint: 'A webhook tells another system what happens here, as it happens.',
  },
  of: { migration: 'Migrations', metrics: 'Metrics and alerts' },
  columns: {
    ...{ url: 'Address', of: 'Tells of', events: 'Events', state: 'State', success: 'Delivered' },
    ...{ failures: 'Failures', event: 'Event', at: 'When', attempts: 'Attempts', answer: 'Answer' },
    ...{ next: 'Next attempt', latency: 'Took', why: 'Why' },
  },
  every: 'all',
  states: {
    ...{ ok: 'Delivering', failing: 'Failing', disabled: 'Disabled', untried: 'Nothing sent yet' },
  },
  deliveryStates: {
    ...{ pending: 'Waiting', delivered: 'Delivered', failed: 'Failed', dead: 'Given up' },
  },
  configured: 'from the config file',
  actionsOf: (url: string) => `Actions of ${url}`,
  commands: {
    ...{ test: 'Test', deliveries: 'Deliveries', remove: 'Remove', redeliver: 'Send again' },
    inConfig: 'It is in the config file: take it out there',
  },
  palette: {
    test: (url: string) => `Test ${url}`,
    remove: (url: string) => `Remove ${url}…`,
    taken: (url: string, answer: string) => `${url} took the test: ${answer}`,
    refused: (url: string, why: string) => `${url} did not take the test: ${why}`,
  },
  test: {
    title: (url: string) => `Test of ${url}`,
    sending: 'Sending an event that never happened…',
    taken: 'It was taken',
    refused: 'It was not taken',
    facts: { status: 'Answer', latency: 'Took', body: 'It said', error: 'Why' },
    http: (status: number) => `HTTP ${status}`,
  },
  deliveries: {
    title: (url: string) => `Deliveries to ${url}`,
    none: 'Nothing was sent yet',
    hide: 'Hide',
    older: 'The newest 100 are shown.',
    sentAgain: 'Sent again',
  },
  confirm: {
    title: 'Remove this webhook?',
    text: (url: string) => `Nothing is sent to ${url} any more. What waits to be sent is dropped.`,
  },
  removed: 'The webhook is removed',
  added: 'The webhook is added',
  form: {
    title: 'Add a webhook',
    ...{ of: 'Tell of', url: 'Address', secret: 'Secret', events: 'Events', save: 'Add' },
    urlHint: 'https://… of what is to be told',
    secretHint: 'Signs what is sent. Empty: not signed. It is not shown again.',
    all: 'None chosen: all of them',
  },
} as const;
