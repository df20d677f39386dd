/** What the settings say. */
export const SETTINGS = {
  title: 'Settings',
  tabs: { label: 'Settings', servers: 'Servers', about: 'About' },
  add: 'Add a server',
  edit: (id: string) => `Change ${id}`,
  create: 'Add server',
  save: 'Save',
  created: (name: string) => `${name} is watched`,
  saved: (name: string) => `${name} was saved`,
  columns: {
    ...{ server: 'Server', roles: 'For', sources: 'Sources', origin: 'From', actions: 'Actions' },
    ...{ source: 'Source', result: 'Result', took: 'Took', tells: 'Tells' },
  },
  origins: { builtin: 'this host', config: 'config file', api: 'added' },
  builtinHint:
    'This host is watched by itself, until servers are added or stand in the config file. ' +
    'Add it with the source “this host” to keep it beside others.',
  actions: {
    ...{ test: 'Test its sources', edit: 'Change…', remove: 'Remove…' },
    of: (name: string) => `Actions of ${name}`,
  },
  fixed: {
    builtin: 'It is this host, which is not configured.',
    config: 'It stands in the config file, and is changed there.',
  },
  removeTitle: (name: string) => `Stop watching ${name}?`,
  removeText: 'Nothing happens to the server itself. What was measured of it stays.',
  remove: 'Remove server',
  removed: (name: string) => `${name} is no longer watched`,
  testTitle: (name: string) => `Sources of ${name}`,
  works: 'Works',
  kinds: {
    local: 'This host',
    exporter: 'Drover agent or exporter',
    prometheus: 'Prometheus',
    proxmox: 'Proxmox VE',
    qdrant: 'Qdrant',
  },
  short: {
    ...{ local: 'this host', exporter: 'exporter', prometheus: 'Prometheus' },
    ...{ proxmox: 'Proxmox VE', qdrant: 'Qdrant' },
  },
  roles: { ai: 'AI', app: 'Apps', storage: 'Storage', any: 'Anything' },
  form: {
    ...{ id: 'Id', idHint: 'Lower-case letters, digits and _ . -; it cannot be changed later' },
    ...{ name: 'Name', nameHint: 'Empty: the id', rolesTitle: 'What it is for' },
    source: (number: number) => `Source ${number}`,
    ...{ kind: 'Kind', url: 'URL', instance: 'Label instance', node: 'Node' },
    ...{ instanceHint: 'As the Prometheus has it: web-1:9100', nodeHint: 'Empty: the one asked' },
    ...{ secret: 'Login', secretHint: 'A token, or USER:PASSWORD; empty for none' },
    proxmoxHint: 'USER@REALM!TOKENID=SECRET',
    secretKept: 'There is one. Leave it empty to keep it.',
    ...{ trust: 'Certificate', thumbprint: 'Thumbprint', thumbprintHint: 'SHA-256, in hex' },
    trusts: {
      ...{ usual: 'Signed by a known authority', thumbprint: 'The one with this thumbprint' },
      ...{ insecure: 'Not checked' },
    },
    ...{ addSource: 'Add a source', removeSource: (number: number) => `Remove source ${number}` },
  },
  urls: {
    ...{ exporter: 'http://10.0.0.7:9100/metrics', prometheus: 'http://10.0.0.5:9090' },
    ...{ proxmox: 'https://10.0.0.6:8006', qdrant: 'http://10.0.0.8:6333', local: '' },
  },
  about: {
    ...{ version: 'Version', status: 'Status', backend: 'Runs machines by', uptime: 'Up for' },
    ...{ memory: 'Memory of Drover', user: 'Signed in as', may: 'May', change: 'change things' },
    ...{ read: 'only read', checks: 'Checks', check: 'Check', took: 'Took', at: 'When' },
    tokens: 'Tokens',
    tokensHint: 'Tokens are made and taken back with `drover token`, on the host of the server.',
  },
} as const;
