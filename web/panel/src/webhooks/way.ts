/**
 * How requests get to the service – a forward proxy, a client certificate – between the API's shape and the form's
 * fields. A stored certificate is never shown: left alone it is kept.
 */
import type { Endpoint, EndpointInput } from '../api/models';

export interface WayFields {
  proxyUrl: string;
  proxyUser: string;
  proxyPassword: string;
  /** What becomes of the certificate: left as it is, replaced (or given for the first time), taken away. */
  certificate: 'keep' | 'new' | 'none';
  certificatePem: string;
  keyPem: string;
}

export function wayFieldsOf({ proxy, client_certificate }: Pick<Endpoint, 'proxy' | 'client_certificate'>): WayFields {
  return {
    proxyUrl: proxy?.url ?? '',
    proxyUser: proxy?.username ?? '',
    proxyPassword: proxy?.password ?? '',
    certificate: client_certificate ? 'keep' : 'none',
    certificatePem: '',
    keyPem: '',
  };
}

/** What is sent; a certificate that is kept is left out. */
export function wayOf(fields: WayFields): Pick<EndpointInput, 'proxy' | 'client_certificate'> {
  const url = fields.proxyUrl.trim();
  const username = fields.proxyUser.trim();
  const credentials = username || fields.proxyPassword ? { username, password: fields.proxyPassword } : {};
  return {
    proxy: url ? { url, ...credentials } : null,
    ...(fields.certificate === 'none' ? { client_certificate: null } : {}),
    ...(fields.certificate === 'new'
      ? { client_certificate: { certificate_pem: fields.certificatePem, private_key_pem: fields.keyPem } }
      : {}),
  };
}
