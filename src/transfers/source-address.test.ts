import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSourceUrl } from './source-address.ts';

describe('parseSourceUrl', () => {
  for (const [text, url] of [
    ['vcenter.example.com', 'https://vcenter.example.com/sdk'],
    [' vcenter:8443 ', 'https://vcenter:8443/sdk'],
    ['vcenter/', 'https://vcenter/sdk'],
    ['https://VCENTER.example.com', 'https://vcenter.example.com/sdk'],
    ['https://vcenter.example.com/sdk', 'https://vcenter.example.com/sdk'],
    ['https://gateway.example.com/vcenter/sdk', 'https://gateway.example.com/vcenter/sdk'],
    ['10.0.0.5', 'https://10.0.0.5/sdk'],
    ['[fd00::5]:8443', 'https://[fd00::5]:8443/sdk'],
    ['http://127.0.0.1:8989', 'http://127.0.0.1:8989/sdk'],
    ['http://localhost:8989/sdk', 'http://localhost:8989/sdk'],
    ['http://[::1]:8989', 'http://[::1]:8989/sdk'],
  ] as const) {
    it(`reads ${text}`, () => {
      assert.equal(parseSourceUrl(text, 'vcenter_url'), url);
    });
  }

  for (const [text, message] of [
    ['', /must be a host or URL such as https:\/\/vcenter.example.com\/sdk/],
    ['ftp://vcenter', /must be a host or URL/],
    ['https://', /must be a host or URL/],
    ['v center', /must be a host or URL/],
    ['file:///etc/passwd', /must be a host or URL/],
    [`${'v'.repeat(3000)}`, /must be a host or URL/],
    ['https://admin:hunter2@vcenter/sdk', /must not hold a user or password/],
    ['admin:hunter2@vcenter', /must not hold a user or password/],
    ['https://admin@vcenter', /must not hold a user or password/],
    ['https://vcenter/sdk?password=hunter2', /without \? or #/],
    ['https://vcenter/sdk#hunter2', /without \? or #/],
    ['http://vcenter.example.com/sdk', /must begin with https:\/\//],
    ['http://10.0.0.5', /must begin with https:\/\//],
    ['http://localhost.example.com', /must begin with https:\/\//],
  ] as const) {
    it(`refuses ${text.slice(0, 40)} by the name of the field, and repeats no secret`, () => {
      assert.throws(
        () => parseSourceUrl(text, 'vcenter_url'),
        (thrown) => {
          assert.ok(thrown instanceof Error);
          assert.match(thrown.message, message);
          assert.match(thrown.message, /^vcenter_url: /);
          assert.doesNotMatch(thrown.message, /hunter2/);
          return true;
        },
      );
    });
  }
});
