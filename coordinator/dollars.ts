/** US dollars for people: cents where these say enough, else to a millionth. */
export function dollars(usd: number): string {
  if (Number.isInteger(usd)) return `$${usd}`;
  return usd < 1 ? `$${Number(usd.toFixed(6))}` : `$${usd.toFixed(2)}`;
}
