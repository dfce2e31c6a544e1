/** What a fake server answers with. */
export interface Reply {
  status?: number;
  body: unknown;
}

export function refusal(message: string): Reply {
  return { status: 400, body: { error: { message, code: 400 } } };
}

export function missing(url: string): Reply {
  return { status: 404, body: { detail: `${url} Not Found` } };
}
