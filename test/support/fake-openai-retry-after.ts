/** Every form in which a provider says how long to wait, or says it wrongly, or not at all. */
export const retryAfterForms = [
  'seconds',
  'decimal',
  'milliseconds',
  'date',
  'reset',
  'text',
  'absent',
  'negative',
  'absurd',
] as const;
export type RetryAfterForm = (typeof retryAfterForms)[number];

/** How an answer of 429 says to wait for `ms`: its headers, and what is added to its text. */
export function retryAfterHeaders(
  form: RetryAfterForm,
  ms: number,
): { headers: Record<string, string>; hint: string } {
  const said = (headers: Record<string, string>, hint = '') => ({ headers, hint });
  switch (form) {
    case 'seconds':
      return said({ 'retry-after': String(Math.ceil(ms / 1000)) });
    case 'decimal':
      return said({ 'retry-after': String(ms / 1000) });
    case 'milliseconds':
      return said({ 'retry-after-ms': String(ms) });
    case 'date':
      // Whole seconds: rounded up, as it must not be before the time.
      return said({
        'retry-after': new Date(Math.ceil((Date.now() + ms) / 1000) * 1000).toUTCString(),
      });
    case 'reset':
      return said({
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': `${Math.ceil(ms)}ms`,
        'x-ratelimit-remaining-tokens': '1000',
        'x-ratelimit-reset-tokens': '6m0s',
      });
    case 'text':
      return said({}, ` Please try again in ${Math.ceil(ms)}ms.`);
    case 'absent':
      return said({});
    case 'negative':
      return said({ 'retry-after': '-5' });
    case 'absurd':
      return said({ 'retry-after': '86400' });
  }
}
