export interface ApiRequest {
  /** The credential; none when left out. */
  key?: string;
  tenantId?: string;
  body?: unknown;
  /** Sent as it is, instead of a body. */
  raw?: string;
  headers?: Record<string, string>;
}

// Each test knows the shape of its answer; describing every body twice would hide the ones that matter.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Answered = any;

export interface ApiAnswer {
  status: number;
  body: Answered;
  text: string;
  headers: Headers;
}

/** Calls a service's API as a client would. */
export async function callApi(
  url: string,
  method: string,
  path: string,
  request: ApiRequest = {},
): Promise<ApiAnswer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(request.key ? { authorization: `Bearer ${request.key}` } : {}),
      ...(request.tenantId ? { 'tenant-id': request.tenantId } : {}),
      ...(request.body !== undefined ? { 'content-type': 'application/json' } : {}),
      ...request.headers,
    },
    body: request.raw ?? (request.body === undefined ? undefined : JSON.stringify(request.body)),
  });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  return {
    status: response.status,
    body: isJson && text ? JSON.parse(text) : undefined,
    text,
    headers: response.headers,
  };
}
