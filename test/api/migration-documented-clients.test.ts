/** The client programs in the API document of migrations, as they stand there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { openVSphere, type VSphereFixture } from '#test/vsphere/open-vsphere.ts';

const run = promisify(execFile);

/** What the package `requests` does for the example: JSON there and back. */
const REQUESTS = `
import json as codec
from urllib.request import Request, urlopen

class Response:
    def __init__(self, answer):
        self.text = answer.read()

    def json(self):
        return codec.loads(self.text)

def get(url):
    return Response(urlopen(url, timeout=20))

def post(url, json):
    headers = {'Content-Type': 'application/json'}
    return Response(urlopen(Request(url, codec.dumps(json).encode(), headers), timeout=20))
`;

/** The example leaves out its own import of \`time\`. It waits for 5 s, here for less. */
const PYTHON = `
import requests
import time
nap = time.sleep
time.sleep = lambda seconds: nap(0.05)

# Submit job
response = requests.post('http://localhost:8080/jobs/submit', json={
    'vm_path': 'Datacenter/vm/test-vm',
    'source': {'type': 'vsphere', ...},
    'destination': {'type': 'kvm', ...}
})

job_id = response.json()['job_id']
print(f"Job submitted: {job_id}")

# Monitor job
while True:
    job = requests.get(f'http://localhost:8080/jobs/{job_id}').json()
    if job['status'] in ['completed', 'failed']:
        break
    print(f"Progress: {job['progress']['percent_complete']}%")
    time.sleep(5)
`;

/** What the package `axios` does for the example. */
const AXIOS = `
exports.post = async (url, body) => {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, data: await answer.json() };
};
`;

/** The example neither ends nor is in a function that may await; here it is, and does. */
const JAVASCRIPT = `
module.exports = async (until) => {
// Using axios
const axios = require('axios');

// Submit job
const response = await axios.post('http://localhost:8080/jobs/submit', {
  vm_path: 'Datacenter/vm/test-vm',
  source: {type: 'vsphere', ...},
  destination: {type: 'kvm', ...}
});

const jobId = response.data.job_id;

// Connect WebSocket for real-time updates
const ws = new WebSocket('ws://localhost:8080/ws');
ws.onmessage = (event) => {
  const msg = JSON.parse(event.data);
  if (msg.type === 'job_update' &&
      msg.data.definition.id === jobId) {
    console.log('Progress:', msg.data.progress.percent_complete + '%');
  }
};
await until(ws, jobId);
};
`;
const RUN_JAVASCRIPT = `
require('./example.cjs')((ws, id) => new Promise((resolve) => {
  ws.addEventListener('message', ({ data }) => {
    const { type, data: job } = JSON.parse(data);
    console.log(type);
    const isOver = type === 'job_update' && job.definition.id === id && job.status === 'failed';
    if (isOver) resolve(ws.close());
  });
}));
`;

const owned = new AsyncDisposableStack();
let vsphere: VSphereFixture;
let server: TestServer;
let directory: string;
before(async () => {
  vsphere = owned.use(await openVSphere());
  server = owned.use(await openTestServer());
  directory = await mkdtemp(join(tmpdir(), 'drover-examples-'));
  owned.defer(() => rm(directory, { recursive: true }));
});
after(() => owned.disposeAsync());

/** An example with what it leaves out put in. There is no such VM, so that the job soon ends. */
function complete(example: string): string {
  const { url, username, password } = vsphere.login;
  const source = { vcenter_url: url, username, password, thumbprint: vsphere.thumbprint };
  let text = example.replaceAll('localhost:8080', new URL(server.url).host);
  for (const insert of [source, { libvirt_uri: 'qemu:///system' }]) {
    text = text.replace('...}', `${JSON.stringify(insert).slice(1, -1)}}`);
  }
  return text;
}

/** Long enough that an example sees its job at work. */
function delayNext(): Disposable {
  return vsphere.troubleCalls({ method: 'RetrievePropertiesEx', times: 1, delayMs: 1000 });
}

describe('the example in Python', () => {
  it('submits a job and follows it to its end', async () => {
    await writeFile(join(directory, 'requests.py'), REQUESTS);
    await writeFile(join(directory, 'example.py'), complete(PYTHON));
    using _late = delayNext();
    const { stdout } = await run('python3', [join(directory, 'example.py')], {
      ...{ env: { ...process.env, PYTHONPATH: directory }, timeout: 60_000 },
    });
    const [first, second] = stdout.split('\n');
    assert.match(first ?? '', /^Job submitted: [0-9a-f-]{36}$/);
    assert.match(second ?? '', /^Progress: \d+(\.\d+)?%$/);
  });
});

describe('the example in JavaScript', () => {
  it('submits a job and hears of it by WebSocket', async () => {
    await writeFile(join(directory, 'axios.cjs'), AXIOS);
    const example = complete(JAVASCRIPT).replace("require('axios')", "require('./axios.cjs')");
    await writeFile(join(directory, 'example.cjs'), example);
    await writeFile(join(directory, 'run.cjs'), RUN_JAVASCRIPT);
    using _late = delayNext();
    const { stdout } = await run(process.execPath, [join(directory, 'run.cjs')], {
      timeout: 60_000,
    });
    const lines = stdout.trim().split('\n');
    assert.deepEqual(lines.slice(0, 2), ['jobs', 'status']);
    assert.ok(lines.includes('job_update'));
    assert.ok(lines.some((line) => /^Progress: \d+(\.\d+)?%$/.test(line)));
  });
});
