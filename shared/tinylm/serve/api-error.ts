/** An answer other than success, in the shape of the OpenAI API. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly body: {
    error: { message: string; type: string; param: string | null; code: string | null };
  };
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    message: string,
    about: { param?: string; code?: string; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.status = status;
    const { param = null, code = null, headers = {} } = about;
    const type = status >= 500 ? 'server_error' : 'invalid_request_error';
    this.body = { error: { message, type, param, code } };
    this.headers = headers;
  }
}

/** The model is not loaded, or no longer; its owner loads it again. */
export function modelNotLoaded(id: string): ApiError {
  const message = `model ${JSON.stringify(id)} is not loaded: load it by POST /v1/models {"id","path"}`;
  return new ApiError(404, message, { param: 'model', code: 'model_not_found' });
}

/** Too much waits already; the client comes back in a second. */
export function overloaded(message: string): ApiError {
  return new ApiError(429, message, { code: 'overloaded', headers: { 'retry-after': '1' } });
}

/** The server is stopping; another one may run soon. */
export function stopping(): ApiError {
  const headers = { 'retry-after': '1', connection: 'close' };
  return new ApiError(503, 'the server is stopping', { code: 'stopping', headers });
}
