/** What is typed to get into a vCenter or a host, and what is sent of it. */
export const TRUSTS = ['system', 'pinned', 'ca', 'insecure'] as const;

/** Whose certificate is believed. */
export interface TrustForm {
  readonly trust: (typeof TRUSTS)[number];
  readonly thumbprint: string;
  readonly ca: string;
}

export interface Login extends TrustForm {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly datacenter: string;
}

export const SYSTEM_TRUST: TrustForm = { trust: 'system', thumbprint: '', ca: '' };
export const EMPTY_LOGIN: Login = {
  ...{ url: '', username: '', password: '', datacenter: '', ...SYSTEM_TRUST },
};

export function trustToJson({ trust, thumbprint, ca }: TrustForm): object {
  return {
    ...(trust === 'insecure' && { insecure: true }),
    ...(trust === 'pinned' && { thumbprint }),
    ...(trust === 'ca' && { ca }),
  };
}

/** What is left empty is left out: a password that is kept somewhere then stays what it was. */
export function loginToJson(login: Login): object {
  const { url, username, password, datacenter } = login;
  return {
    ...{ vcenter_url: url, username },
    ...(password !== '' && { password }),
    ...(datacenter.trim() !== '' && { datacenter }),
    ...trustToJson(login),
  };
}

const FIELDS: Readonly<Record<string, keyof Login>> = {
  ...{ vcenter_url: 'url', username: 'username', password: 'password', datacenter: 'datacenter' },
  ...{ thumbprint: 'thumbprint', ca: 'ca' },
};

/** Where the server's objection belongs; undefined when it is about none of these. */
export function loginFieldOf(serverField: string | undefined): keyof Login | undefined {
  return FIELDS[serverField ?? ''];
}
