/** Whether what was found in a judge model's text also stands, white space aside, in one of the texts `shown` to the model: then it may be a quote. */
export function mayBeQuoted(found: string, shown: readonly string[]): boolean {
  const wanted = withoutSpace(found);
  return shown.some((text) => withoutSpace(text).includes(wanted));
}

function withoutSpace(text: string): string {
  return text.replace(/\s+/g, '');
}
