import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { govcToLogin } from './govc-login.ts';

describe('govcToLogin', () => {
  it('knows no login without a URL', () => {
    assert.equal(govcToLogin({}), undefined);
    assert.equal(govcToLogin({ GOVC_USERNAME: 'u' }), undefined);
  });

  it('takes a host and the login from variables of their own', () => {
    const login = govcToLogin({
      ...{ GOVC_URL: 'vc.example.com', GOVC_USERNAME: 'u', GOVC_PASSWORD: 'p w' },
      ...{ GOVC_INSECURE: '1', GOVC_DATACENTER: 'DC0' },
    });
    assert.deepEqual(login, {
      ...{ kind: 'vsphere', url: 'https://vc.example.com/sdk', username: 'u', password: 'p w' },
      datacenter: 'DC0',
      trust: { ca: undefined, thumbprint: undefined, isInsecure: true },
    });
  });

  it('takes the login from the URL, where that tool allows it', () => {
    const login = govcToLogin({ GOVC_URL: 'https://a%40b:p%2Fw@vc.example.com/sdk' });
    assert.deepEqual(
      [login?.url, login?.username, login?.password],
      ['https://vc.example.com/sdk', 'a@b', 'p/w'],
    );
  });

  it('says which variable is wrong, and never the password', () => {
    assert.throws(
      () => govcToLogin({ GOVC_URL: 'ftp://u:hunter2@vc' }),
      (error) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, /GOVC_URL cannot be used/);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  });
});
